"""Finds black bars around a picture, so that a letterboxed copy hashes like its original."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_DARK_MEAN = 24.0  # of 255
_DARK_MAX = 48.0
_STEP = 6.0
_EVEN_WITHIN = 5.0
_SOFT_LINES = 3
_STEP_WITHIN_LINES = 4
_MIN_BAR_LINES = 2
_MIN_KEPT = 0.3


@dataclass(frozen=True)
class Box:
    """The part of a picture inside its bars, in pixels; bottom and right are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def content_box(rgb: NDArray[np.uint8]) -> Box:
    """The box inside black bars of (H, W, 3) uint8 RGB; the whole picture where there are none.

    A bar is a run of evenly dark lines at an edge that ends in a step of brightness, so that a dark scene is not
    cropped. A picture of which less than 30 % of a side would remain is left whole.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    top, bottom = _content_span(grey, along=1)
    left, right = _content_span(grey[top:bottom], along=0)
    return Box(top, bottom, left, right)


def without_borders(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture inside its bars, as a contiguous array; the same array where there are none."""
    box = content_box(rgb)
    if (box.bottom - box.top, box.right - box.left) == rgb.shape[:2]:
        return rgb
    return np.ascontiguousarray(rgb[box.top : box.bottom, box.left : box.right])


def _content_span(grey: NDArray[np.uint8], along: int) -> tuple[int, int]:
    """First and last-plus-one line of content; lines are rows for along=1 and columns for along=0."""
    mean = (
        cv2.reduce(grey, along, cv2.REDUCE_AVG, dtype=cv2.CV_32F).reshape(-1).astype(np.float32, copy=False)
    )
    peak = cv2.reduce(grey, along, cv2.REDUCE_MAX).reshape(-1)
    is_dark = (mean <= _DARK_MEAN) & (peak <= _DARK_MAX)
    lines = len(mean)
    first = _bar_lines(is_dark, mean)
    last = lines - _bar_lines(is_dark[::-1], mean[::-1])
    return (first, last) if last - first >= _MIN_KEPT * lines else (0, lines)


def _bar_lines(is_dark: NDArray[np.bool_], mean: NDArray[np.float32]) -> int:
    """How many lines from the start are a bar: 0 where they are too few, uneven, or end without a step."""
    if is_dark.all():
        return 0
    count = int(np.argmin(is_dark))
    if count < _MIN_BAR_LINES:
        return 0
    # Scaling and compression soften the last lines of a bar; they do not speak about its evenness.
    body = mean[: max(1, count - _SOFT_LINES)]
    step = float(mean[count : count + _STEP_WITHIN_LINES].max() - body.mean())
    is_even = float(np.ptp(body)) <= _EVEN_WITHIN
    return count if is_even and step >= _STEP else 0
