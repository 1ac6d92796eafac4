"""Decides how hashes are cut into chunks, and how far from each chunk to look; pure.

Two hashes within r bits of each other are within R_i bits in some chunk i whenever the sum of (R_i + 1) over all
chunks exceeds r: otherwise chunk i would differ in at least R_i + 1 bits, for every i, and the whole in more than r
(the generalised pigeonhole of Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with multi-index
hashing", arXiv 1307.2982). A chunk with R_i = -1 is not looked into.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index.contract import HASH_BITS

# Seconds, measured beside each other at 1 M and 10 M rows; only their ratios decide.
PROBE_COST = 55e-9
CANDIDATE_COST = 18e-9
SCAN_COST = 1.3e-9
SCAN_COST_TOGETHER = 0.3e-9
TOGETHER = 8
BYTES_PER_ROW = 100
_SMALLEST_CHUNKS, _MOST_CHUNKS = 9, 16
_TYPICAL_RADIUS = 31


@dataclass(frozen=True)
class Layout:
    """Consecutive chunks of the 256 bits, `widths` bits each; without chunks every search compares all rows."""

    widths: tuple[int, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        return tuple(accumulate(self.widths[:-1], initial=0)) if self.widths else ()


SCANNED = Layout(())


@lru_cache(maxsize=256)
def radii_for(layout: Layout, radius: int, rows: int, asked: int = 1) -> tuple[int, ...] | None:
    """The radius per chunk that finds everything within `radius` at the least cost; None where scanning costs less.

    Scanning for several hashes together, `asked` of them, costs less for each. The next step always goes to the chunk
    where it adds least: the number of values at distance R rises with R up to half the width, so the cheapest steps
    together are the cheapest choice.
    """
    if not layout.widths:
        return None
    radii = [-1] * len(layout.widths)
    budget = rows * (SCAN_COST_TOGETHER if asked >= TOGETHER else SCAN_COST)
    for _ in range(radius + 1):
        costs = [
            _step_cost(width, reach + 1, rows) for width, reach in zip(layout.widths, radii, strict=True)
        ]
        cheapest = int(np.argmin(costs))
        radii[cheapest] += 1
        budget -= costs[cheapest]
        if budget < 0:
            return None
    return tuple(radii)


def layout_for(rows: int) -> Layout:
    """The layout that searches `rows` hashes fastest at radius 31 in at most 100 bytes per row, all included."""
    best, least = SCANNED, rows * SCAN_COST
    for chunks in range(_SMALLEST_CHUNKS, _MOST_CHUNKS + 1):
        layout = Layout(tuple((HASH_BITS + number) // chunks for number in range(chunks)))
        if segment_bytes(layout, rows) > BYTES_PER_ROW * rows:
            continue
        radii = radii_for(layout, _TYPICAL_RADIUS, rows)
        if radii is None:
            continue
        cost = sum(
            _step_cost(width, step, rows)
            for width, reach in zip(layout.widths, radii, strict=True)
            for step in range(reach + 1)
        )
        if cost < least:
            best, least = layout, cost
    return best


def segment_bytes(layout: Layout, rows: int) -> int:
    """How large the arrays of a segment become: hashes, rows, and per chunk three bytes a row and its offsets."""
    return rows * (HASH_BITS // 8 + 8 + 3 * len(layout.widths)) + sum(
        4 * ((1 << width) + 1) for width in layout.widths
    )


@lru_cache(maxsize=64)
def masks_within(width: int, reach: int) -> NDArray[np.uint64]:
    """All values of `width` bits with at most `reach` of them set, rising."""
    masks = [
        sum(1 << bit for bit in bits)
        for count in range(reach + 1)
        for bits in combinations(range(width), count)
    ]
    found = np.array(sorted(masks), np.uint64)
    found.flags.writeable = False
    return found


def _step_cost(width: int, reach: int, rows: int) -> float:
    """What looking at distance `reach` in one chunk adds: its probes, and the rows expected under them."""
    if reach > width:
        return 0.0
    values = comb(width, reach)
    return values * (PROBE_COST + CANDIDATE_COST * rows / (1 << width))
