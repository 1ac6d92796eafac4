"""Evens a picture out, so that brightness, contrast, colour and compression matter little when two are compared."""

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.clip import Grey

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LEVEL_FLOOR = 6.0  # luma steps; what is much below it counts as noise
_CLIP = 2.5


def evened(grey: Grey, window: int = 17, smooth: float = 1.0) -> Plane:
    """(H, W) luma less its local mean over its local deviation, within +-2.5; flat areas stay near 0."""
    picture = cv2.GaussianBlur(grey, (0, 0), smooth).astype(np.float32) if smooth else grey.astype(np.float32)
    detail = picture - cv2.blur(picture, (window, window))
    # A box sum of squares in float32 can come out slightly negative; clamped before the root.
    power = np.maximum(cv2.blur(detail * detail, (window, window)), 0)
    level = np.clip(detail / (np.sqrt(power) + np.float32(_LEVEL_FLOOR)), -_CLIP, _CLIP)
    return level.astype(np.float32, copy=False)


def as_bytes(plane: Plane) -> Grey:
    """An evened plane as 8 bit, 128 for 0."""
    grey: Grey = np.clip(plane * np.float32(127 / _CLIP) + 128, 0, 255).astype(np.uint8)
    return grey


def likeness(a: Plane, b: Plane, mask: Mask) -> float:
    """Correlation of two evened planes inside a mask, -1 to 1; 0.0 where there is nothing to compare."""
    first, second = a[mask], b[mask]
    if first.size < 16:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    energy = float(np.sqrt(np.dot(first, first) * np.dot(second, second)))
    return float(np.dot(first, second)) / energy if energy > 1e-6 * first.size else 0.0


def shrunk(mask: Mask, pixels: int, *, at_frame: bool = True) -> Mask:
    """The mask without its outer `pixels`; at_frame: also where it ends only because the frame does."""
    side = 2 * pixels + 1
    kernel = np.ones((side, side), np.uint8)
    inner = cv2.erode(
        mask.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0 if at_frame else 1
    )
    return inner.astype(np.bool_)
