"""Hashes to search for and among, and the plain comparison that every engine is held against."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index import Hits

Hashes = NDArray[np.uint8]


def random_hashes(rng: np.random.Generator, count: int) -> Hashes:
    return rng.integers(0, 256, (count, 32), np.uint8)


def clustered_hashes(rng: np.random.Generator, count: int, *, frames: int = 20) -> Hashes:
    """Frames of shots: each shot's hash with 3 % of the bits flipped."""
    shots = random_hashes(rng, -(-count // frames))
    flips = np.packbits(rng.random((count, 256)) < 0.03, axis=1)
    return np.repeat(shots, frames, axis=0)[:count] ^ flips


def flipped(stored: NDArray[np.uint8], positions: Sequence[int]) -> NDArray[np.uint8]:
    """One hash, (32,), with these bits turned over, the most significant being 0."""
    bits = np.unpackbits(stored)
    bits[list(positions)] ^= 1
    return np.packbits(bits)


def spread_over(
    stored: NDArray[np.uint8],
    chunks: Sequence[Sequence[int]],
    counts: Sequence[int],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """One hash with as many flips in each chunk, a list of bits, as `counts` says."""
    positions = [
        int(bit) for bits, count in zip(chunks, counts, strict=True) for bit in rng.permutation(bits)[:count]
    ]
    return flipped(stored, positions)


def compared(rows: NDArray[np.int64], hashes: Hashes, asked: Hashes, radius: int) -> Hits:
    """What a search must answer, by comparing everything with numpy."""
    parts = []
    for query, one in enumerate(asked):
        distance = np.bitwise_count(hashes ^ one).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(distance <= radius)
        parts += [(query, int(rows[at]), int(distance[at])) for at in near]
    parts.sort(key=lambda part: (part[0], part[2], part[1]))
    query, row, distance = zip(*parts, strict=True) if parts else ((), (), ())
    return Hits(np.array(query, np.int32), np.array(row, np.int64), np.array(distance, np.uint8))


def assert_same(found: Hits, expected: Hits) -> None:
    assert (found.query.dtype, found.row.dtype, found.distance.dtype) == (np.int32, np.int64, np.uint8)
    np.testing.assert_array_equal(found.query, expected.query)
    np.testing.assert_array_equal(found.row, expected.row)
    np.testing.assert_array_equal(found.distance, expected.distance)
