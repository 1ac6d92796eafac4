"""Finds the hashes within a radius among rows that are listed by the values of their chunks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index import kernels
from provenance.fingerprint.index.contract import Hits
from provenance.fingerprint.index.layout import TOGETHER, Layout, masks_within, radii_for
from provenance.fingerprint.index.linear import scanned

# Asked together: their probes of one chunk, sorted, walk the offsets in one direction.
BATCH_PROBES = 1 << 16
_ROOM = 1 << 16


@dataclass(frozen=True)
class Listing:
    """Rows and where to find them.

    words: (n, 4) uint64. rows: (n,) int64. offsets, postings: per chunk as `kernels.post` writes them.
    """

    layout: Layout
    words: NDArray[np.uint64]
    rows: NDArray[np.int64]
    offsets: Sequence[NDArray[np.uint32]]
    postings: Sequence[NDArray[np.uint8]]


def looked_up(listing: Listing, asked: NDArray[np.uint64], radius: int) -> Hits:
    """All stored hashes within `radius` of `asked`, (q, 4)."""
    radii = radii_for(listing.layout, radius, len(listing.rows), min(len(asked), TOGETHER))
    if radii is None:
        return scanned(listing.words, listing.rows, asked, radius)
    most = max(len(masks_within(w, r)) for w, r in zip(listing.layout.widths, radii, strict=True) if r >= 0)
    step = max(1, BATCH_PROBES // most)
    search = _Search(listing, radius, radii)
    for start in range(0, len(asked), step):
        search.ask(asked[start : start + step], start)
    return search.hits()


class _Search:
    """One search's buffers and what it has found so far."""

    def __init__(self, listing: Listing, radius: int, radii: tuple[int, ...]) -> None:
        self._listing, self._radius, self._radii = listing, radius, radii
        self._starts = np.array(listing.layout.starts, np.int64)
        self._widths = np.array(listing.layout.widths, np.int64)
        self._reaches = np.array(radii, np.int64)
        self._queries, self._positions = np.empty(_ROOM, np.int32), np.empty(_ROOM, np.uint32)
        self._distances = np.empty(_ROOM, np.uint8)
        self._found: list[tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.uint8]]] = []

    def ask(self, asked: NDArray[np.uint64], first_query: int) -> None:
        layout = self._listing.layout
        for chunk, (start, width, reach) in enumerate(
            zip(layout.starts, layout.widths, self._radii, strict=True)
        ):
            if reach >= 0:
                masks = masks_within(width, reach)
                probes = np.empty(len(asked) * len(masks), np.uint64)
                kernels.probes_of(asked, start, width, masks, probes)
                probes.sort()
                self._look_up(chunk, asked, probes, first_query)

    def _look_up(
        self, chunk: int, asked: NDArray[np.uint64], probes: NDArray[np.uint64], first_query: int
    ) -> None:
        begins, sizes = np.empty(len(probes), np.uint32), np.empty(len(probes), np.uint32)
        if not kernels.spans_of(self._listing.offsets[chunk], probes, begins, sizes):
            return
        self._make_room(int(sizes.max()))
        number = 0
        while number < len(probes):
            number, count = kernels.candidates_of(
                self._listing.postings[chunk], probes, begins, sizes, number, self._queries, self._positions
            )
            kept = kernels.confirm(
                self._listing.words,
                asked,
                self._queries,
                self._positions,
                count,
                self._radius,
                self._starts,
                self._widths,
                self._reaches,
                chunk,
                self._distances,
            )
            if kept:
                self._found.append(
                    (
                        self._queries[:kept] + np.int32(first_query),
                        self._positions[:kept].copy(),
                        self._distances[:kept].copy(),
                    )
                )

    def _make_room(self, candidates: int) -> None:
        """One probe's candidates are always looked at together."""
        if candidates > len(self._positions):
            self._queries = np.empty(candidates, np.int32)
            self._positions = np.empty(candidates, np.uint32)
            self._distances = np.empty(candidates, np.uint8)

    def hits(self) -> Hits:
        if not self._found:
            return Hits.none()
        queries, positions, distances = (np.concatenate(part) for part in zip(*self._found, strict=True))
        return Hits.of(queries, self._listing.rows[positions], distances)
