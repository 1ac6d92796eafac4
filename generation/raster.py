"""Brings a native frame to the delivery raster: fills it, crops what stands over, never distorts."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray


def fit(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The (H, W, 3) frame scaled until it covers width x height, then cropped around its centre.

    Lanczos when it grows, area averaging when it shrinks. A frame that already fits is returned as it is.
    """
    source_height, source_width = frame.shape[:2]
    if (source_width, source_height) == (width, height):
        return frame
    scale = max(width / source_width, height / source_height)
    scaled_width = max(width, math.ceil(source_width * scale - 1e-6))
    scaled_height = max(height, math.ceil(source_height * scale - 1e-6))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    scaled = cv2.resize(frame, (scaled_width, scaled_height), interpolation=method)
    top, left = (scaled_height - height) // 2, (scaled_width - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width], dtype=np.uint8)
