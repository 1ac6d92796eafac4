"""Sums what is left of frames after their content is taken away, so that a steady pattern grows out of it."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

WINDOW_S = 0.5
MAX_WINDOWS = 24
_CONTENT_WINDOW = 13
_LEVEL_WINDOW = 9
_LEVEL_FLOOR = 2.0
_CLIP = 2.0
_MIN_STEP_S = 1 / 33
_KEY_FRAMES = 4
_LARGE_SHORT_SIDE, _REDUCED_SHORT_SIDE = 1440, 720
_MAX_KEY_WINDOWS = 8


class Equaliser:
    """Takes the content out of frames of one size.

    Its working memory is made once: fresh pages for every frame cost more than the arithmetic.
    """

    def __init__(self, height: int, width: int) -> None:
        self._detail, self._level = np.empty((2, height, width), np.float32)

    def __call__(self, luma: NDArray[np.uint8]) -> Plane:
        """(H, W) luma to (H, W) residual, equalised so that texture and flat areas count alike, within +-2.

        The result is overwritten by the next call.
        """
        detail, level = self._detail, self._level
        np.copyto(detail, luma)
        cv2.blur(detail, (_CONTENT_WINDOW, _CONTENT_WINDOW), dst=level)
        cv2.subtract(detail, level, dst=detail)
        cv2.sqrBoxFilter(detail, cv2.CV_32F, (_LEVEL_WINDOW, _LEVEL_WINDOW), dst=level, normalize=True)
        # A float32 box sum of squares can come out slightly negative; clamped before the root.
        cv2.max(level, 0, dst=level)  # type: ignore[call-overload]  # the stubs know no scalars
        cv2.sqrt(level, dst=level)
        cv2.add(level, _LEVEL_FLOOR, dst=level)  # type: ignore[call-overload]
        cv2.divide(detail, level, dst=detail)
        return np.clip(detail, -_CLIP, _CLIP, out=detail)


def reduction_of(height: int, width: int) -> int:
    """By which whole factor pictures of this size are made smaller before anybody looks for a pattern in them."""
    short_side = min(height, width)
    return short_side // _REDUCED_SHORT_SIDE if short_side >= _LARGE_SHORT_SIDE else 1


def reduced(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) luma, smaller by `reduction_of`."""
    factor = reduction_of(*luma.shape)
    if factor == 1:
        return luma
    height, width = (side // factor * factor for side in luma.shape)
    small = (width // factor, height // factor)
    return cv2.resize(luma[:height, :width], small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def residual(luma: NDArray[np.uint8]) -> Plane:
    """What `Equaliser` makes of a single picture."""
    return Equaliser(*luma.shape)(luma)


@dataclass
class Window:
    """The sum of the residuals of neighbouring frames from start_s to end_s."""

    start_s: float
    end_s: float
    frames: int = 0
    plane: Plane = field(default_factory=lambda: np.empty((0, 0), np.float32), repr=False)

    def add(self, plane: Plane, end_s: float) -> None:
        """Adds one residual."""
        self.plane = plane.copy() if self.frames == 0 else np.add(self.plane, plane, out=self.plane)
        self.frames += 1
        self.end_s = max(self.end_s, end_s)

    @property
    def middle_s(self) -> float:
        """The time the window stands for."""
        return (self.start_s + self.end_s) / 2


class Accumulator:
    """Collects a clip as windows of half a second, evenly spread over it, and as the neighbourhoods of key frames.

    At most 24 windows are held: once they are full every other one is given up, and from then on only every
    second, fourth, ... half second is looked at. After a strong recompression nearly all of a mark is in key
    frames and the three that follow; the first 8 of these groups are held as well.
    """

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.key_windows: list[Window] = []
        self._stride = 1
        self._since_key = _KEY_FRAMES
        self._last_used_s = -1.0

    def wants(self, time_s: float, *, is_key: bool) -> bool:
        """Whether the next frame, at this time, is of use; must be asked for every frame, once."""
        self._since_key = 0 if is_key else self._since_key + 1
        return self._is_near_key() or self._is_in_window(time_s)

    def add(self, plane: Plane, time_s: float, frame_s: float) -> None:
        """Takes the residual of a frame that was wanted; frame_s is how long it is shown."""
        if self._is_near_key():
            if self._since_key == 0 or not self.key_windows:
                self.key_windows.append(Window(time_s, time_s))
            self.key_windows[-1].add(plane, time_s + frame_s)
        if self._is_in_window(time_s):
            self._last_used_s = time_s
            self._window_at(time_s).add(plane, time_s + frame_s)

    def _is_near_key(self) -> bool:
        has_room = len(self.key_windows) < _MAX_KEY_WINDOWS or self._since_key > 0
        return self._since_key < _KEY_FRAMES and has_room

    def _is_in_window(self, time_s: float) -> bool:
        is_due = self._last_used_s < 0 or time_s - self._last_used_s >= _MIN_STEP_S
        return is_due and int(time_s / WINDOW_S) % self._stride == 0

    def _window_at(self, time_s: float) -> Window:
        slot = int(time_s / WINDOW_S)
        if not self.windows or int(self.windows[-1].start_s / WINDOW_S + 1e-9) != slot:
            if len(self.windows) == MAX_WINDOWS:
                self._stride *= 2
                self.windows = [
                    w for w in self.windows if int(w.start_s / WINDOW_S + 1e-9) % self._stride == 0
                ]
            self.windows.append(Window(time_s, time_s))
        return self.windows[-1]


def total(windows: list[Window]) -> Plane:
    """The sum of all windows' planes."""
    plane = windows[0].plane.copy()
    for window in windows[1:]:
        plane += window.plane
    return plane
