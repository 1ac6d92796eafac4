"""Lays a sum of residuals onto the tile's own pixel grid and takes the spectrum of every tile."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.carrier import TILE, band
from provenance.watermark.findings import Geometry
from provenance.watermark.residual import Plane

_NOISE_BOX = 5
_SPECTRUM_LIMIT = 2.0
_MIN_COVER = 0.2  # of a tile
_REDUCE_ABOVE = 1.6

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A picture seen in tile pixels: picture point = matrix @ (point - middle) + picture_middle, pixel centres at +0.5.

    tiles: (rows, columns, TILE, TILE) residuals, 0 outside the picture. Frames summed at other times can be seen
    the same way (`see`).
    """

    matrix: Matrix
    middle: tuple[float, float]
    picture_middle: tuple[float, float]
    tiles: NDArray[np.float32]

    @property
    def centres(self) -> NDArray[np.float64]:
        """(rows * columns, 2) y and x of the tiles' middles relative to the middle of the view, in tile pixels."""
        rows, columns = self.tiles.shape[:2]
        y = (np.arange(rows) + 0.5) * TILE - self.middle[1]
        x = (np.arange(columns) + 0.5) * TILE - self.middle[0]
        return np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(-1, 2)

    def folded(self) -> NDArray[np.float32]:
        """(TILE, TILE) sum of all tiles."""
        total: NDArray[np.float32] = self.tiles.sum(axis=(0, 1), dtype=np.float32)
        return total

    def tile_spectra(self) -> NDArray[np.complex64]:
        """(rows * columns, BINS) spectrum of each tile at the frequencies in use."""
        used = band()
        full = fft.rfft2(self.tiles.reshape(-1, TILE, TILE))
        return np.ascontiguousarray(full[:, used.ky, used.kx])


@dataclass(frozen=True)
class Spectrum:
    """The frequencies in use of a folded picture.

    values: (BINS,) complex. noise: (BINS,) mean power around each. whitened: values / sqrt(noise), limited to 2.
    """

    values: NDArray[np.complex128]
    noise: NDArray[np.float64]
    whitened: NDArray[np.complex128]


def view(plane: Plane, matrix: Matrix) -> View:
    """(H, W) residuals seen through `matrix` (2, 2), picture pixels per tile pixel."""
    height, width = plane.shape
    # The corners of the picture in tile pixels, about its middle, tell how much has to be seen.
    corners = np.linalg.inv(matrix) @ np.array([[width, width], [height, -height]]) / 2
    reach = np.abs(corners).max(axis=1)
    columns, rows = (max(1, int(np.ceil(2 * side / TILE - 0.01))) for side in reach)
    is_plain = bool(np.array_equal(matrix, np.eye(2)))
    middle = (width / 2, height / 2) if is_plain else (columns * TILE / 2, rows * TILE / 2)
    size = (columns * TILE, rows * TILE)
    if is_plain:
        canonical = np.zeros(size[::-1], np.float32)
        canonical[:height, :width] = plane
    else:
        canonical = lay(plane, matrix, np.array([width, height]) / 2 - matrix @ np.array(middle), size)
    tiles = canonical.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
    return View(matrix, middle, (width / 2, height / 2), tiles)


def lay(plane: Plane, linear: Matrix, offset: NDArray[np.float64], size: tuple[int, int]) -> Plane:
    """The (width, height) pixels of a plane that lie at linear @ point + offset in it, pixel centres at +0.5."""
    height, width = plane.shape
    shrink = int(np.sqrt(abs(np.linalg.det(linear))) / _REDUCE_ABOVE + 0.5)
    if shrink > 1:
        # Interpolation alone would fold fine detail back as noise.
        small = (max(1, width // shrink), max(1, height // shrink))
        plane = cv2.resize(plane, small, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
        ratio = np.array([small[0] / width, small[1] / height])
        linear, offset = ratio[:, None] * linear, ratio * offset
    start = linear @ np.array([0.5, 0.5]) + offset - 0.5
    laid = cv2.warpAffine(
        plane, np.column_stack([linear, start]), size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return laid.astype(np.float32, copy=False)


def folded_at(plane: Plane, geometry: Geometry, period: int = TILE) -> Plane:
    """(period, period) sum of all periods of the pattern that a plane shows at a geometry."""
    height, width = plane.shape
    linear = np.array([[geometry.xx, geometry.xy], [geometry.yx, geometry.yy]])
    offset = np.array([geometry.x0, geometry.y0])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    seen = (corners - offset) @ np.linalg.inv(linear).T
    first = np.floor(seen.min(axis=0) / period)
    columns, rows = np.maximum(np.ceil(seen.max(axis=0) / period - 0.01) - first, 1).astype(int).tolist()
    laid = lay(plane, linear, linear @ (first * period) + offset, (columns * period, rows * period))
    folded: Plane = laid.reshape(rows, period, columns, period).sum(axis=(0, 2))
    return folded


def shows_enough(width: int, height: int, scale: float) -> bool:
    """False where a picture, seen at this scale, shows too little of a tile to say anything."""
    return width * height / scale**2 >= _MIN_COVER * TILE * TILE


def spectrum(folded: NDArray[np.float32]) -> Spectrum:
    """The spectrum of a folded picture, each frequency measured against its neighbourhood."""
    used = band()
    full = fft.rfft2(folded)
    return Spectrum(*_whiten(full[used.ky, used.kx], noise_around(full)))


def noise_around(full: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """(BINS,) mean power in a box of 5x5 around each frequency, from a (TILE, TILE // 2 + 1) spectrum."""
    used = band()
    half = TILE // 2
    power = np.abs(full).astype(np.float64) ** 2
    centred = np.fft.fftshift(power, axes=0)
    # The columns left of the axis are the mirror image of those right of it.
    left = centred[::-1, _NOISE_BOX // 2 : 0 : -1]
    mean = cv2.blur(np.hstack([left, centred]), (_NOISE_BOX, _NOISE_BOX))
    # A plain black picture has no power at all; any positive floor keeps 0/0 out.
    around: NDArray[np.float64] = np.maximum(mean[used.ky + half, used.kx + _NOISE_BOX // 2], 1e-12)
    return around


def _whiten(
    values: NDArray[np.complexfloating], noise: NDArray[np.float64]
) -> tuple[NDArray[np.complex128], NDArray[np.float64], NDArray[np.complex128]]:
    whitened = limited(values / np.sqrt(noise))
    return values.astype(np.complex128), noise, whitened.astype(np.complex128)


def limited(whitened: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    """The same values, none larger than 2: what a host shows at single frequencies must not drown the rest."""
    result: NDArray[np.complexfloating] = whitened * np.minimum(
        1.0, _SPECTRUM_LIMIT / np.maximum(np.abs(whitened), _SPECTRUM_LIMIT)
    )
    return result


def deviation(products: NDArray[np.complexfloating]) -> float:
    """Standard deviation by chance of the sum of products with a pilot's phasors; 1 where there is no power."""
    return float(np.sqrt(np.sum(np.abs(products) ** 2) / 2)) or 1.0
