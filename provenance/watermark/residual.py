"""Sums what is left of frames after their content is taken away, so that a steady pattern grows out of it."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_CONTENT_WINDOW = 13
_LEVEL_WINDOW = 17
_LEVEL_FLOOR = 2.0
_CLIP = 2.5
_WINDOW_FRAMES = 24
_MAX_WINDOWS = 8


def residual(luma: NDArray[np.uint8]) -> Plane:
    """(H, W) luma to (H, W) residual, equalised so that texture and flat areas count alike, within +-2.5."""
    picture = luma.astype(np.float32)
    detail = picture - cv2.blur(picture, (_CONTENT_WINDOW, _CONTENT_WINDOW))
    # A float32 box sum of squares can come out slightly negative; clamped before the root.
    power = np.maximum(cv2.blur(detail * detail, (_LEVEL_WINDOW, _LEVEL_WINDOW)), 0)
    equalised = detail / (np.sqrt(power) + np.float32(_LEVEL_FLOOR))
    return np.clip(equalised, -_CLIP, _CLIP, out=equalised).astype(np.float32, copy=False)


class Sum:
    """A running sum of residuals."""

    def __init__(self) -> None:
        self.frames = 0
        self.plane: Plane | None = None

    def add(self, plane: Plane, frames: int = 1) -> None:
        """Adds a residual, or another sum of `frames` residuals."""
        self.frames += frames
        if self.plane is None:
            self.plane = plane.copy()
        else:
            self.plane += plane


class Windows:
    """Sums over consecutive stretches of a clip; at most 8 are held, growing longer as the clip goes on."""

    def __init__(self) -> None:
        self._frames_each = _WINDOW_FRAMES
        self._sums: list[Sum] = []

    def add(self, plane: Plane) -> None:
        """Adds one residual to the latest stretch."""
        if not self._sums or self._sums[-1].frames >= self._frames_each:
            if len(self._sums) == _MAX_WINDOWS:
                self._halve()
            self._sums.append(Sum())
        self._sums[-1].add(plane)

    def each(self) -> list[Sum]:
        """The stretches, earliest first."""
        return list(self._sums)

    def total(self) -> Sum:
        """All stretches together."""
        total = Sum()
        for part in self._sums:
            if part.plane is not None:
                total.add(part.plane, part.frames)
        return total

    def _halve(self) -> None:
        merged = []
        for first, second in zip(self._sums[0::2], self._sums[1::2], strict=True):
            if second.plane is not None:
                first.add(second.plane, second.frames)
            merged.append(first)
        self._sums = merged
        self._frames_each *= 2
