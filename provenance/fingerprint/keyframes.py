"""Decides which frames of a clip are key frames, and thins them so that a long film stays within bounds; pure."""

from collections.abc import Sequence
from dataclasses import replace

from provenance.fingerprint.contents import ClipFingerprint, Keyframe
from provenance.fingerprint.features import REFERENCE
from provenance.fingerprint.hashes import hamming

# On the wire 1100 times 14 kB of features and preview, in base64, are 20 MB; four times denser queries, 40 MB.
MAX_KEYFRAMES = 1100
REFERENCE_EVERY_S = 1.0
QUERY_EVERY_S = 0.5
_UNMOVED_BITS = 16
_UNMOVED_FOR_S = 4.0
# A sampled frame lies up to a frame behind its tick.
_TOLERANCE_S = 0.1
_THINNED_TO = 0.75


class KeyframePicker:
    """Picks the first frame of every shot, then one every `every_s` while the picture moves, every 4 s otherwise."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._last_s: float | None = None
        self._last_pdq = b""

    def wants(self, time_s: float, pdq: bytes, *, is_shot_start: bool) -> bool:
        """True when the frame with this hash is to be a key frame; ask in order of time."""
        if self._last_s is not None and not is_shot_start:
            since_s = time_s - self._last_s + _TOLERANCE_S
            is_still = hamming(self._last_pdq, pdq) <= _UNMOVED_BITS
            if since_s < (max(self.every_s, _UNMOVED_FOR_S) if is_still else self.every_s):
                return False
        self._last_s, self._last_pdq = time_s, pdq
        return True


def thinned(
    keyframes: Sequence[Keyframe], starts: frozenset[int], every_s: float, limit: int
) -> list[Keyframe]:
    """The key frames at least `every_s` apart, and those that start a shot unless even they are three of four `limit`.

    starts: frame indexes. A mirrored key frame stays or goes with its plain one.
    """
    with_starts = _apart(keyframes, starts, every_s)
    return with_starts if len(with_starts) <= _THINNED_TO * limit else _apart(keyframes, frozenset(), every_s)


def as_reference(clip: ClipFingerprint) -> ClipFingerprint:
    """What is worth keeping of a clip extracted as a query, such as a take's: as dense as a reference, not mirrored."""
    plain = [frame for frame in clip.keyframes if not frame.is_mirrored]
    starts = frozenset(frame.frame_index for frame in clip.frames if frame.is_shot_start)
    return replace(
        clip,
        frames=tuple(replace(frame, mirrored_pdq=b"") for frame in clip.frames),
        keyframes=tuple(
            replace(
                frame,
                points=frame.points[: REFERENCE.features],
                descriptors=frame.descriptors[: REFERENCE.features],
            )
            for frame in _apart(plain, starts, REFERENCE_EVERY_S)
        ),
        track=replace(clip.track, mirrored=None),
    )


def _apart(keyframes: Sequence[Keyframe], always: frozenset[int], every_s: float) -> list[Keyframe]:
    kept: list[Keyframe] = []
    for frame in keyframes:
        is_twin = bool(kept) and kept[-1].frame_index == frame.frame_index
        is_due = not kept or frame.time_s - kept[-1].time_s + _TOLERANCE_S >= every_s
        if is_twin or is_due or frame.frame_index in always:
            kept.append(frame)
    return kept
