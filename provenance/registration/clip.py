"""Clips as things that can be read again and again, and small views of their frames that can be kept."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.media import Limits, probe, read_frames

Rgb = NDArray[np.uint8]
Grey = NDArray[np.uint8]


class Shown(Protocol):
    """A frame as `provenance.media.Frame` is one: a time and a picture that is converted when asked for."""

    time_s: float

    @property
    def rgb(self) -> Rgb:
        """(H, W, 3) uint8."""


@dataclass(frozen=True)
class Clip:
    """Pictures in time. read(start_s, end_s) yields the frames with start_s <= time < end_s, None = to the end."""

    width: int
    height: int
    fps: float
    duration_s: float
    read: Callable[[float, float | None], Iterable[Shown]]

    @classmethod
    def of_file(cls, path: Path | str, limits: Limits | None = None, *, threads: int = 2) -> "Clip":
        """The clip in a file, a still as one frame. Raises what `probe` raises, and reading what `read_frames` does."""
        info = probe(path, limits)

        def read(start_s: float, end_s: float | None) -> Iterable[Shown]:
            return read_frames(path, start_s=start_s, end_s=end_s, limits=limits, threads=threads)

        return cls(info.width, info.height, float(info.fps), info.duration_s, read)


@dataclass(frozen=True)
class View:
    """A frame at reduced size, light enough to keep."""

    time_s: float
    rgb: Rgb

    @cached_property
    def grey(self) -> Grey:
        """(h, w) luma."""
        return cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def reduced_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The size of a picture whose longer side is at most `long_side`; never larger than it is."""
    factor = min(1.0, long_side / max(width, height))
    return max(2, round(width * factor)), max(2, round(height * factor))


def view_of(frame: Shown, long_side: int) -> View:
    """A frame with its longer side at most `long_side`."""
    rgb = frame.rgb
    size = reduced_size(rgb.shape[1], rgb.shape[0], long_side)
    if size != (rgb.shape[1], rgb.shape[0]):
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return View(frame.time_s, rgb)


def spread(clip: Clip, start_s: float, end_s: float | None, most: int, long_side: int) -> list[View]:
    """Views at even distances: of a clip as long as it says, about `most`, and never more."""
    length_s = (clip.duration_s if end_s is None else min(end_s, clip.duration_s or end_s)) - start_s
    stride = max(1, ceil(length_s * clip.fps / most - 1e-6))
    kept: list[View] = []
    for number, frame in enumerate(clip.read(start_s, end_s)):
        if number % stride:
            continue
        if len(kept) == most:
            kept, stride = kept[::2], stride * 2
            if number % stride:
                continue
        kept.append(view_of(frame, long_side))
    return kept


def around(
    clip: Clip, windows: Sequence[tuple[float, float]], long_side: int, step_s: float = 0.0
) -> list[View]:
    """Views of the frames inside any of the windows (start_s, end_s), at least `step_s` apart, in one pass."""
    if not windows:
        return []
    first, last = max(0.0, min(start for start, _ in windows)), max(end for _, end in windows)
    # The end is exclusive for `read`, and a window may end exactly on a frame.
    last += 0.5 / clip.fps
    kept: list[View] = []
    for frame in clip.read(first, last):
        is_due = not kept or frame.time_s - kept[-1].time_s >= step_s - 1e-6
        if is_due and any(start - 1e-6 <= frame.time_s <= end + 1e-6 for start, end in windows):
            kept.append(view_of(frame, long_side))
    return kept
