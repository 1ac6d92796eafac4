"""Lays pictures over each other without any hint, by distinctive points that both of them show."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.clip import Grey, View, reduced_size
from provenance.registration.lattice import Placement
from provenance.registration.maps import Affine

_LONG_SIDE = 640
_MAX_POINTS = 1400
_LEAST_CONTRAST = 0.006
_RATIO = 0.85  # nearest over second nearest, after Lowe 2004
_WITHIN_PX = 3.0
MIN_INLIERS = 10
# Below it the mirror image is tried too.
_ENOUGH_INLIERS = 25
_MAX_STRETCH = 2.5
_SCALES = (0.12, 8.0)


@dataclass(frozen=True)
class Described:
    """Distinctive points of one picture: positions (N, 2) in its view's coordinates, descriptors (N, 128)."""

    view: View
    points: NDArray[np.float64]
    descriptors: NDArray[np.float32]


def describe(view: View, *, is_mirrored: bool = False) -> Described:
    """The points of a view; those of its mirror image are described as seen in the mirror, placed as in the view."""
    width, height = view.size
    size = reduced_size(width, height, _LONG_SIDE)
    grey: Grey = view.grey
    if size != view.size:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    if is_mirrored:
        grey = np.ascontiguousarray(grey[:, ::-1])
    finder = cv2.SIFT.create(nfeatures=_MAX_POINTS, contrastThreshold=_LEAST_CONTRAST)
    points, descriptors = finder.detectAndCompute(grey, None)
    if descriptors is None:
        return Described(view, np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    # Key points are given between indices, whose 0 is the centre of the first pixel.
    places = np.array([point.pt for point in points]) + 0.5
    if is_mirrored:
        places[:, 0] = size[0] - places[:, 0]
    # Square root of the normalised histogram: distances become those of Hellinger (Arandjelovic, Zisserman 2012).
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Described(view, places * (width / size[0], height / size[1]), rooted.astype(np.float32))


def find_by_features(
    suspects: Sequence[tuple[View, float]], takes: Sequence[View], slack_s: float
) -> Placement | None:
    """The pair of frames with the most points in common, and the map between them; None without ten.

    suspects: views with the time in the take at which they are expected; slack_s: by how much that may be wrong.
    likeness of the answer is the number of common points.
    """
    known: dict[int, Described] = {}
    best: Placement | None = None
    for is_mirrored in (False, True):
        for view, expected_s in suspects:
            asked = describe(view, is_mirrored=is_mirrored)
            for number in _within(takes, expected_s, slack_s):
                if number not in known:
                    known[number] = describe(takes[number])
                found = _fit(known[number], asked)
                if found is None or (best is not None and found[1] <= best.likeness):
                    continue
                best = Placement(found[0], takes[number].time_s - expected_s, float(found[1]))
        if best is not None and best.likeness >= _ENOUGH_INLIERS:
            return best
    return best


def _within(takes: Sequence[View], expected_s: float, slack_s: float) -> list[int]:
    return [n for n, take in enumerate(takes) if abs(take.time_s - expected_s) <= slack_s + 1e-6]


def _fit(take: Described, suspect: Described) -> tuple[Affine, int] | None:
    """The map from the take's view to the suspect's, and how many points agree with it."""
    if min(len(take.points), len(suspect.points)) < MIN_INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(suspect.descriptors, take.descriptors, k=2)
    kept = [first for first, second in pairs if first.distance < _RATIO * second.distance]
    if len(kept) < MIN_INLIERS:
        return None
    source = take.points[[match.trainIdx for match in kept]]
    target = suspect.points[[match.queryIdx for match in kept]]
    within = _WITHIN_PX * max(1.0, max(suspect.view.size) / _LONG_SIDE)
    matrix, inlying = cv2.estimateAffine2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=within, maxIters=2000, confidence=0.999
    )
    if matrix is None:
        return None
    fitted = Affine.of(matrix.astype(np.float64))
    # Many matches onto one point are no evidence: distinct places of the take are counted.
    agreeing = len(np.unique(np.round(source[inlying.reshape(-1) > 0]), axis=0))
    is_sane = _SCALES[0] <= fitted.scale <= _SCALES[1] and fitted.stretch <= _MAX_STRETCH
    return (fitted, agreeing) if is_sane and agreeing >= MIN_INLIERS else None
