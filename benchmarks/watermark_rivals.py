"""Marks, attacks and reads the benchmark's clips with invisible-watermark's dwtDct and rivaGan, as shipped.

Neither has a key, error correction or a "not marked" answer, so what is counted is the share of right bits and
the trials in which all of them are right, after a majority over the frames that were read.
"""

import hashlib
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.watermark_attacks import Rgb
from benchmarks.watermark_cache import CACHE, digest, discard_older, recall, remember
from benchmarks.watermark_clips import BY_NAME, Clip
from benchmarks.watermark_codecs import encode
from benchmarks.watermark_rows import ROW_BY_NAME
from benchmarks.watermark_trials import MASTER, Trial, attacked, decoded, source
from provenance.media import read_frames


@dataclass(frozen=True)
class Rival:
    """A method of invisible-watermark with `bits` of payload.

    seconds: how much of each clip is marked; frames_read: how many frames, evenly spread, vote on each bit. Both are
    small where a method is slow. clips and rows: what it is measured on. is_slow: a frame takes seconds.
    """

    method: str
    bits: int
    seconds: float
    frames_read: int
    needs: tuple[str, ...]
    clips: tuple[str, ...]
    rows: tuple[str, ...]
    is_slow: bool = False

    @property
    def missing(self) -> str:
        """Why it cannot be measured here; empty when it can."""
        absent = [name for name in self.needs if find_spec(name) is None]
        if not absent:
            return ""
        remedy = "pip install --no-deps -r benchmarks/requirements.txt"
        return f"{self.method} was not measured: {', '.join(absent)} not installed ({remedy})"


# What others publish figures for, and one row of every group.
_ROWS = (
    "delivered", "h264-23", "h264-28", "h264-33", "h264-40", "resize-50", "crop-75", "crop-50", "crop-50-zoom",
    "aspect-4-3", "rotate-5", "turn-90", "mirror", "contrast", "blur-1.5", "noise-20", "logo", "jpeg-50",
    "jpeg-50-half", "chain",
)  # fmt: skip
_CLIPS = (
    "bunny", "cockatoo", "doorknob", "cars", "draft-car", "pan-bridge", "zoom-room", "cartoon", "night-river", "frozen",
)  # fmt: skip
RIVALS = (
    Rival("dwtDct", 48, 5.0, 6, ("imwatermark", "pywt"), _CLIPS, _ROWS),
    Rival(
        "rivaGan",
        32,
        1.0,
        2,
        ("imwatermark", "onnxruntime", "torch"),
        ("bunny",),
        _ROWS,
        is_slow=True,
    ),
)
RIVAL_BY_METHOD = {rival.method: rival for rival in RIVALS}


def message_of(clip: Clip, rival: Rival) -> NDArray[np.uint8]:
    """(bits,) 0 or 1, from the hash of the clip's name."""
    data = np.frombuffer(hashlib.sha256(clip.name.encode()).digest(), np.uint8)
    return np.unpackbits(data)[: rival.bits]


def rival_master(name: str, method: str) -> dict[str, Any]:
    """Marks the clip frame by frame and encodes it at CRF 17 like the benchmark's own. Says how fast and how well."""
    clip, rival = BY_NAME[name], RIVAL_BY_METHOD[method]
    clean = source(clip, 5.0)
    identity = digest(clean.name, rival.method, rival.bits, rival.seconds, MASTER)
    path = CACHE / "rivals" / f"{name}-{method}-{identity}.mp4"
    figures = recall("rivals", path.stem)
    if figures is None or not path.exists():
        clock = _Clock(rival, message_of(clip, rival))
        frames = islice(decoded(clean), round(rival.seconds * clip.fps))
        encode((clock.mark(frame.to_ndarray(format="bgr24")) for frame in frames), clip.fps, path, MASTER)
        discard_older(path)
        figures = {"clip": name, "method": method, "embed_fps": clock.fps, "psnr_db": clock.psnr_db}
        remember("rivals", path.stem, figures)
    return figures | {"path": str(path)}


class _Clock:
    """Marks frames with a rival, and keeps count of the time and of the change in luma."""

    def __init__(self, rival: Rival, message: NDArray[np.uint8]) -> None:
        imwatermark = importlib.import_module("imwatermark")
        self._method = rival.method
        self._encoder = imwatermark.WatermarkEncoder()
        self._encoder.set_watermark("bits", message.tolist())
        if rival.method == "rivaGan":
            self._encoder.loadModel()
        self._seconds: list[float] = []
        self._powers: list[float] = []

    def mark(self, bgr: Rgb) -> Rgb:
        started = time.perf_counter()
        marked = self._encoder.encode(bgr, self._method)
        self._seconds.append(time.perf_counter() - started)
        change = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(float) - cv2.cvtColor(
            marked, cv2.COLOR_BGR2GRAY
        )
        self._powers.append(float(np.mean(change**2)))
        return np.ascontiguousarray(marked[:, :, ::-1])

    @property
    def fps(self) -> float:
        return 1 / mean(self._seconds)

    @property
    def psnr_db(self) -> float:
        return float(10 * np.log10(255**2 / max(mean(self._powers), 1e-9)))


@cache
def _decoder(method: str, bits: int) -> Any:
    imwatermark = importlib.import_module("imwatermark")
    decoder = imwatermark.WatermarkDecoder("bits", bits)
    if method == "rivaGan":
        decoder.loadModel()
    return decoder


def rival_trial(trial: Trial, method: str) -> dict[str, Any]:
    """One attack on one clip marked by a rival: the share of right bits after the vote."""
    rival, clip = RIVAL_BY_METHOD[method], BY_NAME[trial.clip]
    original = Path(rival_master(trial.clip, method)["path"])
    subject = attacked(trial, original, rival.seconds, method)
    identity = digest(subject.name, rival.frames_read)
    kept = recall("rival-results", identity)
    if kept is None:
        votes = [
            _decoder(method, rival.bits).decode(bgr, method) for bgr in _sampled(subject, rival.frames_read)
        ]
        # A tie is no answer: it counts as wrong.
        ones = np.mean(np.array(votes, float), axis=0)
        right = np.where(message_of(clip, rival) == 1, ones > 0.5, ones < 0.5)
        kept = {"succeeded": bool(right.all()), "right_bits": float(right.mean()), "frames": len(votes)}
        remember("rival-results", identity, kept)
    return {"clip": trial.clip, "row": trial.row, "part": trial.part, "method": method} | kept


def _sampled(path: Path, count: int) -> Iterator[Any]:
    with av.open(str(path)) as container:
        total = sum(1 for _ in container.decode(video=0))
    chosen = set(np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist())
    for frame in read_frames(path, threads=1):
        if frame.index in chosen:
            yield np.ascontiguousarray(frame.rgb[:, :, ::-1])


def trials_of(rival: Rival, clips: list[str], rows: list[str]) -> list[Trial]:
    """What a rival is measured on, out of what was asked for."""
    return [
        Trial(clip, row, ROW_BY_NAME[row].parts[len(ROW_BY_NAME[row].parts) // 2])
        for row in rows
        for clip in clips
        if clip in rival.clips and row in rival.rows
    ]


def summarise(rival: Rival, masters: list[dict[str, Any]], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Per row the trials with every bit right and the mean share of right bits; speed and quality of marking."""
    by_row: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        by_row.setdefault(result["row"], []).append(result)
    return {
        "bits": rival.bits,
        "seconds": rival.seconds,
        "frames_read": rival.frames_read,
        "clips": sorted({one["clip"] for one in masters}),
        "embed_fps": mean(one["embed_fps"] for one in masters),
        "psnr_db": mean(one["psnr_db"] for one in masters),
        "rows": {
            row: {
                "recovered": sum(one["succeeded"] for one in trials),
                "total": len(trials),
                "right_bits": mean(one["right_bits"] for one in trials),
            }
            for row, trials in by_row.items()
        },
    }
