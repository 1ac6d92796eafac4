"""Hashes the part of a picture that two clips have in common, so that a crop can be compared with its original."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import Track
from provenance.fingerprint.pdq256 import Pdq, hash_picture

_SIDE_PX = 128


@dataclass(frozen=True)
class View:
    """A parallelogram of a picture. corners: its upper left, upper right and lower left corner, each (x, y) as shares
    of the picture's width and height; they may lie a little outside.
    """

    corners: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

    def reduction(self, width: int, height: int) -> float:
        """By which factor a picture of this size can be reduced before the view is cut out of it, at most 1."""
        corners = np.array(self.corners, np.float64) * (width, height)
        sides_px = np.linalg.norm(corners[1:] - corners[0], axis=1)
        return min(1.0, 1.5 * _SIDE_PX / max(1.0, float(sides_px.min())))

    def cut(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view of (H, W) uint8 luma, not much finer than the result, as (128, 128), whatever its proportions."""
        height, width = luma.shape
        corners = np.array(self.corners, np.float64) * (width, height)
        target = np.array([[0, 0], [_SIDE_PX, 0], [0, _SIDE_PX]], np.float32) - 0.5
        matrix = cv2.getAffineTransform((corners - 0.5).astype(np.float32), target)
        cut = cv2.warpAffine(
            luma, matrix, (_SIDE_PX, _SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(cut, np.uint8)

    def part(self, left: float, top: float, right: float, bottom: float) -> "View":
        """The part of this view given as shares of its own sides."""
        first, second, third = (np.array(corner) for corner in self.corners)
        across, down = second - first, third - first
        places = ((left, top), (right, top), (left, bottom))
        corners = [first + x * across + y * down for x, y in places]
        one, two, three = ((float(x), float(y)) for x, y in corners)
        return View((one, two, three))


WHOLE = View(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
# What is laid over a copy, a logo or a caption, spares at least one of these.
PARTS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.0, 1.0, 0.62),
    (0.0, 0.38, 1.0, 1.0),
    (0.0, 0.0, 0.62, 1.0),
    (0.38, 0.0, 1.0, 1.0),
)


def tracks_of_views(frames: Iterable[tuple[float, NDArray[np.uint8]]], views: Sequence[View]) -> list[Track]:
    """The track of every view from (seconds, (H, W) uint8 luma) in order of time."""
    times: list[float] = []
    seen: list[list[Pdq]] = [[] for _ in views]
    for time_s, luma in frames:
        times.append(time_s)
        # Warping looks at single pixels: a picture much larger than the result is reduced first, for all views at once.
        height, width = luma.shape
        factor = max((view.reduction(width, height) for view in views), default=1.0)
        if factor < 1.0:
            size = (max(1, round(width * factor)), max(1, round(height * factor)))
            luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
        for hashes, view in zip(seen, views, strict=True):
            hashes.append(hash_picture(view.cut(luma)))
    if not times:
        return [Track.empty() for _ in views]
    return [
        Track(
            np.array(times),
            np.stack([np.frombuffer(one.packed, np.uint8) for one in hashes]),
            np.array([one.quality for one in hashes], np.uint8),
        )
        for hashes in seen
    ]
