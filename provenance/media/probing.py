"""Says what a media file is, from its header alone: container, codec, size, rate and length."""

import re
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from provenance.errors import MediaTooLarge
from provenance.media.container import STILL_DEMUXERS
from provenance.media.limits import Limits
from provenance.media.opening import open_media, video_stream

_CONTAINER_TIME_BASE_S = Fraction(1, 1_000_000)
_DEFAULT_FPS = Fraction(25)
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True)
class MediaInfo:
    """What the header says. A still image is one frame at 1 frame per second; `duration_s` 0.0 means unknown."""

    container: str
    video_codec: str
    width: int
    height: int
    fps: Fraction
    duration_s: float
    duration_frames: int | None
    has_audio: bool
    size_bytes: int
    is_still: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; fps as "30000/1001"."""
        return {**asdict(self), "fps": str(self.fps)}


def probe(path: Path | str, limits: Limits | None = None) -> MediaInfo:
    """Reads the header of the file at `path`.

    Raises FileMissing, FileEmpty, FormatNotAllowed, MediaUnreadable, MediaTooLarge or NoVideoStream.
    """
    path, limits = Path(path), limits or Limits()
    with open_media(path, limits) as (container, demuxer):
        stream = video_stream(container, path.name, limits)
        is_still = demuxer in STILL_DEMUXERS
        info = MediaInfo(
            container=demuxer,
            video_codec=stream.codec_context.name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=Fraction(1) if is_still else frame_rate(stream),
            duration_s=1.0 if is_still else duration_of(container, stream),
            duration_frames=1 if is_still else (stream.frames or None),
            has_audio=bool(container.streams.audio),
            size_bytes=path.stat().st_size,
            is_still=is_still,
        )
    _check_length(info, path.name, limits)
    return info


def frame_rate(stream: Any) -> Fraction:
    """Average frames per second, or the container's guess, or 25 where neither is written."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate:
            return Fraction(rate.numerator, rate.denominator)
    return _DEFAULT_FPS


def duration_of(container: Any, stream: Any) -> float:
    """Seconds of the picture as the header states them, or of the whole file, or 0.0 where it states neither."""
    stated_s = picture_duration_of(stream)
    if stated_s is None and container.duration is not None:
        return float(container.duration * _CONTAINER_TIME_BASE_S)
    return stated_s or 0.0


def picture_duration_of(stream: Any) -> float | None:
    """Seconds of this one stream, from its header or from Matroska's DURATION tag ("00:00:05.280000000")."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    tag = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) if tag else None


def _check_length(info: MediaInfo, name: str, limits: Limits) -> None:
    if info.duration_s > limits.max_seconds:
        raise MediaTooLarge(
            f"{name} lasts {info.duration_s:.1f} s; at most {limits.max_seconds:g} s are read.",
            "Send a shorter excerpt.",
        )
    if info.duration_frames is not None and info.duration_frames > limits.max_frames:
        raise MediaTooLarge(
            f"{name} has {info.duration_frames} frames; at most {limits.max_frames} are read.",
            "Send a shorter excerpt.",
        )
