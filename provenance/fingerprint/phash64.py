"""Computes exactly the 64-bit perceptual hash that `imagehash.phash` gives for an RGB picture, several times as fast.

imagehash lets Pillow turn the picture grey and shrink it to 32 x 32 by Lanczos, takes a cosine transform, and sets one
bit for each of the 8 x 8 lowest frequencies above their median. Pillow's arithmetic (libImaging/Convert.c and
Resample.c) is whole numbers: luma in 16 fractional bits, weights in 22, rounded to a byte after the horizontal and
again after the vertical pass. It is repeated here operation by operation, so that no bit can differ.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import scipy.fftpack
from numpy.typing import NDArray

from provenance.compiled import kernel
from provenance.media.picture import require_rgb

_SIDE = 32
_KEPT = 8
_LOBES = 3.0
_WEIGHT_BITS = 22


class _Weights(NamedTuple):
    """For each of 32 outputs: the first input, how many there are, and their weights in units of 2^-22, padded."""

    starts: NDArray[np.int32]
    counts: NDArray[np.int32]
    weights: NDArray[np.int32]


def phash(rgb: NDArray[np.uint8]) -> bytes:
    """`imagehash.phash` of (H, W, 3) uint8 RGB: 8 bytes whose hex is the text imagehash prints. Raises PictureShape."""
    require_rgb(rgb)
    # The same calls as imagehash's: another order of additions could put a coefficient across the median.
    transformed = scipy.fftpack.dct(scipy.fftpack.dct(shrunk(rgb), axis=0), axis=1)[:_KEPT, :_KEPT]
    return np.packbits(transformed > np.median(transformed)).tobytes()


def shrunk(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(32, 32) uint8: what Pillow's `convert("L").resize((32, 32), LANCZOS)` makes of (H, W, 3) uint8 RGB."""
    height, width = rgb.shape[:2]
    out = np.empty((_SIDE, _SIDE), np.uint8)
    _shrink(np.ascontiguousarray(rgb).reshape(height, width * 3), *_weights(width), *_weights(height), out)
    return out


@functools.lru_cache(maxsize=256)
def _weights(length: int) -> _Weights:
    """Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`; at 32 the identity, as Pillow then skips the pass."""
    if length == _SIDE:
        return _Weights(
            np.arange(_SIDE, dtype=np.int32),
            np.ones(_SIDE, np.int32),
            np.full((_SIDE, 1), 1 << _WEIGHT_BITS, np.int32),
        )
    support = math.ceil(_LOBES * max(length / _SIDE, 1.0)) * 2 + 1
    made = _Weights(
        np.zeros(_SIDE, np.int32), np.zeros(_SIDE, np.int32), np.zeros((_SIDE, support), np.int32)
    )
    _weigh(length, *made)
    return made


# The same operations on the same doubles as in C; the library's sine is the same function too.
@kernel("int64", "int32[1]", "int32[1]", "int32[2]")
def _weigh(length, first, count, weights):  # type: ignore[no-untyped-def]
    scale = length / 32
    filter_scale = max(scale, 1.0)
    support = 3.0 * filter_scale
    step = 1.0 / filter_scale
    values = np.zeros(weights.shape[1])
    for output in range(32):
        centre = (output + 0.5) * scale
        start = max(0, int(centre - support + 0.5))
        stop = min(length, int(centre + support + 0.5))
        total = 0.0
        for number in range(stop - start):
            x = (number + start - centre + 0.5) * step
            value = 0.0
            if x == 0.0:
                value = 1.0
            elif -3.0 <= x < 3.0:
                wide, narrow = x * math.pi, x / 3 * math.pi
                value = math.sin(wide) / wide * (math.sin(narrow) / narrow)
            values[number] = value
            total += value
        first[output], count[output] = start, stop - start
        for number in range(stop - start):
            exact = (values[number] / total if total != 0.0 else values[number]) * (1 << 22)
            weights[output, number] = int(exact - 0.5) if exact < 0 else int(exact + 0.5)


# Slices instead of offsets tell the compiler that no index is negative; only then does it vectorise. The casts keep
# sums in 32 bits, where numba would widen them.
@kernel("const uint8[2]", *("const int32[1]", "const int32[1]", "const int32[2]") * 2, "uint8[2]")
def _shrink(  # type: ignore[no-untyped-def]
    lines, first, count, weights, row_first, row_count, row_weights, out
):
    """Grey, then both passes; four lines at a time, so that weights are loaded once for them."""
    height, width = lines.shape[0], lines.shape[1] // 3
    grey = np.zeros((4, width), np.uint8)
    narrow = np.empty((height, 32), np.uint8)
    for top in range(0, height, 4):
        present = min(4, height - top)
        for number in range(present):
            line, target = lines[top + number], grey[number]
            for x in range(width):
                target[x] = np.int32(
                    np.int32(line[3 * x] * np.int32(19595))
                    + np.int32(line[3 * x + 1] * np.int32(38470))
                    + np.int32(line[3 * x + 2] * np.int32(7471))
                    + np.int32(0x8000)
                ) >> np.int32(16)
        for output in range(32):
            start, stop = first[output], first[output] + count[output]
            grey0, grey1, grey2, grey3 = (
                grey[0, start:stop],
                grey[1, start:stop],
                grey[2, start:stop],
                grey[3, start:stop],
            )
            factors = weights[output, : stop - start]
            sum0 = sum1 = sum2 = sum3 = np.int32(1 << 21)
            for x in range(stop - start):
                factor = factors[x]
                sum0 = np.int32(sum0 + np.int32(grey0[x]) * factor)
                sum1 = np.int32(sum1 + np.int32(grey1[x]) * factor)
                sum2 = np.int32(sum2 + np.int32(grey2[x]) * factor)
                sum3 = np.int32(sum3 + np.int32(grey3[x]) * factor)
            sums = (sum0, sum1, sum2, sum3)
            for number in range(present):
                narrow[top + number, output] = min(max(sums[number] >> np.int32(22), 0), 255)
    for output in range(32):
        start = row_first[output]
        for x in range(32):
            total = np.int32(1 << 21)
            for number in range(row_count[output]):
                total = np.int32(total + np.int32(narrow[start + number, x]) * row_weights[output, number])
            out[output, x] = min(max(total >> np.int32(22), 0), 255)
