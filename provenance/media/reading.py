"""Streams the frames of a file one at a time, and says how far it got when the file breaks in the middle."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from numpy.typing import NDArray

from provenance.errors import MediaTooLarge, MediaUnreadable
from provenance.media.container import STILL_DEMUXERS
from provenance.media.limits import Limits
from provenance.media.opening import describe, open_media, video_stream
from provenance.media.picture import Picture, luma_of, rgb_of
from provenance.media.probing import duration_of, frame_rate, picture_duration_of

_FRAGMENT_S = 0.5


class Frame:
    """One decoded frame. Pixels are converted when first asked for; display rotation is ignored.

    index counts from 0 at the beginning of the file (after a seek it is time times frame rate, rounded);
    time_s counts from the first frame of the file.
    """

    def __init__(self, index: int, time_s: float, decoded: Any) -> None:
        self.index = index
        self.time_s = time_s
        self._decoded = decoded

    @property
    def is_key(self) -> bool:
        """True where the encoder coded the frame on its own."""
        return bool(self._decoded.key_frame)

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """(H, W) luma as coded, 8 bit; deeper pictures are reduced to 8 bit."""
        return luma_of(self._decoded)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) RGB by libswscale with the file's own colour matrix: the canonical path for fingerprints."""
        return rgb_of(self._decoded)

    @property
    def quarter_turns(self) -> int:
        """How many quarter turns clockwise the file says its pictures are to be shown with, 0 to 3."""
        turned_deg: int = self._decoded.rotation  # counterclockwise
        return round(-turned_deg / 90) % 4

    def scaled(self, width: int, height: int) -> Picture:
        """The picture as it is to be shown, turned and scaled to even sides, ready for an encoder."""
        if not self.quarter_turns:
            return Picture.scaled_from(self._decoded, width, height)
        turned = np.ascontiguousarray(np.rot90(self.rgb, -self.quarter_turns))
        return Picture.scaled_from(VideoFrame.from_ndarray(turned, format="rgb24"), width, height)


def read_frames(
    path: Path | str,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits | None = None,
    threads: int = 2,
) -> Iterator[Frame]:
    """Yields the frames with start_s <= time < end_s in order of presentation, holding one at a time.

    Raises what `probe` raises; MediaUnreadable carries `frames_read` and `seconds_read` when decoding breaks
    or the file ends well before the length its header states.
    """
    path, limits = Path(path), limits or Limits()
    for is_seeking in (True, False) if start_s > 0 else (False,):
        with open_media(path, limits) as (container, demuxer):
            stream = video_stream(container, path.name, limits)
            stream.codec_context.thread_count = threads
            reader = _Reader(path.name, limits, demuxer in STILL_DEMUXERS, stream, container)
            if not is_seeking or reader.seek(start_s):
                yield from reader.frames(start_s, end_s)
                return


class _Reader:
    """One pass over one open file."""

    def __init__(self, name: str, limits: Limits, is_still: bool, stream: Any, container: Any) -> None:
        self._name = name
        self._limits = limits
        self._stream = stream
        self._container = container
        self._fps = Fraction(1) if is_still else frame_rate(stream)
        self._stated_s = 0.0 if is_still else _stated_length(container, stream)
        self._origin_s = float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0
        self._size = (stream.codec_context.width, stream.codec_context.height)
        self._after_seek: Iterator[Any] | None = None
        self._frames_read = 0
        self._reached_s = 0.0

    def seek(self, start_s: float) -> bool:
        """Goes to the key frame before `start_s`; False where what follows it leans on frames before it."""
        target = int((start_s + self._origin_s) / self._stream.time_base)
        rest = self._decoded(may_begin_broken=False)
        try:
            self._container.seek(target, stream=self._stream, backward=True)
            first = next(rest, None)
        except (FFmpegError, MediaUnreadable):
            # Reading from the beginning needs no index and says itself what is wrong with the file.
            return False
        if first is None or first.time is None or first.time - self._origin_s > start_s:
            return False
        self._after_seek = chain([first], rest)
        return True

    def frames(self, start_s: float, end_s: float | None) -> Iterator[Frame]:
        tolerance_s = float(1 / self._fps) / 200
        is_counted = self._after_seek is None
        for decoded in self._after_seek or self._decoded():
            frame = self._frame(decoded, is_counted=is_counted)
            if end_s is not None and frame.time_s >= end_s - tolerance_s:
                return
            if frame.time_s >= start_s - tolerance_s:
                yield frame
        self._check_end()

    def _decoded(self, *, may_begin_broken: bool = True) -> Iterator[Any]:
        """Frames that are whole; a file may begin with some that lean on frames cut off in front of them."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise self._broken("is damaged or cut off")
                for decoded in packet.decode():
                    if not decoded.is_corrupt:
                        yield decoded
                    elif self._frames_read or not may_begin_broken:
                        raise self._broken("is damaged")
        except FFmpegError as error:
            raise self._broken(f"cannot be decoded further: {describe(error)}") from error

    def _frame(self, decoded: Any, *, is_counted: bool) -> Frame:
        if (decoded.width, decoded.height) != self._size:
            raise self._broken(f"changes its picture size to {decoded.width}x{decoded.height}")
        by_count_s = float(self._frames_read / self._fps)
        time_s = by_count_s if decoded.time is None else decoded.time - self._origin_s
        index = self._frames_read if is_counted else round(time_s * self._fps)
        self._frames_read += 1
        self._reached_s = max(self._reached_s, time_s + float(1 / self._fps))
        if self._frames_read > self._limits.max_frames or time_s > self._limits.max_seconds:
            raise MediaTooLarge(
                f"{self._name} goes on after {self._limits.max_frames} frames or {self._limits.max_seconds:g} s.",
                "Send a shorter excerpt.",
            )
        return Frame(index, time_s, decoded)

    def _check_end(self) -> None:
        if self._frames_read == 0:
            raise self._broken("holds no frame that can be decoded")
        missing_s = self._stated_s - self._reached_s
        if missing_s > max(_FRAGMENT_S, 0.05 * self._stated_s):
            raise self._broken(f"ends {missing_s:.1f} s before the length its header states")

    def _broken(self, what: str) -> MediaUnreadable:
        return MediaUnreadable(
            f"{self._name} {what}, after {self._frames_read} frames ({self._reached_s:.2f} s).",
            "Export or upload the file again; what came before this point is intact.",
            frames_read=self._frames_read,
            seconds_read=self._reached_s,
        )


def _stated_length(container: Any, stream: Any) -> float:
    """Seconds of picture to expect; 0.0 where only the file as a whole is timed and sound may be the longer part."""
    if container.streams.audio:
        return picture_duration_of(stream) or 0.0
    return duration_of(container, stream)
