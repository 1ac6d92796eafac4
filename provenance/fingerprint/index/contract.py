"""What every engine of the search promises: all stored hashes within a radius, the same answer from each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid

HASH_BITS = 256
HASH_BYTES = 32
MAX_RADIUS = 255


@dataclass(frozen=True)
class Hits:
    """Pairs of an asked and a stored hash, sorted by (query, distance, row), none twice.

    query: (n,) int32, which of the asked hashes. row: (n,) int64, the stored one's identity. distance: (n,) uint8, in
    how many of the 256 bits they differ.
    """

    query: NDArray[np.int32]
    row: NDArray[np.int64]
    distance: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.query)

    @classmethod
    def none(cls) -> "Hits":
        """The answer that nothing was found."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.uint8))

    @classmethod
    def of(cls, query: NDArray[np.int32], row: NDArray[np.int64], distance: NDArray[np.uint8]) -> "Hits":
        """Hits in the promised order, from three arrays of equal length in any order."""
        order = np.lexsort((row, distance, query))
        return cls(query[order], row[order], distance[order])

    def only(self, keep: NDArray[np.bool_]) -> "Hits":
        """Those hits that `keep`, (n,) bool, marks; in the same order."""
        return Hits(self.query[keep], self.row[keep], self.distance[keep])


class FrameIndex(Protocol):
    """Stored 256-bit hashes that can be searched."""

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """Every stored hash within `radius` bits of the asked ones, (q, 32) uint8. Raises FingerprintInvalid."""
        ...


def merged(parts: Sequence[Hits]) -> Hits:
    """The hits of several indexes as one; a pair that several of them hold is kept once, at its least distance."""
    present = [part for part in parts if len(part)]
    if len(present) < 2:
        return present[0] if present else Hits.none()
    query = np.concatenate([part.query for part in present])
    row = np.concatenate([part.row for part in present])
    distance = np.concatenate([part.distance for part in present])
    order = np.lexsort((distance, row, query))
    query, row, distance = query[order], row[order], distance[order]
    is_new = np.ones(len(query), np.bool_)
    is_new[1:] = (query[1:] != query[:-1]) | (row[1:] != row[:-1])
    return Hits.of(query[is_new], row[is_new], distance[is_new])


def require_hashes(hashes: NDArray[np.uint8]) -> None:
    """Raises FingerprintInvalid unless `hashes` is (q, 32) uint8."""
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
        raise FingerprintInvalid(
            f"Hashes of shape {hashes.shape} and type {hashes.dtype} were given.",
            f"Give an array of shape (number, {HASH_BYTES}) and type uint8.",
        )


def require_question(hashes: NDArray[np.uint8], radius: int) -> None:
    """Raises FingerprintInvalid unless `hashes` and `radius` are such as `FrameIndex.search` takes."""
    require_hashes(hashes)
    if not 0 <= radius <= MAX_RADIUS:
        raise FingerprintInvalid(
            f"A search radius of {radius} bits was asked for.", f"It must be 0 to {MAX_RADIUS}."
        )
