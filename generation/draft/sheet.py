"""Lays clips out as one picture, a row of frames per clip, so that a person can judge them at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def contact_sheet(clips: Sequence[NDArray[np.uint8]], columns: int = 5, gap: int = 4) -> NDArray[np.uint8]:
    """Evenly spaced frames of each clip, clips of shape (T, H, W, 3), as one (H', W', 3) picture on grey."""
    height, width = clips[0].shape[1:3]
    sheet = np.full((len(clips) * (height + gap) + gap, columns * (width + gap) + gap, 3), 90, dtype=np.uint8)
    for row, clip in enumerate(clips):
        for column, index in enumerate(np.linspace(0, len(clip) - 1, columns).round().astype(int)):
            y, x = gap + row * (height + gap), gap + column * (width + gap)
            sheet[y : y + height, x : x + width] = clip[index]
    return sheet
