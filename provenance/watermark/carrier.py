"""The keyed pattern of one tile: which frequencies carry the pilot and which carry which code bit."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import Payload, WatermarkKey, message_bits
from provenance.watermark.polar import CODE_BITS, encode

TILE = 125  # pixels; odd, and prime to 8, so that the blocks of a codec do not fold onto each other
BINS = 1024  # frequencies used: 0.02 to 0.205 cycles per pixel
PILOT_SHARE = 0.25  # of the power
_MIN_RADIUS = 2.5
_STRATA = 2 * BINS // CODE_BITS


@dataclass(frozen=True)
class Band:
    """The frequencies of the upper half plane in use, by radius: ky, kx (BINS,) in cycles per tile."""

    ky: NDArray[np.intp]
    kx: NDArray[np.intp]

    @property
    def radius(self) -> NDArray[np.float64]:
        """(BINS,) cycles per tile."""
        return np.hypot(self.ky, self.kx)


@cache
def band() -> Band:
    """The BINS lowest frequencies from radius 2.5 on, ordered by (radius, ky, kx)."""
    half = TILE // 2
    ky, kx = np.mgrid[0 : half + 1, -half : half + 1]
    usable = ((ky > 0) | (kx > 0)) & (ky**2 + kx**2 >= _MIN_RADIUS**2)
    ky, kx = ky[usable], kx[usable]
    order = np.lexsort((kx, ky, ky**2 + kx**2))[:BINS]
    return Band(ky[order], kx[order])


@dataclass(frozen=True)
class Carriers:
    """A key's secrets in the frequency domain.

    pilot: (BINS,) unit phasors. bit_of: (2 BINS,) code bit of the real part of bin k at 2k and of its
    imaginary part at 2k+1. sign: (2 BINS,) +1 or -1.
    """

    pilot: NDArray[np.complex128]
    bit_of: NDArray[np.intp]
    sign: NDArray[np.float64]


@lru_cache(maxsize=64)
def carriers(key: WatermarkKey) -> Carriers:
    """Derives pilot and assignment of code bits; every bit gets one carrier in each radial stratum."""
    angles = key.stream("sync", BINS) / 2.0**64 * (2 * np.pi)
    draws = key.stream("spread", 4 * BINS)
    order, coins = draws[: 2 * BINS].reshape(_STRATA, CODE_BITS), draws[2 * BINS :]
    bit_of = np.argsort(order, axis=1, kind="stable").reshape(-1)
    return Carriers(np.exp(1j * angles), bit_of, 1.0 - 2.0 * (coins & np.uint64(1)).astype(np.float64))


def tile(key: WatermarkKey, payload: Payload) -> NDArray[np.float32]:
    """The (TILE, TILE) pattern to repeat over a picture: mean 0, standard deviation 1."""
    secret = carriers(key)
    signs = secret.sign * (1.0 - 2.0 * encode(message_bits(key, payload))[secret.bit_of])
    data = (signs[0::2] + 1j * signs[1::2]) / np.sqrt(2)
    spectrum = np.zeros((TILE, TILE), dtype=np.complex128)
    used = band()
    values = np.sqrt(PILOT_SHARE) * secret.pilot + np.sqrt(1 - PILOT_SHARE) * data
    spectrum[used.ky, used.kx] = values
    spectrum[-used.ky, -used.kx] = values.conj()
    pattern = np.fft.ifft2(spectrum).real
    unit: NDArray[np.float32] = (pattern / pattern.std()).astype(np.float32)
    return unit


def canonical_scale(width: int, height: int) -> float:
    """Picture pixels per tile pixel when embedding: 1 up to a short side of 720, proportional above."""
    return max(1.0, min(width, height) / 720)
