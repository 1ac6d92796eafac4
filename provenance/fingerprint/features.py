"""Takes local features of a key frame, spread evenly over the picture and over scales, and its preview.

ORB (Rublee and others, 2011) of the grey picture inside its bars, reduced to a longer side of 480 pixels, for queries
640. Left to itself ORB keeps the strongest corners, which crowd in one place and at the finest scale: nothing is left
of them in a crop, or in a picture within a picture of half the size. Here they are taken in turn from every cell of a
grid and every range of scales, the strongest first, so that any first n of them are spread as evenly. With 128 for
references and 512 for queries a picture within another at half its size still shares 15 or more of them with its
original in three of four frames, against one of eleven for the strongest 128 on either side.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.borders import Box
from provenance.fingerprint.contents import Keyframe

ORB_ALGORITHM = "orb-grid/1"
POINT_SCALE = 65535
MIN_FEATURES = 8
PREVIEW_SIDE = 256
_PREVIEW_QUALITY = 80
_SCALE_STEP = 1.2
_MARGIN = 8
_PATCH = 31
_CONTRAST = 5
_CANDIDATES = 3  # per feature kept
_LEVELS_PER_RANGE = 3
_RANGES = 3


@dataclass(frozen=True)
class Density:
    """How many features are taken of a key frame, at which longer side in pixels, from how many cells and levels."""

    features: int
    side: int
    columns: int
    rows: int
    levels: int


REFERENCE = Density(features=128, side=480, columns=4, rows=3, levels=8)
QUERY = Density(features=512, side=640, columns=8, rows=6, levels=10)


def keyframes_of(
    index: int,
    time_s: float,
    grey: NDArray[np.uint8],
    box: Box,
    density: Density = REFERENCE,
    *,
    with_mirrored: bool = False,
) -> list[Keyframe]:
    """The key frame of (H, W) uint8 grey, and that of its mirror image; none with fewer than 8 features."""
    small = _reduced(grey[box.top : box.bottom, box.left : box.right], density.side)
    if min(small.shape) < _PATCH:
        return []
    detector = cv2.ORB.create(
        nfeatures=density.features * _CANDIDATES,
        scaleFactor=_SCALE_STEP,
        nlevels=density.levels,
        edgeThreshold=_MARGIN,
        patchSize=_PATCH,
        fastThreshold=_CONTRAST,
    )
    corners = _spread(detector.detect(small, None), small.shape, density)
    if len(corners) < MIN_FEATURES:
        return []
    height, width = grey.shape
    plain = Keyframe(
        frame_index=index,
        time_s=time_s,
        width=width,
        height=height,
        points=np.zeros((0, 2), np.uint16),
        descriptors=np.zeros((0, 32), np.uint8),
        preview=_preview(grey),
    )
    made = [_described(plain, detector, small, corners, box)]
    if with_mirrored:
        # The same corners, at the mirrored places: finding them anew would cost as much again.
        mirrored = np.ascontiguousarray(small[:, ::-1])
        corners = [_mirrored(corner, small.shape[1]) for corner in corners]
        mirrored_box = Box(box.top, box.bottom, width - box.right, width - box.left)
        plain = replace(plain, preview=_preview(np.ascontiguousarray(grey[:, ::-1])), is_mirrored=True)
        made.append(_described(plain, detector, mirrored, corners, mirrored_box))
    return made


def _described(
    frame: Keyframe, detector: Any, small: NDArray[np.uint8], corners: list[cv2.KeyPoint], box: Box
) -> Keyframe:
    for rank, corner in enumerate(corners):
        corner.class_id = rank
    # OpenCV sorts them by scale, and leaves out what has come too near to the edge.
    described = zip(*detector.compute(small, corners), strict=True)
    pairs = sorted(described, key=lambda pair: pair[0].class_id)
    corners, descriptors = [corner for corner, _ in pairs], [descriptor for _, descriptor in pairs]
    scale = [(box.right - box.left) / small.shape[1], (box.bottom - box.top) / small.shape[0]]
    at = (np.array([corner.pt for corner in corners]) + 0.5) * scale + [box.left, box.top]
    points = np.round(at / [frame.width, frame.height] * POINT_SCALE).clip(0, POINT_SCALE).astype(np.uint16)
    return replace(frame, points=points, descriptors=np.asarray(descriptors, np.uint8))


def _spread(found: Any, shape: tuple[int, ...], density: Density) -> list[cv2.KeyPoint]:
    """The corners to keep: one after the other from every cell and range of scales, the strongest first."""
    places: dict[tuple[int, int, int], list[cv2.KeyPoint]] = defaultdict(list)
    for corner in sorted(found, key=lambda corner: (-corner.response, corner.pt)):
        column = int(corner.pt[0] * density.columns / shape[1])
        row = int(corner.pt[1] * density.rows / shape[0])
        places[min(corner.octave // _LEVELS_PER_RANGE, _RANGES - 1), column, row].append(corner)
    ranked = [
        (rank, -one.response, one.pt, one) for place in places.values() for rank, one in enumerate(place)
    ]
    ranked.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in ranked[: density.features]]


def _mirrored(corner: cv2.KeyPoint, width: int) -> cv2.KeyPoint:
    x, y = corner.pt
    angle = (180 - corner.angle) % 360
    return cv2.KeyPoint(width - 1 - x, y, corner.size, angle, corner.response, corner.octave)


def _reduced(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture at a longer side of `side` pixels; smaller ones as they are."""
    height, width = grey.shape
    factor = side / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(grey)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _preview(grey: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY]
    _, encoded = cv2.imencode(".jpg", _reduced(grey, PREVIEW_SIDE), options)
    return bytes(encoded)
