"""Folds a sum of residuals onto one tile and measures how strongly a key's pilot is in it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import TILE, Carriers, band
from provenance.watermark.residual import Plane

_SPECTRUM_LIMIT = 2.0
_NOISE_BOX = 5
_MIN_COVER = 0.25  # of a tile


@dataclass(frozen=True)
class Spectrum:
    """The used frequencies of a folded picture.

    values: (BINS,) complex. noise: (BINS,) mean power around each. whitened: values / sqrt(noise), limited to 2.
    """

    values: NDArray[np.complex128]
    noise: NDArray[np.float64]
    whitened: NDArray[np.complex128]


@dataclass(frozen=True)
class PilotPeak:
    """Where a pilot fits best: z in standard deviations of chance, and the shift in tile pixels (y, x)."""

    z: float
    shift: tuple[int, int]


def fold(plane: Plane, scale_x: float, scale_y: float) -> NDArray[np.float64]:
    """Rescales (H, W) to tile pixels and sums all tiles into one of (TILE, TILE).

    scale_x and scale_y are picture pixels per tile pixel.
    """
    height, width = plane.shape
    columns, rows = max(1, round(width / scale_x)), max(1, round(height / scale_y))
    canonical = plane if scale_x == scale_y == 1.0 else _rescale(plane, scale_x, scale_y, columns, rows)
    padded = np.pad(canonical, ((0, -rows % TILE), (0, -columns % TILE)))
    tiles = padded.reshape(padded.shape[0] // TILE, TILE, -1, TILE)
    folded: NDArray[np.float64] = tiles.sum(axis=(0, 2), dtype=np.float64)
    return folded


def _rescale(plane: Plane, scale_x: float, scale_y: float, columns: int, rows: int) -> Plane:
    shrink = max(scale_x, scale_y)
    smooth = cv2.GaussianBlur(plane, (0, 0), 0.4 * shrink) if shrink > 1.25 else plane
    to_picture = np.array([[scale_x, 0, scale_x / 2 - 0.5], [0, scale_y, scale_y / 2 - 0.5]])
    rescaled = cv2.warpAffine(
        smooth, to_picture, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return rescaled.astype(np.float32, copy=False)


def covers_enough(width: int, height: int, scale: float) -> bool:
    """False where a picture, seen at this scale, shows too little of a tile to say anything."""
    return width * height / scale**2 >= _MIN_COVER * TILE * TILE


def spectrum(folded: NDArray[np.float64], *, is_mirrored: bool) -> Spectrum:
    """The spectrum of a folded picture, or of its left-right mirror image."""
    used = band()
    full = np.fft.fft2(folded)
    power = np.fft.fftshift(np.abs(full) ** 2)
    noise = np.fft.ifftshift(cv2.blur(power, (_NOISE_BOX, _NOISE_BOX)))
    columns = -used.kx if is_mirrored else used.kx
    values = full[used.ky, columns]
    # A plain black picture has no power at all; any positive floor keeps 0/0 out.
    around = np.maximum(noise[used.ky, columns], 1e-12)
    whitened = values / np.sqrt(around)
    size = np.abs(whitened)
    whitened *= np.minimum(1.0, _SPECTRUM_LIMIT / np.maximum(size, _SPECTRUM_LIMIT))
    return Spectrum(values, around, whitened)


def find_pilot(seen: Spectrum, secret: Carriers) -> PilotPeak:
    """The shift at which the pilot correlates best, over all TILE x TILE shifts.

    For a picture without this key's mark P(z > t) <= TILE^2 exp(-t^2 / 2), whatever the picture: the pilot's
    angles are uniform and independent of it, and E exp(l cos a) = I0(l) <= exp(l^2 / 4).
    """
    used = band()
    product = np.zeros((TILE, TILE), dtype=np.complex128)
    product[used.ky, used.kx] = seen.whitened * secret.pilot.conj()
    deviation = float(np.sqrt(np.sum(np.abs(seen.whitened) ** 2) / 2))
    if deviation == 0.0:
        return PilotPeak(0.0, (0, 0))
    response = np.fft.ifft2(product).real
    peak = int(np.argmax(response))
    return PilotPeak(float(response.flat[peak]) * TILE**2 / deviation, divmod(peak, TILE))
