"""Hashes in memory, searched by comparing every one: for few of them, and the yardstick of the other engines."""

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index import kernels
from provenance.fingerprint.index.contract import Hits, require_hashes, require_question
from provenance.fingerprint.index.words import TABLES, WORDS

_EXPECTED_HITS = 4096


def words_of(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n, 4) words of (n, 32) uint8 hashes, bits in the frozen order. Raises FingerprintInvalid."""
    require_hashes(hashes)
    words = np.empty((len(hashes), WORDS), np.uint64)
    kernels.to_words(np.ascontiguousarray(hashes), TABLES, words)
    return words


def scanned(
    words: NDArray[np.uint64], rows: NDArray[np.int64], asked: NDArray[np.uint64], radius: int
) -> Hits:
    """All pairs of `asked`, (q, 4), and `words`, (n, 4), within `radius`; `rows`, (n,), identifies the latter."""
    room = _EXPECTED_HITS
    while True:
        queries, positions = np.empty(room, np.int32), np.empty(room, np.int64)
        distances = np.empty(room, np.uint8)
        if len(asked) == 1:
            found = kernels.scan_for_one(words, asked[0], radius, queries, positions, distances)
        else:
            found = kernels.scan_for_many(words, asked, radius, queries, positions, distances)
        if found <= room:
            return Hits.of(queries[:found], rows[positions[:found]], distances[:found])
        room = found


class LinearIndex:
    """An index over rows (n,) int64, none twice, and their hashes (n, 32) uint8, both copied."""

    def __init__(self, rows: NDArray[np.int64], hashes: NDArray[np.uint8]) -> None:
        self._words = words_of(hashes)
        self._rows = np.array(rows, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        return scanned(self._words, self._rows, words_of(hashes), radius)
