"""How strongly each part of a picture may be changed unseen, and without costing a codec more than it brings."""

import cv2
import numpy as np
from numpy.typing import NDArray

CEILING = 3.0  # luma steps at any strength, more of which shows as grain in dark foliage
_CELL = 8
_BASE = 0.3  # luma steps in a flat area
_GAIN = 0.3  # per luma step of texture
_FLOW_CELL = 8
_STILL_SPEED = 0.5  # pixels per frame at which half of what motion takes away is gone
_MOVING_SHARE = 0.5  # of the amplitude that stays where everything moves
_FLOW_MEMORY = 0.7  # of the factor of the frame before, so that the mark never flickers
_MIN_FLOW_SIDE = 16

Cells = NDArray[np.float32]


def amplitude(luma: NDArray[np.uint8]) -> Cells:
    """Luma steps allowed per cell of 8x8 pixels of a still picture, at unit strength, from (H, W) uint8 luma.

    Shape (ceil(H/8), ceil(W/8)). It grows with local texture and brightness; a flat area beside an edge
    counts as flat, because that is where a pattern shows.
    """
    return Mask().amplitude(luma)


class Mask:
    """The allowed amplitude for the frames of one clip, in their order; holds one frame at an eighth of its size.

    Where the picture moves, the pattern, which stays, is new to a codec in every frame and costs bits each time,
    although strong compression drops it there first; and there an eye that follows the motion sees it slide.
    So moving areas get down to half of what they could bear.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(0)
        self._before: NDArray[np.uint8] | None = None
        self._factor: Cells | None = None

    def amplitude(self, luma: NDArray[np.uint8]) -> Cells:
        """As the function `amplitude`, less where the picture moved since the frame before; never NaN."""
        height, width = luma.shape
        half_size = (max(1, width // 2), max(1, height // 2))
        half = cv2.resize(luma, half_size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        cells = (-(-width // _CELL), -(-height // _CELL))
        allowed = _bearable(half.astype(np.float32), cells)
        factor = self._motion_factor(half, (width // _FLOW_CELL, height // _FLOW_CELL), cells)
        if factor is not None:
            np.multiply(allowed, factor, out=allowed)
        smooth = cv2.GaussianBlur(np.minimum(allowed, CEILING), (0, 0), 1.0)
        return smooth.astype(np.float32, copy=False)

    def _motion_factor(
        self, half: NDArray[np.uint8], flow_size: tuple[int, int], cells: tuple[int, int]
    ) -> Cells | None:
        if min(flow_size) < _MIN_FLOW_SIDE:
            return None
        now = cv2.resize(half, flow_size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        before, self._before = self._before, now
        if before is None:
            return None
        flow = np.asarray(self._flow.calc(now, before, np.zeros((*now.shape, 2), np.float32)))
        speed = _FLOW_CELL * np.hypot(flow[..., 0], flow[..., 1])
        factor = _MOVING_SHARE + (1 - _MOVING_SHARE) / (1 + np.square(speed / _STILL_SPEED))
        smooth = cv2.GaussianBlur(factor, (0, 0), 1.5)
        wanted = cv2.resize(smooth, cells, interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
        if self._factor is not None:
            wanted = cv2.addWeighted(self._factor, _FLOW_MEMORY, wanted, 1 - _FLOW_MEMORY, 0).astype(
                np.float32, copy=False
            )
        self._factor = wanted
        return wanted


def _bearable(half: NDArray[np.float32], cells: tuple[int, int]) -> Cells:
    """Luma steps by texture and brightness alone, from luma at half size."""
    detail = half - cv2.blur(half, (7, 7))
    # The mean of squares may come out a hair below zero in float32; its root would be NaN.
    energy = np.maximum(cv2.blur(detail * detail, (5, 5)), 0)
    texture = cv2.resize(np.sqrt(energy), cells, interpolation=cv2.INTER_AREA)
    texture = 0.2 * texture + 0.8 * cv2.erode(texture, np.ones((3, 3), np.uint8))
    mean = cv2.resize(half, cells, interpolation=cv2.INTER_AREA)
    allowed: Cells = (_BASE + _GAIN * texture) * np.clip(0.3 + mean / 90, 0.4, 1.15)
    return allowed
