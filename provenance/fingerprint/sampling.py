"""Fingerprints a clip at a steady rate while it streams by."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.hashes import FrameFingerprint, hash_frame
from provenance.media import Limits, probe, read_frames

DEFAULT_RATE_HZ = 4.0
_TOLERANCE_S = 1e-3

Progress = Callable[[float, float], None]


class Sampler:
    """Decides by time which frames are hashed: the first at or after each tick of a clock at `rate_hz`."""

    def __init__(self, rate_hz: float = DEFAULT_RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self._next_tick = 0

    def wants(self, time_s: float) -> bool:
        """True once per tick; frames must be offered in order of time."""
        tick = int((time_s + _TOLERANCE_S) * self.rate_hz)
        if tick < self._next_tick:
            return False
        self._next_tick = tick + 1
        return True


class Fingerprinter:
    """Collects the fingerprints of a clip from frames handed in one by one.

    Call `add` for the frames that `wants` asks for: converting a frame to RGB costs more than deciding.
    """

    def __init__(self, rate_hz: float = DEFAULT_RATE_HZ) -> None:
        self._sampler = Sampler(rate_hz)
        self.fingerprints: list[FrameFingerprint] = []

    def wants(self, time_s: float) -> bool:
        """True when the frame shown at `time_s` is to be hashed; ask once per frame, in order of time."""
        return self._sampler.wants(time_s)

    def add(self, index: int, time_s: float, rgb: NDArray[np.uint8]) -> FrameFingerprint:
        """Hashes (H, W, 3) uint8 RGB and keeps the result. Raises PictureShape."""
        fingerprint = hash_frame(index, time_s, rgb)
        self.fingerprints.append(fingerprint)
        return fingerprint


def fingerprint_file(
    path: Path | str,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
    *,
    rate_hz: float = DEFAULT_RATE_HZ,
) -> list[FrameFingerprint]:
    """Fingerprints the file at `path`, a still image as one frame.

    on_progress is called with (seconds done, seconds stated by the header) after each fingerprint. Raises what
    `probe` and `read_frames` raise.
    """
    duration_s = probe(path, limits).duration_s
    fingerprinter = Fingerprinter(rate_hz)
    for frame in read_frames(path, limits=limits):
        if fingerprinter.wants(frame.time_s):
            fingerprinter.add(frame.index, frame.time_s, frame.rgb)
            if on_progress is not None:
                on_progress(frame.time_s, duration_s)
    return fingerprinter.fingerprints
