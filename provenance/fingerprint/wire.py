"""Carries the fingerprint of a clip as JSON-able values between processes: arrays packed into base64, nothing lost.

What comes back may have passed through a process that a file had taken over, so every length is checked.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.contents import (
    PDQ_BYTES,
    PHASH_BYTES,
    ClipFingerprint,
    FrameFingerprint,
    Keyframe,
    SoundTrack,
    Track,
)

_DESCRIPTOR_BYTES = 32


def clip_to_wire(clip: ClipFingerprint) -> dict[str, Any]:
    """The whole fingerprint; an hour of film takes about 25 MB as JSON."""
    sound = clip.sound
    return {
        "algorithms": list(clip.algorithms),
        "duration_s": clip.duration_s,
        "frames": _frames_to_wire(clip.frames),
        "keyframes": _keyframes_to_wire(clip.keyframes),
        "track": {
            "times_s": _packed(clip.track.times_s, "<f8"),
            "hashes": _packed(clip.track.hashes, "u1"),
            "qualities": _packed(clip.track.qualities, "u1"),
            "mirrored": None if clip.track.mirrored is None else _packed(clip.track.mirrored, "u1"),
        },
        "sound": sound
        and {
            "start_s": sound.start_s,
            "interval_s": sound.interval_s,
            "codes": _packed(sound.codes, "<u4"),
        },
    }


def clip_from_wire(wire: Mapping[str, Any]) -> ClipFingerprint:
    """The fingerprint that `clip_to_wire` wrote. Raises FingerprintInvalid where it is anything else."""
    try:
        sound = wire["sound"]
        return ClipFingerprint(
            algorithms=tuple(map(str, wire["algorithms"])),
            duration_s=float(wire["duration_s"]),
            frames=_frames_from_wire(wire["frames"]),
            keyframes=_keyframes_from_wire(wire["keyframes"]),
            track=_track_from_wire(wire["track"]),
            sound=None
            if sound is None
            else SoundTrack(
                float(sound["start_s"]), float(sound["interval_s"]), _unpacked(sound["codes"], "<u4")
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise FingerprintInvalid(
            "The fingerprint of a clip came back garbled.", "Export the clip again from its source."
        ) from error


def _frames_to_wire(frames: Sequence[FrameFingerprint]) -> dict[str, Any]:
    has_mirrored = all(frame.mirrored_pdq for frame in frames)
    return {
        "indexes": _packed([frame.frame_index for frame in frames], "<u4"),
        "times_s": _packed([frame.time_s for frame in frames], "<f8"),
        "durations_s": _packed([frame.duration_s for frame in frames], "<f8"),
        "qualities": _packed([frame.quality for frame in frames], "u1"),
        "shot_starts": _packed([frame.is_shot_start for frame in frames], "u1"),
        "pdq": _text(b"".join(frame.pdq for frame in frames)),
        "phash": _text(b"".join(frame.phash for frame in frames)),
        "mirrored": _text(b"".join(frame.mirrored_pdq for frame in frames)) if has_mirrored else None,
    }


def _frames_from_wire(wire: Mapping[str, Any]) -> tuple[FrameFingerprint, ...]:
    indexes = _unpacked(wire["indexes"], "<u4").tolist()
    count = len(indexes)
    pdq, phash = _hashes(wire["pdq"], PDQ_BYTES), _hashes(wire["phash"], PHASH_BYTES)
    mirrored = [b""] * count if wire["mirrored"] is None else _hashes(wire["mirrored"], PDQ_BYTES)
    starts = _unpacked(wire["shot_starts"], "u1").astype(bool).tolist()
    times_s, durations_s = _times(wire["times_s"]), _times(wire["durations_s"]).tolist()
    qualities = _unpacked(wire["qualities"], "u1").tolist()
    columns = (indexes, times_s.tolist(), pdq, phash, qualities, durations_s, starts, mirrored)
    return tuple(FrameFingerprint(*row) for row in zip(*columns, strict=True))


def _keyframes_to_wire(keyframes: Sequence[Keyframe]) -> dict[str, Any]:
    return {
        "frames": [
            [frame.frame_index, frame.time_s, frame.width, frame.height, frame.is_mirrored]
            for frame in keyframes
        ],
        "counts": [len(frame.points) for frame in keyframes],
        "points": _text(b"".join(np.ascontiguousarray(frame.points, "<u2").tobytes() for frame in keyframes)),
        "descriptors": _text(b"".join(frame.descriptors.tobytes() for frame in keyframes)),
        "preview_bytes": [len(frame.preview) for frame in keyframes],
        "previews": _text(b"".join(frame.preview for frame in keyframes)),
    }


def _keyframes_from_wire(wire: Mapping[str, Any]) -> tuple[Keyframe, ...]:
    points = _unpacked(wire["points"], "<u2").reshape(-1, 2)
    descriptors = _unpacked(wire["descriptors"], "u1").reshape(-1, _DESCRIPTOR_BYTES)
    previews = _bytes(wire["previews"])
    features, pictures = _spans(wire["counts"], len(points)), _spans(wire["preview_bytes"], len(previews))
    if len(points) != len(descriptors):
        raise ValueError("points and descriptors differ in number")
    return tuple(
        Keyframe(
            frame_index=int(index),
            time_s=float(time_s),
            width=int(width),
            height=int(height),
            points=points[feature],
            descriptors=descriptors[feature],
            preview=previews[picture],
            is_mirrored=bool(is_mirrored),
        )
        for (index, time_s, width, height, is_mirrored), feature, picture in zip(
            wire["frames"], features, pictures, strict=True
        )
    )


def _track_from_wire(wire: Mapping[str, Any]) -> Track:
    times_s, qualities = _times(wire["times_s"]), _unpacked(wire["qualities"], "u1")
    shape = (len(times_s), PDQ_BYTES)
    if len(qualities) != len(times_s):
        raise ValueError("times and qualities differ in number")
    return Track(
        times_s=times_s,
        hashes=_unpacked(wire["hashes"], "u1").reshape(shape),
        qualities=qualities,
        mirrored=None if wire["mirrored"] is None else _unpacked(wire["mirrored"], "u1").reshape(shape),
    )


def _spans(counts: Sequence[int], total: int) -> list[slice]:
    """The stretch of each of several parts that lie end to end."""
    ends = np.cumsum([0, *counts]).tolist()
    if ends[-1] != total or min([0, *counts]) < 0:
        raise ValueError("the parts do not add up")
    return [slice(start, stop) for start, stop in pairwise(ends)]


def _times(text: str) -> NDArray[np.float64]:
    times_s = _unpacked(text, "<f8").astype(np.float64)
    if not np.isfinite(times_s).all():
        raise ValueError("a time is not finite")
    return times_s


def _hashes(text: str, size_bytes: int) -> list[bytes]:
    data = _bytes(text)
    if len(data) % size_bytes:
        raise ValueError("a hash is cut off")
    return [data[start : start + size_bytes] for start in range(0, len(data), size_bytes)]


def _packed(values: Any, kind: str) -> str:
    return _text(np.asarray(values, dtype=kind).tobytes())


def _unpacked(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(_bytes(text), dtype=kind)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
