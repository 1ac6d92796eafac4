"""Finds black bars around a picture, so that a letterboxed copy hashes like its original."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_DARK_MEAN = 24.0  # of 255
_DARK_MAX = 48
_STEP = 6.0
_EVEN_WITHIN = 5.0
_SOFT_LINES = 3
_STEP_WITHIN_LINES = 4
_MIN_BAR_LINES = 2
_MIN_KEPT = 0.3
_LINES_AT_ONCE = 16


@dataclass(frozen=True)
class Box:
    """The part of a picture inside its bars, in pixels; bottom and right are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def content_box(picture: NDArray[np.uint8]) -> Box:
    """The box inside black bars of (H, W, 3) uint8 RGB or (H, W) uint8 grey; the whole picture where there are none.

    A bar is a run of evenly dark lines at an edge that ends in a step of brightness, so that a dark scene is not
    cropped. A picture of which less than 30 % of a side would remain is left whole.
    """
    grey = picture if picture.ndim == 2 else grey_of(picture)
    top, bottom = _content_span(grey)
    left, right = _content_span(grey[top:bottom].T)
    return Box(top, bottom, left, right)


def grey_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) uint8 luma of (H, W, 3) uint8 RGB."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def without_borders(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture inside its bars, as a contiguous array; the same array where there are none."""
    box = content_box(rgb)
    if (box.bottom - box.top, box.right - box.left) == rgb.shape[:2]:
        return rgb
    return np.ascontiguousarray(rgb[box.top : box.bottom, box.left : box.right])


def _content_span(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """First and last-plus-one line of content among the rows of `lines`."""
    count = len(lines)
    first = _bar_lines(lines)
    last = count - _bar_lines(lines[::-1])
    return (first, last) if last - first >= _MIN_KEPT * count else (0, count)


def _bar_lines(lines: NDArray[np.uint8]) -> int:
    """How many rows from the first are a bar: 0 where they are too few, uneven, or end without a step."""
    # Most pictures have no bars: looking only as far as the dark goes is what makes this cheap.
    means: list[float] = []
    count: int | None = None
    for start in range(0, len(lines), _LINES_AT_ONCE):
        block = lines[start : start + _LINES_AT_ONCE]
        mean = block.mean(axis=1, dtype=np.float32)
        is_bright = (mean > _DARK_MEAN) | (block.max(axis=1) > _DARK_MAX)
        means += mean.tolist()
        if count is None and is_bright.any():
            count = start + int(np.argmax(is_bright))
            if count < _MIN_BAR_LINES:
                return 0
        if count is not None and len(means) >= count + _STEP_WITHIN_LINES:
            break
    if count is None:
        return 0
    # Scaling and compression soften the last lines of a bar; they do not speak about its evenness.
    body = means[: max(1, count - _SOFT_LINES)]
    step = max(means[count : count + _STEP_WITHIN_LINES]) - sum(body) / len(body)
    return count if max(body) - min(body) <= _EVEN_WITHIN and step >= _STEP else 0
