"""What every watermark engine promises: to describe itself, to mark a stream of frames and to read one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.embed import grey_of
from provenance.watermark.findings import Detection, Geometry
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.profiles import CLEAN, Profile

CERTAIN = 1e-6  # a mark is reported where chance would show it at most this often

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EngineInfo:
    """An engine's description of itself.

    algorithm, version: what the mark is, as it is stored with a take. channel_bits: how many bits one frame
    carries. keyed: whether finding the mark at all needs a key; where it is False, anybody with the public
    model can see that there is a mark, and remove or copy it, although only a key holder reads the message.
    message_channel: a sentence on how the 104 bits of message and tag travel. reads_stills: whether one
    picture is enough to read a message without a list of candidates. reason: why it is not available, or "".
    """

    name: str
    algorithm: str
    version: str
    media_types: tuple[str, ...]
    channel_bits: int
    keyed: bool
    needs_weights: bool
    licence: str
    device: str
    is_available: bool
    reason: str
    message_channel: str
    reads_stills: bool


@dataclass(frozen=True)
class EmbedJob:
    """What to put into the frames. fps None: one still picture. strength: factor on the engine's own amplitude,
    None for what the profile asks; engines without profiles take None as 1."""

    key: WatermarkKey
    payload: Payload
    fps: Fraction | None = None
    profile: Profile = CLEAN
    strength: float | None = None


class TimedPicture(Protocol):
    """A frame to look at; `provenance.media.Frame` is one, and so is `RgbPicture`."""

    @property
    def rgb(self) -> Rgb:
        """(H, W, 3) uint8."""

    @property
    def luma(self) -> Rgb:
        """(H, W) uint8."""

    @property
    def time_s(self) -> float:
        """Seconds since the beginning of the clip."""

    @property
    def is_key(self) -> bool:
        """True where the encoder coded the frame on its own."""


@dataclass(frozen=True)
class RgbPicture:
    """A frame that is already in memory as (H, W, 3) uint8 RGB."""

    rgb: Rgb
    time_s: float = 0.0
    is_key: bool = False

    @cached_property
    def luma(self) -> Rgb:
        """(H, W) uint8 by the weights of BT.601."""
        return grey_of(self.rgb)


@dataclass(frozen=True)
class Candidate:
    """What one engine, or several together, saw of one key's mark.

    payload: None where no message was read; then the soft bits may still help other engines (`combine`).
    soft_bits: (256,) log-likelihood ratios of the code bits up to a common factor, positive for 0, 0 where
    nothing is known. reliability: share of their power that is signal, 0 to 1, as measured. p_presence: bound
    on the probability that an unmarked clip looks like this to a key drawn at random, 1 where the engine cannot say.
    p_message: bound on the probability that a wrong message was read. hypotheses: readings tried. detection: all that
    the tiled mark says beyond this. geometry: None where the engine does not know it. start_s, end_s: marked stretch.
    """

    engines: tuple[str, ...]
    key_id: str
    payload: Payload | None
    soft_bits: Floats = field(compare=False, repr=False)
    reliability: float
    p_presence: float
    p_message: float
    hypotheses: int
    frames_used: int
    start_s: float
    end_s: float
    geometry: Geometry | None = None
    detection: Detection | None = None

    @property
    def is_found(self) -> bool:
        """Whether this is a finding, not just evidence that may be added to other evidence."""
        return self.payload is not None or self.p_presence <= CERTAIN

    @property
    def p_false_positive(self) -> float:
        """Bound for the whole statement: with a message, a false one needs both."""
        return min(self.p_presence, self.p_message) if self.payload is not None else self.p_presence


class EngineDetector(Protocol):
    """Takes the frames of one clip one by one, in memory that does not grow with its length, then answers."""

    def add(self, frame: TimedPicture) -> None:
        """Takes the next frame; all have one size. Raises PictureShape."""

    def detect(self, keys: Sequence[WatermarkKey]) -> list[Candidate]:
        """What was seen, best first. Those that are not `is_found` are evidence only."""


class WatermarkEngine(Protocol):
    """One way of hiding 104 bits in pictures."""

    def info(self) -> EngineInfo:
        """Cheap: loads no model."""

    def embed(self, frames: Iterable[Rgb], job: EmbedJob) -> Iterator[Rgb]:
        """Marks (H, W, 3) uint8 RGB frames as they pass, holding at most a few.

        Raises PictureShape, and EngineUnavailable or WeightsUnusable before the first frame.
        """

    def detector(self, budget_s: float | None = None) -> EngineDetector:
        """A fresh detector that spends at most about `budget_s` seconds in its answer. Raises as `embed`."""

    def detect(
        self, frames: Iterable[TimedPicture], keys: Sequence[WatermarkKey], budget_s: float | None = None
    ) -> list[Candidate]:
        """All of `detector` in one call."""


class ReadsFrames(ABC):
    """Gives an engine with a `detector` its `detect`."""

    @abstractmethod
    def detector(self, budget_s: float | None = None) -> EngineDetector:
        """See WatermarkEngine."""

    def detect(
        self, frames: Iterable[TimedPicture], keys: Sequence[WatermarkKey], budget_s: float | None = None
    ) -> list[Candidate]:
        """See WatermarkEngine."""
        reader = self.detector(budget_s)
        for frame in frames:
            reader.add(frame)
        return reader.detect(keys)
