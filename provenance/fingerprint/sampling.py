"""Decides which frames of a clip are hashed, and keeps a run of near-equal ones as one; pure, frame by frame."""

from dataclasses import replace

from provenance.fingerprint.contents import FrameFingerprint
from provenance.fingerprint.hashes import hamming

DEFAULT_RATE_HZ = 4.0
LATER_RATE_HZ = 2.0
LATER_FROM_S = 60.0
NEAR_EQUAL_BITS = 4
_TOLERANCE_S = 1e-3


class Sampler:
    """Picks the first frame at or after each tick of a clock: 4 a second for a minute, 2 a second from then on.

    Time alone decides, so that a clip has the same rows whether its length is known beforehand or not.
    """

    def __init__(self) -> None:
        self._next_tick = 0

    def wants(self, time_s: float) -> bool:
        """True once per tick; frames must be offered in order of time."""
        tick = _ticks(time_s + _TOLERANCE_S)
        if tick < self._next_tick:
            return False
        self._next_tick = tick + 1
        return True


def interval_s(time_s: float) -> float:
    """Seconds from one sampled frame to the next, at this time of a clip."""
    return 1 / (DEFAULT_RATE_HZ if time_s < LATER_FROM_S else LATER_RATE_HZ)


class Runs:
    """Hashed frames of a clip, of which those within 4 bits of the last one kept only lengthen it."""

    def __init__(self) -> None:
        self._kept: list[FrameFingerprint] = []

    def add(self, frame: FrameFingerprint) -> None:
        """Takes the next frame; the one kept before it stands until now."""
        if self._kept:
            last = self._kept[-1]
            if hamming(last.pdq, frame.pdq) <= NEAR_EQUAL_BITS:
                # A sampled frame may be the shot's very first, just ahead of the one found to begin it.
                self._kept[-1] = replace(last, is_shot_start=last.is_shot_start or frame.is_shot_start)
                return
            self._kept[-1] = _standing_until(last, frame.time_s)
        self._kept.append(frame)

    def finish(self, end_s: float) -> tuple[FrameFingerprint, ...]:
        """The frames kept, of which the last stands until `end_s`."""
        return (*self._kept[:-1], *(_standing_until(frame, end_s) for frame in self._kept[-1:]))


def _standing_until(frame: FrameFingerprint, end_s: float) -> FrameFingerprint:
    return replace(frame, duration_s=max(interval_s(frame.time_s), end_s - frame.time_s))


def _ticks(time_s: float) -> int:
    """How many ticks of the clock lie at or before this time, without the one at zero."""
    early_s = min(time_s, LATER_FROM_S)
    return int(early_s * DEFAULT_RATE_HZ) + int((time_s - early_s) * LATER_RATE_HZ)
