"""Finds where shots begin while a clip streams by, from its frames reduced to 64 x 64; flashes and fades are no cuts.

Frames are compared by the correlation of their layout in 16 x 16 cells, which no change of brightness or contrast
alters: from one frame of a shot to the next it stays above 0.7 even under a hand-held pan, over a cut it falls below
0.3. A new shot is reported at its first frame that is like the one before it, so never at a blend of two shots; after a
flash the picture is the old one again, and nothing is reported. A dissolve has no frame where it happens, and is not
reported either unless it takes three frames at most; a whipped pan is reported once.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

Layout = NDArray[np.float32]

_CELLS = 16
_CUT = 0.6
# A cut whose middle is one or two blended frames shows only over several.
_BLENDED_CUT, _BLENDED_OVER = 0.35, 3
_STABLE = 0.85
_SAME_SHOT = 0.7
# Root mean square over the cells, of 255: of a darker or flatter picture only noise would be compared.
_MIN_CONTRAST = 2.0
_PATIENCE_S = 0.5


class ShotFinder:
    """Decides frame by frame; hand in every frame, in order."""

    def __init__(self) -> None:
        self._frames = 0
        self._previous: Layout | None = None
        self._settled: deque[Layout] = deque(maxlen=_BLENDED_OVER)
        self._left_at_s: float | None = None

    def begins(self, time_s: float, small: NDArray[np.float32]) -> bool:
        """True when a shot begins with this frame, (64, 64) luma; the first frame begins one unless it is flat."""
        layout = _layout(small)
        previous, self._previous = self._previous, layout
        self._frames += 1
        step = 1.0 if self._frames == 1 else _likeness(previous, layout)
        if (
            self._left_at_s is None
            and self._settled
            and layout is not None
            and not self._is_cut(step, layout)
        ):
            self._settled.append(layout)
            return False
        if self._left_at_s is None:
            self._left_at_s = time_s
        if layout is None or (step < _STABLE and time_s - self._left_at_s < _PATIENCE_S):
            return False
        is_new = not self._settled or _likeness(self._settled[0], layout) < _SAME_SHOT
        self._settled.clear()
        self._settled.append(layout)
        self._left_at_s = None
        return is_new

    def reframe(self, small: NDArray[np.float32]) -> None:
        """Says that the last frame is from now on seen as `small`, because its bars were found elsewhere."""
        self._previous = layout = _layout(small)
        if self._left_at_s is None and layout is not None:
            self._settled.clear()
            self._settled.append(layout)

    def _is_cut(self, step: float, layout: Layout) -> bool:
        if step < _CUT:
            return True
        return len(self._settled) == _BLENDED_OVER and _likeness(self._settled[0], layout) < _BLENDED_CUT


def _layout(small: NDArray[np.float32]) -> Layout | None:
    """Brightness by cell, freed of mean and contrast; None for a picture too flat to tell."""
    side = len(small) // _CELLS
    cells = small.reshape(_CELLS, side, _CELLS, side).mean(axis=(1, 3))
    cells = cells - cells.mean()
    contrast = math.sqrt(float(np.vdot(cells, cells)) / cells.size)
    if contrast < _MIN_CONTRAST:
        return None
    freed: Layout = cells / np.float32(contrast)
    return freed


def _likeness(one: Layout | None, other: Layout | None) -> float:
    return 0.0 if one is None or other is None else float(np.vdot(one, other)) / one.size
