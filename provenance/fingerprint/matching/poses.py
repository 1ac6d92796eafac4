"""Finds how one frame lies within another from their local features: a similarity, by RANSAC."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import Keyframe
from provenance.fingerprint.matching.segment import Box

# Enough for a frame that others agree with; fifteen and more a frame are usual, PiP at half size has fewer.
MIN_INLIERS = 10
_MAX_BITS = 64
_NEXT_BEST = 0.9
_TOLERANCE_PX = 4.0
_ANALYSED_PX = 480.0
_LEAST_SCALE, _MOST_SCALE = 0.2, 5.0
_MOST_TURN_DEG = 20.0


@dataclass(frozen=True)
class Pose:
    """Where the reference lies in the query: query = scale x turn(reference) + shift, in units of picture widths.

    matrix: (2, 3) float64, from reference to query coordinates, both in widths of their own picture (so y runs to
    height / width). inliers: features that agree. query_aspect, reference_aspect: height / width.
    """

    matrix: NDArray[np.float64]
    inliers: int
    query_aspect: float
    reference_aspect: float

    @property
    def scale(self) -> float:
        """Query widths per reference width."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def turn_deg(self) -> float:
        """Degrees, clockwise as seen."""
        return float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))

    def boxes(self) -> tuple[Box, Box]:
        """(query box, reference box): the rectangle both show, as shares of each picture; empty where they miss.

        A turned reference is taken by the rectangle around its corners.
        """
        corners = _rectangle(1.0, self.reference_aspect)
        seen = _mapped(self.matrix, corners)
        low = np.maximum(seen.min(0), 0.0)
        high = np.minimum(seen.max(0), (1.0, self.query_aspect))
        back = np.asarray(cv2.invertAffineTransform(self.matrix), np.float64)
        shown = _mapped(back, _rectangle(1.0, self.query_aspect))
        reference_low = np.maximum(shown.min(0), 0.0)
        reference_high = np.minimum(shown.max(0), (1.0, self.reference_aspect))
        return (
            Box(low[0], low[1] / self.query_aspect, high[0], high[1] / self.query_aspect),
            Box(
                reference_low[0],
                reference_low[1] / self.reference_aspect,
                reference_high[0],
                reference_high[1] / self.reference_aspect,
            ),
        )

    def agrees_with(self, other: "Pose") -> bool:
        """Whether both put the corners and the middle of the reference within 6 % of a query's width of each other."""
        corners = np.vstack([_rectangle(1.0, self.reference_aspect), [[0.5, self.reference_aspect / 2]]])
        apart = np.abs(_mapped(self.matrix, corners) - _mapped(other.matrix, corners)).max(1)
        return bool(
            np.median(apart) <= 0.06 * max(1.0, self.scale) and apart.max() <= 0.12 * max(1.0, self.scale)
        )


def pose_between(query: Keyframe, reference: Keyframe) -> Pose | None:
    """The similarity that takes the reference's features onto the query's; None with fewer than 10 that agree."""
    pairs = _matches(query.descriptors, reference.descriptors)
    if len(pairs) < MIN_INLIERS:
        return None
    from_points = _in_widths(reference)[pairs[:, 1]]
    to_points = _in_widths(query)[pairs[:, 0]]
    tolerance = _TOLERANCE_PX / _ANALYSED_PX
    cv2.setRNGSeed(1)
    matrix, inliers = cv2.estimateAffinePartial2D(
        from_points,
        to_points,
        method=cv2.RANSAC,
        ransacReprojThreshold=tolerance,
        maxIters=2000,
        confidence=0.995,
    )
    if matrix is None or int(inliers.sum()) < MIN_INLIERS:
        return None
    pose = Pose(
        np.asarray(matrix, np.float64),
        int(inliers.sum()),
        query.height / query.width,
        reference.height / reference.width,
    )
    is_plausible = _LEAST_SCALE <= pose.scale <= _MOST_SCALE and abs(pose.turn_deg) <= _MOST_TURN_DEG
    return pose if is_plausible else None


def _matches(query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> NDArray[np.intp]:
    """(n, 2) numbers of query and reference features that are nearest to each other, and nearer than the next."""
    if len(query) < 2 or len(reference) < 2:
        return np.zeros((0, 2), np.intp)
    bits, nearest = cv2.batchDistance(query, reference, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2)
    _, back = cv2.batchDistance(reference, query, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1)
    rows = np.arange(len(query))
    is_mutual = back[nearest[:, 0], 0] == rows
    kept = is_mutual & (bits[:, 0] <= _MAX_BITS) & (bits[:, 0] <= _NEXT_BEST * bits[:, 1])
    return np.stack([rows[kept], nearest[kept, 0]], 1)


def _in_widths(frame: Keyframe) -> NDArray[np.float64]:
    """(n, 2) points in units of the picture's width."""
    return frame.points.astype(np.float64) / 65535.0 * (1.0, frame.height / frame.width)


def _rectangle(width: float, height: float) -> NDArray[np.float64]:
    return np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])


def _mapped(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped: NDArray[np.float64] = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped
