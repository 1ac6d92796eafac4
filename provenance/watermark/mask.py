"""How strongly each part of a picture may be changed unseen."""

import cv2
import numpy as np
from numpy.typing import NDArray

CEILING = 4.0  # luma steps at unit strength
_CELL = 8


def amplitude(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma steps allowed per cell of 8x8 pixels, at unit strength, from (H, W) uint8 luma.

    Shape (ceil(H/8), ceil(W/8)). It grows with local texture and brightness; a flat area beside an edge
    counts as flat, because that is where a pattern shows.
    """
    height, width = luma.shape
    half_size = (max(1, width // 2), max(1, height // 2))
    cells = (-(-width // _CELL), -(-height // _CELL))
    half = cv2.resize(luma, half_size, interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = half - cv2.blur(half, (7, 7))
    # The mean of squares may come out a hair below zero in float32; its root would be NaN.
    energy = np.maximum(cv2.blur(detail * detail, (5, 5)), 0)
    texture = cv2.resize(np.sqrt(energy), cells, interpolation=cv2.INTER_AREA)
    texture = 0.5 * texture + 0.5 * cv2.erode(texture, np.ones((3, 3), np.uint8))
    mean = cv2.resize(half, cells, interpolation=cv2.INTER_AREA)
    allowed = (0.6 + 0.3 * texture) * np.clip(0.55 + mean / 130, 0.6, 1.15)
    smooth: NDArray[np.float32] = cv2.GaussianBlur(np.minimum(allowed, CEILING), (0, 0), 1.0)
    return smooth.astype(np.float32)
