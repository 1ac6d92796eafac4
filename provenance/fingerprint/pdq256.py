"""Computes PDQ-256, Meta's hash of a picture, from RGB or luma, and that of its mirror image.

After pdq/cpp of github.com/facebook/ThreatExchange: luma 0.299 R + 0.587 G + 0.114 B, two passes of a box filter along
rows and columns, every 64th of the result in either direction, 16 x 16 coefficients of its cosine transform, one bit
for each above their median; the quality counts gradients. Filter and decimation are one linear map of rows and one of
columns here, worked out once per size of picture; a 720p frame takes a tenth of a millisecond. Sums are rounded in
another order than theirs, which on rare frames turns a bit.
"""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.compiled import kernel
from provenance.errors import PictureShape
from provenance.fingerprint.borders import Box
from provenance.fingerprint.contents import PDQ_BYTES

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_SIDE = 64
_KEPT = 16
_MIN_PIXELS = 5
_FLAT = 0.01  # of 255: what is left of an even picture are rounding errors, whose signs are no hash
_LUMA = np.array([0.299, 0.587, 0.114])
_FREQUENCIES = np.arange(1, _KEPT + 1)
_DCT = (
    np.sqrt(2 / _SIDE) * np.cos(np.pi / (2 * _SIDE) * np.outer(_FREQUENCIES, 2 * np.arange(_SIDE) + 1))
).astype(np.float32)
TURNS = ("original", "rot90", "rot180", "rot270", "mirrored", "upside_down", "transposed", "antitransposed")


@dataclass(frozen=True)
class Pdq:
    """The hash of a picture and of its left-right mirror image, no bit set for an even one; PDQ's quality, 0 to 100.

    small: (64, 64) float32, the luma of the picture after filter and decimation, 0 to 255.
    """

    packed: bytes
    mirrored: bytes
    quality: int
    small: Floats = field(repr=False, compare=False)


class _Map(NamedTuple):
    """A banded matrix of 64 rows: where each row's weights begin, how many there are, and the weights, padded."""

    starts: Ints
    counts: Ints
    weights: Floats


def hash_picture(picture: NDArray[np.uint8], box: Box | None = None) -> Pdq:
    """PDQ of (H, W, 3) uint8 RGB or (H, W) uint8 luma, or of the part of it in `box`. Raises PictureShape.

    A side of less than 5 pixels gives the hash without bits, at quality 0, as the authors' does.
    """
    coefficients, quality, small = _transform(picture, box)
    if coefficients is None:
        return Pdq(bytes(PDQ_BYTES), bytes(PDQ_BYTES), 0, small)
    packed, mirrored = _packed(coefficients)
    return Pdq(packed, mirrored, quality, small)


def hash_turned(picture: NDArray[np.uint8], box: Box | None = None) -> dict[str, bytes]:
    """The hashes of all eight turns of a picture by their name in TURNS, from one transform. Raises PictureShape.

    rot90 is a quarter turn counterclockwise. Except for "original" and "mirrored" they are a few bits off what hashing
    the turned picture would give, because the filter is not quite symmetric.
    """
    coefficients, _, _ = _transform(picture, box)
    if coefficients is None:
        return dict.fromkeys(TURNS, bytes(PDQ_BYTES))
    plain, mirrored = coefficients
    # Frequency k changes its sign by (-1)^k under reflection; the kept ones are numbered from 1.
    rows = np.where(_FREQUENCIES % 2, -1, 1).astype(np.float32)[:, None]
    turned = np.stack(
        [
            plain,
            mirrored.T,
            mirrored * rows,
            (plain * rows).T,
            mirrored,
            plain * rows,
            plain.T,
            (mirrored * rows).T,
        ]
    )
    return dict(zip(TURNS, _packed(turned), strict=True))


def _transform(picture: NDArray[np.uint8], box: Box | None) -> tuple[Floats | None, int, Floats]:
    """The (2, 16, 16) coefficients of a picture and its mirror image, None for an even one; quality, small luma."""
    if (
        picture.dtype != np.uint8
        or picture.ndim not in (2, 3)
        or picture.shape[2:] not in ((), (3,))
        or not picture.size
    ):
        raise PictureShape(
            f"An array of shape {picture.shape} and type {picture.dtype} is not a picture.",
            "It must be uint8 (H, W, 3) or (H, W).",
        )
    height, width = picture.shape[:2]
    box = box or Box(0, height, 0, width)
    rows, columns = box.bottom - box.top, box.right - box.left
    if rows < _MIN_PIXELS or columns < _MIN_PIXELS:
        return None, 0, np.full((_SIDE, _SIDE), picture.mean(), np.float32)
    channels = 1 if picture.ndim == 2 else 3
    lines = np.ascontiguousarray(picture).reshape(height, width * channels)
    coefficients = np.empty((2, _KEPT, _KEPT), np.float32)
    small = np.empty((2, _SIDE, _SIDE), np.float32)
    gradients, contrast = _coefficients(
        lines,
        box.top,
        box.left * channels,
        columns * channels,
        *_map_of(rows),
        *_interleaved(columns, channels, False),
        *_interleaved(columns, channels, True),
        _DCT,
        small,
        coefficients,
    )
    if contrast < _FLAT:
        return None, 0, small[0]
    return coefficients, min(100, gradients // 90), small[0]


def _packed(coefficients: Floats) -> list[bytes]:
    """The hash of each of (n, 16, 16) coefficients: the highest frequencies first, as the authors print them."""
    flat = coefficients.reshape(len(coefficients), -1)[:, ::-1]
    lower_half = flat.shape[1] // 2
    median = np.partition(flat, lower_half - 1, axis=1)[:, lower_half - 1, None]
    return [row.tobytes() for row in np.packbits(flat > median, axis=1)]


@functools.lru_cache(maxsize=256)
def _map_of(length: int) -> _Map:
    """Box filter twice and decimation, as one map from `length` pixels to 64."""
    window = (length + 2 * _SIDE - 1) // (2 * _SIDE)
    ahead = (window + 2) // 2
    centres = ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(int)
    rows = []
    for centre in centres:
        weights = np.zeros(length)
        outer = range(max(0, centre - window + ahead), min(length, centre + ahead))
        for at in outer:
            inner = slice(max(0, at - window + ahead), min(length, at + ahead))
            weights[inner] += 1 / (len(outer) * (inner.stop - inner.start))
        rows.append(weights)
    return _banded(np.array(rows))


@functools.lru_cache(maxsize=256)
def _interleaved(length: int, channels: int, is_mirrored: bool) -> _Map:
    """The map of columns for lines of `length` pixels, on whose interleaved colours it also forms the luma."""
    plain = _map_of(length)
    if is_mirrored:
        first = length - plain.starts - plain.counts
        weights = np.zeros_like(plain.weights)
        for row, count in enumerate(plain.counts):
            weights[row, :count] = plain.weights[row, :count][::-1]
        plain = _Map(first, plain.counts, weights)
    colours = _LUMA if channels == 3 else np.ones(1)
    weights = (plain.weights[:, :, None] * colours.astype(np.float32)).reshape(_SIDE, -1)
    return _Map(plain.starts * channels, plain.counts * channels, weights)


def _banded(matrix: NDArray[np.float64]) -> _Map:
    first = np.array([np.flatnonzero(row)[0] for row in matrix], np.int32)
    last = np.array([np.flatnonzero(row)[-1] + 1 for row in matrix], np.int32)
    weights = np.zeros((_SIDE, int((last - first).max())), np.float32)
    for row, (start, stop) in enumerate(zip(first, last, strict=True)):
        weights[row, : stop - start] = matrix[row, start:stop]
    return _Map(first, last - first, weights)


# Slices instead of offsets tell the compiler that no index is negative; only then does it vectorise.
@kernel(
    "const uint8[2]",
    *("int64", "int64", "int64"),
    *("const int32[1]", "const int32[1]", "const float32[2]") * 3,
    "const float32[2]",
    *("float32[3]", "float32[3]"),
    fast=True,
)
def _coefficients(  # type: ignore[no-untyped-def]
    lines, top, left, values, row_first, row_count, row_weights, first, count, weights,
    mirror_first, mirror_count, mirror_weights, dct, small, out,
):  # fmt: skip
    """Writes small luma and coefficients of the picture and its mirror image; returns sum of gradients and contrast."""
    total = np.empty(values, np.float32)
    for i in range(64):
        start = top + row_first[i]
        total[:] = np.float32(0)
        number = 0
        while number + 3 < row_count[i]:
            line0 = lines[start + number, left : left + values]
            line1 = lines[start + number + 1, left : left + values]
            line2 = lines[start + number + 2, left : left + values]
            line3 = lines[start + number + 3, left : left + values]
            weight0, weight1 = row_weights[i, number], row_weights[i, number + 1]
            weight2, weight3 = row_weights[i, number + 2], row_weights[i, number + 3]
            for x in range(values):
                total[x] += (
                    weight0 * np.float32(line0[x])
                    + weight1 * np.float32(line1[x])
                    + weight2 * np.float32(line2[x])
                    + weight3 * np.float32(line3[x])
                )
            number += 4
        while number < row_count[i]:
            line0 = lines[start + number, left : left + values]
            weight0 = row_weights[i, number]
            for x in range(values):
                total[x] += weight0 * np.float32(line0[x])
            number += 1
        for j in range(64):
            part, factors = total[first[j] : first[j] + count[j]], weights[j, : count[j]]
            value = np.float32(0)
            for x in range(count[j]):
                value += part[x] * factors[x]
            small[0, i, j] = value
            part = total[mirror_first[j] : mirror_first[j] + mirror_count[j]]
            factors = mirror_weights[j, : mirror_count[j]]
            value = np.float32(0)
            for x in range(mirror_count[j]):
                value += part[x] * factors[x]
            small[1, i, j] = value
    gradients = 0
    low = high = small[0, 0, 0]
    for i in range(64):
        for j in range(64):
            here = small[0, i, j]
            low, high = min(low, here), max(high, here)
            if i < 63:
                gradients += abs(int((here - small[0, i + 1, j]) * np.float32(100) / np.float32(255)))
            if j < 63:
                gradients += abs(int((here - small[0, i, j + 1]) * np.float32(100) / np.float32(255)))
    halfway = np.empty((16, 64), np.float32)
    for side in range(2):
        for i in range(16):
            halfway[i, :] = np.float32(0)
            for k in range(64):
                factor, line = dct[i, k], small[side, k]
                for j in range(64):
                    halfway[i, j] += factor * line[j]
        for i in range(16):
            line = halfway[i]
            for j in range(16):
                factors = dct[j]
                value = np.float32(0)
                for k in range(64):
                    value += line[k] * factors[k]
                out[side, i, j] = value
    return gradients, high - low
