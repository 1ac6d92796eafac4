"""Affine maps between pictures, in continuous coordinates: pixel centres lie at +0.5, y points down."""

from dataclasses import dataclass
from math import atan2, degrees, hypot, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Above this many source pixels per target pixel, a picture is averaged down before it is sampled.
_AVERAGED_ABOVE = 1.4


@dataclass(frozen=True)
class Affine:
    """target = [[xx, xy], [yx, yy]] @ source + (x0, y0)."""

    xx: float
    xy: float
    yx: float
    yy: float
    x0: float
    y0: float

    @classmethod
    def of(cls, matrix: NDArray[np.floating]) -> "Affine":
        """From a (2, 3) matrix [A | t]."""
        (xx, xy, x0), (yx, yy, y0) = matrix.tolist()
        return cls(xx, xy, yx, yy, x0, y0)

    @classmethod
    def scaling(cls, x: float, y: float) -> "Affine":
        """Multiplies x and y."""
        return cls(x, 0.0, 0.0, y, 0.0, 0.0)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The (2, 3) matrix [A | t]."""
        return np.array([[self.xx, self.xy, self.x0], [self.yx, self.yy, self.y0]])

    @property
    def determinant(self) -> float:
        """Area of the target per area of the source; negative where the picture is mirrored."""
        return self.xx * self.yy - self.xy * self.yx

    @property
    def scale(self) -> float:
        """Target pixels per source pixel, as the root of the ratio of areas."""
        return sqrt(abs(self.determinant))

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return self.determinant < 0

    @property
    def rotation_deg(self) -> float:
        """How far the source's rows were turned, clockwise as seen, -180 to 180, mirroring undone."""
        return degrees(atan2(self.yx, -self.xx if self.is_mirrored else self.xx))

    @property
    def stretch(self) -> float:
        """Longest over shortest scale, 1.0 for a similarity."""
        total = hypot(self.xx - self.yy, self.xy + self.yx)
        other = hypot(self.xx + self.yy, self.xy - self.yx)
        return (total + other) / max(abs(total - other), 1e-12)

    def after(self, first: "Affine") -> "Affine":
        """The map that applies `first` and then this one."""
        whole = np.vstack([first.matrix, [0.0, 0.0, 1.0]])
        return Affine.of(self.matrix @ whole)

    def inverse(self) -> "Affine":
        """The map back. Raises ZeroDivisionError where this one is flat."""
        d = self.determinant
        xx, xy, yx, yy = self.yy / d, -self.xy / d, -self.yx / d, self.xx / d
        return Affine(xx, xy, yx, yy, -xx * self.x0 - xy * self.y0, -yx * self.x0 - yy * self.y0)

    def apply(self, points: Points) -> Points:
        """(N, 2) x, y to (N, 2)."""
        linear = np.array([[self.xx, self.xy], [self.yx, self.yy]])
        moved: Points = points @ linear.T + np.array([self.x0, self.y0])
        return moved

    def distance(self, other: "Affine", width: float, height: float) -> float:
        """How far apart two maps carry the corners of a source picture at most, in target pixels."""
        box = corners(width, height)
        return float(np.linalg.norm(self.apply(box) - other.apply(box), axis=1).max())


IDENTITY = Affine(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def corners(width: float, height: float) -> Points:
    """(4, 2) corners of a picture."""
    return np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])


def resample(
    picture: NDArray[np.uint8], target_to_picture: Affine, width: int, height: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draws a picture into a frame of width x height; the second answer is where the picture lies in it.

    Fine pictures are averaged down first, so that nothing aliases.
    """
    place, shrink = target_to_picture, target_to_picture.scale
    if shrink > _AVERAGED_ABOVE:
        rows, columns = (max(2, round(side / shrink)) for side in picture.shape[:2])
        before = picture.shape
        picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
        place = Affine.scaling(columns / before[1], rows / before[0]).after(place)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = between_indices(place)
    drawn = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(picture.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(whole, matrix, (width, height), flags=flags)
    return drawn.astype(np.uint8, copy=False), inside >= 128


def between_indices(place: Affine) -> NDArray[np.float64]:
    """The matrix for arrays, whose index 0 is the centre of the first pixel."""
    matrix = place.matrix
    matrix[:, 2] += matrix[:, 0] * 0.5 + matrix[:, 1] * 0.5 - 0.5
    return matrix
