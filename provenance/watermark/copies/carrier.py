"""The keyed pattern that a copy's letters are painted with, beside the mark and without disturbing it.

Its frequencies are odd multiples of half the mark's own in both directions: the pattern changes sign from one
tile of the mark to the next and cancels where tiles are summed up, as the mark cancels here.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import TILE
from provenance.watermark.keys import WatermarkKey

PERIOD = 2 * TILE
# Cycles per period: 0.024 to 0.12 cycles per pixel, which is what a small or poor copy keeps longest.
_MIN_RADIUS, _MAX_RADIUS = 6.0, 30.0
_CORNER_RADIUS = 25.0


@dataclass(frozen=True)
class LetterBand:
    """The frequencies in use, by radius. ky, kx: (BINS,) odd, in cycles per period, kx > 0. weight: (BINS,)
    amplitude, exp(-(radius / 25)^2)."""

    ky: NDArray[np.intp]
    kx: NDArray[np.intp]
    weight: NDArray[np.float64]


@cache
def letter_band() -> LetterBand:
    """All pairs of odd numbers of radius 6 to 30, ordered by (radius, ky, kx)."""
    limit = int(_MAX_RADIUS)
    ky, kx = np.mgrid[-limit : limit + 1, 1 : limit + 1]
    radius = np.hypot(ky, kx)
    usable = (ky % 2 == 1) & (kx % 2 == 1) & (radius >= _MIN_RADIUS) & (radius <= _MAX_RADIUS)
    ky, kx, radius = ky[usable], kx[usable], radius[usable]
    order = np.lexsort((kx, ky, radius))
    return LetterBand(ky[order], kx[order], np.exp(-((radius[order] / _CORNER_RADIUS) ** 2)))


@lru_cache(maxsize=64)
def letter_phasors(key: WatermarkKey) -> NDArray[np.complex128]:
    """(BINS,) unit phasors, uniform and known to the key holder alone."""
    turns = key.stream("copies", len(letter_band().ky)) / 2.0**64
    phasors: NDArray[np.complex128] = np.exp(2j * np.pi * turns)
    return phasors


def letter_pattern(key: WatermarkKey) -> NDArray[np.float32]:
    """The (PERIOD, PERIOD) pattern to repeat over a picture for the letter A: mean 0, standard deviation 1."""
    used = letter_band()
    spectrum = np.zeros((PERIOD, PERIOD // 2 + 1), dtype=np.complex128)
    spectrum[used.ky, used.kx] = used.weight * letter_phasors(key)
    pattern = np.fft.irfft2(spectrum, s=(PERIOD, PERIOD))
    unit: NDArray[np.float32] = (pattern / pattern.std()).astype(np.float32)
    return unit
