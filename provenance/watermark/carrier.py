"""The keyed pattern of one tile: the pilot on all frequencies of its band, and which of them carry which code bit."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits
from provenance.watermark.polar import CODE_BITS
from provenance.watermark.profiles import CLEAN, Profile

TILE = 125  # pixels; odd, and prime to 8, so that the blocks of a codec do not fold onto each other
PILOT_SHARE = 0.2  # of the power
VARIANTS = 8
SEGMENT_S = 2.0
_MIN_RADIUS = 2.5
_MAX_RADIUS_SQUARED = (
    740  # 0.218 cycles per pixel; whole circles, so that turning a tile maps the band onto itself
)
CARRIERS_PER_BIT = 9
# Cycles per pixel. A flat weight finds a whole mark 12 % better, but every strong compression and reduction takes fine
# detail first: at CRF 40 this finds the pilot 37 % better, and in one JPEG frame of half size 20 % (means of 12 clips).
_PILOT_CORNER = 0.16

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """The frequencies in use, each standing for itself and its negative, by radius.

    ky, kx: (BINS,) cycles per tile, kx >= 0. message: (1152,) positions of those that carry code bits.
    radius: (BINS,) cycles per tile. pilot_weight: (BINS,) how much each counts when a pilot is looked for.
    """

    ky: NDArray[np.intp]
    kx: NDArray[np.intp]
    message: NDArray[np.intp]
    radius: Floats
    pilot_weight: Floats


@cache
def band() -> Band:
    """All frequencies of radius 2.5 to 27.2, ordered by (radius, ky, kx)."""
    half = TILE // 2
    ky, kx = np.mgrid[-half : half + 1, 0 : half + 1]
    squared = ky**2 + kx**2
    usable = ((kx > 0) | (ky > 0)) & (squared >= _MIN_RADIUS**2) & (squared <= _MAX_RADIUS_SQUARED)
    ky, kx = ky[usable], kx[usable]
    order = np.lexsort((kx, ky, ky**2 + kx**2))
    ky, kx = ky[order], kx[order]
    message = np.arange(CODE_BITS * CARRIERS_PER_BIT // 2)
    radius = np.hypot(ky, kx)
    return Band(ky, kx, message, radius, np.exp(-((radius / TILE / _PILOT_CORNER) ** 2)))


@dataclass(frozen=True)
class Carriers:
    """A key's secrets in the frequency domain.

    pilot: (BINS,) unit phasors. bit_of, sign: (VARIANTS, 2304) code bit and sign of the real part of the i-th
    message frequency at 2i and of its imaginary part at 2i+1. by_bit: (VARIANTS, 2304) the carriers in the order of
    their code bits, 9 for each.
    """

    pilot: Complex
    bit_of: NDArray[np.intp]
    sign: Floats
    by_bit: NDArray[np.intp]


@lru_cache(maxsize=256)
def carriers(key: WatermarkKey) -> Carriers:
    """Derives the secrets; in every variant each code bit gets one carrier in each of 9 bands of radius."""
    turns: Floats = key.stream("sync", len(band().ky)) / 2.0**64
    shape = (VARIANTS, CARRIERS_PER_BIT, CODE_BITS)
    draws = key.stream("spread", 2 * int(np.prod(shape)))
    order, coins = draws[: len(draws) // 2].reshape(shape), draws[len(draws) // 2 :]
    bit_of = np.argsort(order, axis=2, kind="stable").reshape(VARIANTS, -1)
    sign = 1.0 - 2.0 * (coins & np.uint64(1)).astype(np.float64).reshape(VARIANTS, -1)
    by_bit = np.argsort(bit_of, axis=1, kind="stable")
    return Carriers(np.exp(2j * np.pi * turns), bit_of, sign, by_bit)


def message_spectrum(key: WatermarkKey, payload: Payload, variant: int) -> Complex:
    """(BINS,) unit phasors of the message frequencies, 0 elsewhere."""
    secret, used = carriers(key), band()
    signs = secret.sign[variant] * (1.0 - 2.0 * code_bits(key, payload)[secret.bit_of[variant]])
    spectrum = np.zeros(len(used.ky), dtype=np.complex128)
    spectrum[used.message] = (signs[0::2] + 1j * signs[1::2]) / np.sqrt(2)
    return spectrum


def mark_spectrum(key: WatermarkKey, payload: Payload, variant: int) -> Complex:
    """(BINS,) what a marked picture holds: pilot and message, power 1 on average."""
    data = message_spectrum(key, payload, variant)
    mark: Complex = np.sqrt(PILOT_SHARE) * carriers(key).pilot + np.sqrt(1 - PILOT_SHARE) * data
    return mark


def tile(
    key: WatermarkKey, payload: Payload, variant: int = 0, profile: Profile = CLEAN
) -> NDArray[np.float32]:
    """The (TILE, TILE) pattern to repeat over a picture: mean 0, standard deviation about 1."""
    return _pattern(mark_spectrum(key, payload, variant), profile)


def _pattern(values: Complex, profile: Profile) -> NDArray[np.float32]:
    weights = profile.weight(band().radius / TILE)
    weights = weights / np.sqrt(np.mean(weights**2))
    deviation = np.sqrt(2 * len(weights)) / TILE**2
    waves = np.fft.irfft2(half_spectrum(values * weights), s=(TILE, TILE))
    pattern: NDArray[np.float32] = (waves / deviation).astype(np.float32)
    return pattern


def half_spectrum(values: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    """(..., BINS) values in their places in the (..., TILE, TILE // 2 + 1) spectrum of a real picture, else 0."""
    used = band()
    full = np.zeros((*values.shape[:-1], TILE, TILE // 2 + 1), values.dtype)
    full[..., used.ky, used.kx] = values
    # On this axis a frequency and its negative are both stored.
    on_axis = used.kx == 0
    full[..., -used.ky[on_axis], 0] = values[..., on_axis].conj()
    return full


@cache
def variant_order() -> tuple[int, ...]:
    """The variants of successive segments, 56 in all before they repeat.

    Every ordered pair of different variants is neighbours exactly once (an Eulerian circuit of the complete
    directed graph, by Hierholzer), so that two neighbouring segments tell where they lie.
    """
    unused = {node: [(node + step) % VARIANTS for step in range(1, VARIANTS)] for node in range(VARIANTS)}
    stack, circuit = [0], []
    while stack:
        ways = unused[stack[-1]]
        if ways:
            stack.append(ways.pop(0))
        else:
            circuit.append(stack.pop())
    return tuple(reversed(circuit))[:-1]


def variant_at(time_s: float) -> int:
    """The variant shown at a time of the take."""
    order = variant_order()
    return order[int(time_s / SEGMENT_S + 1e-9) % len(order)]


def canonical_scale(width: int, height: int) -> float:
    """Picture pixels per tile pixel when embedding: 1 up to a short side of 720, proportional above."""
    return max(1.0, min(width, height) / 720)
