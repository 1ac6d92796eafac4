"""The hashes that the search benchmark searches, the questions it asks, and what a right answer is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pairs = list[tuple[int, int]]
FRAMES_PER_SHOT = 20
FLIPS_WITHIN_SHOT = 0.03
RADIUS = 31
_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class Ready:
    """An engine with the hashes in it.

    ask: all questions -> (query, row) pairs within radius 31. index_bytes: what it keeps to search, the hashes
    included where it needs its own copy. build_s: seconds to build that. notes: figures worth a sentence.
    """

    ask: Callable[[NDArray[np.uint8]], Pairs]
    index_bytes: int
    build_s: float
    notes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """hashes: (n, 32) uint8, mapped from a file. asked: (q, 32) uint8. pairs: the true (query, row) pairs."""

    hashes: NDArray[np.uint8]
    asked: NDArray[np.uint8]
    pairs: frozenset[tuple[int, int]]


def make(folder: Path, rows: int, queries: int) -> None:
    """Writes the material for `rows` hashes: shots of 20 frames that differ from the shot in 3 % of the bits.

    A question is a stored hash with 0 to 31 bits flipped. The answers are found by comparing everything with numpy.
    """
    rng = np.random.default_rng(rows)
    hashes = np.lib.format.open_memmap(folder / "hashes.npy", "w+", np.uint8, (rows, 32))
    for start in range(0, rows, 100_000):
        count = min(100_000, rows - start)
        shots = rng.integers(0, 256, (-(-count // FRAMES_PER_SHOT), 32), np.uint8)
        flips = np.packbits(rng.random((count, 256), np.float32) < FLIPS_WITHIN_SHOT, axis=1)
        hashes[start : start + count] = np.repeat(shots, FRAMES_PER_SHOT, axis=0)[:count] ^ flips
    hashes.flush()
    turned = np.zeros((queries, 256), np.uint8)
    for query in range(queries):
        turned[query, rng.permutation(256)[: rng.integers(0, RADIUS + 1)]] = 1
    asked = hashes[rng.integers(0, rows, queries)] ^ np.packbits(turned, axis=1)
    np.save(folder / "asked.npy", asked)
    columns = column_wise(hashes)
    pairs = [(query, int(row)) for query, one in enumerate(asked) for row in compared(columns, one, RADIUS)]
    np.save(folder / "pairs.npy", np.array(pairs, np.int64))


def load(folder: Path) -> Material:
    """What `make` has written."""
    return Material(
        np.load(folder / "hashes.npy", mmap_mode="r"),
        np.load(folder / "asked.npy"),
        frozenset(map(tuple, np.load(folder / "pairs.npy").tolist())),
    )


def pairs_of(query: Any, row: Any) -> Pairs:
    """Two arrays as pairs of Python numbers."""
    return list(zip(np.asarray(query).tolist(), np.asarray(row).tolist(), strict=True))


def column_wise(hashes: NDArray[np.uint8]) -> list[NDArray[np.uint64]]:
    """The hashes as four arrays of words, the form in which numpy compares them fastest."""
    return [np.ascontiguousarray(column) for column in hashes.view(np.uint64).reshape(-1, 4).T]


def compared(columns: list[NDArray[np.uint64]], one: NDArray[np.uint8], radius: int) -> NDArray[np.intp]:
    """Rows within `radius` of one hash, by numpy alone, in parts that stay in the cache."""
    words = one.view(np.uint64)
    near = []
    for start in range(0, len(columns[0]), _AT_ONCE):
        distance = np.zeros(min(_AT_ONCE, len(columns[0]) - start), np.uint16)
        for column, word in zip(columns, words, strict=True):
            distance += np.bitwise_count(column[start : start + _AT_ONCE] ^ word)
        near.append(np.flatnonzero(distance <= radius) + start)
    return np.concatenate(near)
