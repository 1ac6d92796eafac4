"""What all neural engines share: weights checked before use, frames reduced to the model's size, a keyed channel."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.engines.channel import Channel
from provenance.watermark.engines.contract import (
    Candidate,
    EmbedJob,
    EngineInfo,
    ReadsFrames,
    Rgb,
    TimedPicture,
)
from provenance.watermark.engines.errors import EngineFailed, EngineUnavailable, WeightsUnusable
from provenance.watermark.engines.evidence import ALL_MESSAGES, agreement, p_chance
from provenance.watermark.engines.sampling import Sampler, spread_order
from provenance.watermark.engines.weights import Weights
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.message import code_bits, p_wrong_message, read_message

if TYPE_CHECKING:
    import torch

MODEL_SIDE = 256  # pixels; all known models look at a square of this size
GROUP_FRAMES = 4  # share one run of the model when embedding
_PART_S = 0.5
_STILL_FPS = 24.0
_FRAMES_KEPT = 48
_BATCH_ON_DEVICE = 8  # a processor gains nothing from several at once

Floats = NDArray[np.float64]


class NeuralEngine(ReadsFrames):
    """An engine around a TorchScript model. Subclasses say how its methods are called, and what EngineInfo asks."""

    NAME: ClassVar[str]
    CHANNEL_BITS: ClassVar[int]
    MESSAGE_CHANNEL: ClassVar[str]
    READS_STILLS: ClassVar[bool]

    def __init__(self, weights: Weights | None, reason: str = "") -> None:
        """`weights` None: the engine is switched off, for `reason`."""
        self.channel = Channel(self.NAME, self.CHANNEL_BITS)
        self._weights = weights
        self._reason = reason
        self._model: torch.jit.ScriptModule | None = None

    def info(self) -> EngineInfo:
        """See WatermarkEngine."""
        reason = self.why_not()
        return EngineInfo(
            name=self.NAME,
            algorithm=f"{self.NAME}-{self.CHANNEL_BITS}+slate",
            version="1",
            media_types=("video", "image"),
            channel_bits=self.CHANNEL_BITS,
            keyed=False,
            needs_weights=True,
            licence=self.licence,
            device=self.device,
            is_available=not reason,
            reason=reason,
            message_channel=self.MESSAGE_CHANNEL,
            reads_stills=self.READS_STILLS,
        )

    @abstractmethod
    def mark_group(self, pictures: "torch.Tensor", bits: "torch.Tensor", strength: float) -> "torch.Tensor":
        """(n, 3, H, W) in 0..1, n <= 4 successive frames, and (1, width) bits as 0.0 or 1.0, to marked frames."""

    @abstractmethod
    def logits(self, pictures: "torch.Tensor") -> "torch.Tensor":
        """(n, 3, 256, 256) in 0..1 to (n, width), positive for 1."""

    def why_not(self) -> str:
        """The reason why the engine is not available, or ""."""
        return self._reason if self._weights is None else self._weights.why_not()

    @property
    def licence(self) -> str:
        """Of the weights, as declared."""
        return self._weights.licence if self._weights else ""

    @property
    def device(self) -> str:
        """Torch device that the model runs on."""
        return self._weights.device if self._weights else "cpu"

    @property
    def model(self) -> "torch.jit.ScriptModule":
        """The model, loaded at first use and tried on a grey picture. Raises EngineUnavailable, WeightsUnusable."""
        if self._model is None:
            if self._weights is None:
                raise EngineUnavailable(self._reason, "See weights.toml.")
            self._model = self._weights.load()
            try:
                self._try_shapes(self._weights.path.name)
            except WeightsUnusable:
                self._model = None
                raise
        return self._model

    def embed(self, frames: Iterable[Rgb], job: EmbedJob) -> Iterator[Rgb]:
        """See WatermarkEngine. The frames of a group share the residual of the first, as the models expect."""
        import torch

        _ = self.model
        words = [self.channel.encode(job.key, job.payload, part) for part in range(self.channel.parts)]
        stream, shape, number = iter(frames), None, 0
        while group := list(islice(stream, GROUP_FRAMES)):
            shape = shape or group[0].shape
            for frame in group:
                _require(frame, shape)
            word = words[self._part_at(number, job)]
            bits = torch.from_numpy(word[None].astype(np.float32)).to(self.device)
            with torch.inference_mode(), _running(self.channel.label):
                marked = self.mark_group(
                    self._to_tensor(group), bits, 1.0 if job.strength is None else job.strength
                )
            yield from _to_frames(marked)
            number += len(group)

    def detector(self, budget_s: float | None = None) -> "NeuralDetector":
        """See WatermarkEngine."""
        _ = self.model
        return NeuralDetector(self, budget_s)

    def reduce(self, rgb: Rgb) -> "torch.Tensor":
        """(H, W, 3) uint8 to (3, 256, 256) in 0..1, as the models were trained: bilinear with anti-aliasing."""
        import torch

        with torch.inference_mode():
            whole = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255
            return resize(whole, MODEL_SIDE, MODEL_SIDE)[0]

    def _part_at(self, number: int, job: EmbedJob) -> int:
        """Which part of the code word a frame carries: another one every half second, in whole groups."""
        fps = _STILL_FPS if job.fps is None else float(job.fps)
        groups_per_part = max(1, round(fps * _PART_S / GROUP_FRAMES))
        return number // (GROUP_FRAMES * groups_per_part) % self.channel.parts

    def _to_tensor(self, group: list[Rgb]) -> "torch.Tensor":
        import torch

        return torch.from_numpy(np.stack(group)).to(self.device).permute(0, 3, 1, 2).float() / 255

    def _try_shapes(self, name: str) -> None:
        import torch

        grey = torch.full((2, 3, MODEL_SIDE, MODEL_SIDE), 0.5, device=self.device)
        try:
            with torch.inference_mode():
                marked = self.mark_group(grey, torch.zeros(1, self.channel.width, device=self.device), 1.0)
                read = self.logits(grey)
        # A foreign model may fail in any way it likes: torch passes on whatever its code raises.
        except Exception as error:
            raise WeightsUnusable(
                f"The model in {name} cannot be called as this engine calls it: {type(error).__name__}.",
                f"{error}"[:300],
            ) from error
        if marked.shape != grey.shape or read.shape != (2, self.channel.width):
            raise WeightsUnusable(
                f"The model in {name} marks to {tuple(marked.shape)} and reads {tuple(read.shape)}.",
                f"It must mark to {tuple(grey.shape)} and read (2, {self.channel.width}).",
            )


class NeuralDetector:
    """Keeps up to 48 reduced frames, spread over the clip; the model runs when the answer is asked for."""

    def __init__(self, engine: NeuralEngine, budget_s: float | None) -> None:
        self._engine = engine
        self._budget_s = budget_s
        self._frames: Sampler[tuple[float, torch.Tensor]] = Sampler(_FRAMES_KEPT)
        self._shape: tuple[int, ...] | None = None
        self._logits: tuple[Floats, Floats] | None = None

    def add(self, frame: TimedPicture) -> None:
        """See EngineDetector."""
        if not self._frames.wants_next():
            return
        self._shape = self._shape or frame.rgb.shape
        _require(frame.rgb, self._shape)
        self._frames.keep((frame.time_s, self._engine.reduce(frame.rgb)))
        self._logits = None

    def detect(self, keys: Sequence[WatermarkKey]) -> list[Candidate]:
        """See EngineDetector. The model runs once, whatever the number of keys; nothing was seen, nothing is found."""
        if not self._frames.kept:
            return []
        if self._logits is None:
            self._logits = self._run()
        times, logits = self._logits
        found = [self._candidate(key, times, logits, len(keys)) for key in keys]
        return sorted(found, key=lambda one: (one.payload is None, one.p_presence, -one.reliability))

    def _run(self) -> tuple[Floats, Floats]:
        """Times (n,) and logits (n, width) in the order of time, of as many frames as the budget allows."""
        import torch

        ends_at = None if self._budget_s is None else monotonic() + self._budget_s
        order = spread_order(len(self._frames.kept))
        read: dict[int, Floats] = {}
        batch = 1 if self._engine.device == "cpu" else _BATCH_ON_DEVICE
        for start in range(0, len(order), batch):
            numbers = order[start : start + batch]
            pictures = torch.stack([self._frames.kept[number][1] for number in numbers])
            with torch.inference_mode(), _running(self._engine.channel.label):
                out = self._engine.logits(pictures.to(self._engine.device)).double().cpu().numpy()
            # A foreign model that yields NaN or infinity has seen nothing.
            read.update(zip(numbers, np.nan_to_num(out, nan=0.0, posinf=0.0, neginf=0.0), strict=True))
            if ends_at is not None and monotonic() >= ends_at:
                break
        ordered = sorted(read)
        times = np.array([self._frames.kept[number][0] for number in ordered])
        return times, np.stack([read[number] for number in ordered])

    def _candidate(self, key: WatermarkKey, times: Floats, logits: Floats, keys: int) -> Candidate:
        channel = self._engine.channel
        seen = channel.read(key, logits)
        payload = read_message(seen.soft_bits, key)
        p_presence = 1.0
        if payload is not None:
            fits = agreement(seen.soft_bits, code_bits(key, payload))
            p_presence = p_chance(fits, ALL_MESSAGES + np.log(keys))
            where = channel.marked(key, payload, logits)
            times = times[where] if where.any() else times
        return Candidate(
            engines=(channel.label,),
            key_id=key.key_id,
            payload=payload,
            soft_bits=seen.soft_bits,
            reliability=seen.reliability,
            p_presence=p_presence,
            p_message=p_wrong_message(keys),
            hypotheses=keys,
            frames_used=len(logits),
            start_s=float(times.min()),
            end_s=float(times.max()),
        )


@contextmanager
def _running(name: str) -> Iterator[None]:
    """Turns what a model may raise in mid-run into EngineFailed."""
    import torch

    try:
        yield
    except (RuntimeError, torch.jit.Error) as error:
        # TorchScript puts its own trace first and what went wrong last.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = lines[-1] if isinstance(error, torch.jit.Error) else lines[0]
        raise EngineFailed(
            f"The model of {name} broke off: {said[:200]}", "Free memory on its device, or set another one."
        ) from error


def resize(pictures: "torch.Tensor", height: int, width: int) -> "torch.Tensor":
    """(n, c, h, w) to (n, c, height, width), bilinear with anti-aliasing."""
    import torch

    if pictures.shape[-2:] == (height, width):
        return pictures
    return torch.nn.functional.interpolate(
        pictures, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )


def _to_frames(pictures: "torch.Tensor") -> Iterator[Rgb]:
    scaled = (pictures.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    yield from (np.ascontiguousarray(frame) for frame in scaled)


def _require(rgb: Rgb, shape: tuple[int, ...]) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise PictureShape(
            f"An array of shape {rgb.shape} and type {rgb.dtype} is not a picture.",
            "It must be uint8 (H, W, 3).",
        )
    if rgb.shape != shape:
        raise PictureShape(f"A frame of {rgb.shape} follows frames of {shape}.", "Use one size per clip.")
