"""Finds the straight lines in time that hits between a query and a reference agree on: a Hough vote."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TICK_S = 0.25
MAX_TICKS = 24
MAX_HITS_PER_QUERY_FRAME = 50
# Film to PAL and back and the round ones; between them steps of a twentieth of an octave, 3.5 %, which hits
# half a second apart from their line can follow over ten seconds.
COMMON_SPEEDS = (1.0, 24 / 25, 25 / 24, 0.5, 2 / 3, 0.75, 0.8, 1.25, 4 / 3, 1.5, 2.0)
_STEPS = tuple(2 ** (step / 20) for step in range(-21, 22))
SPEEDS = (*COMMON_SPEEDS, *_STEPS)
_NATURAL_SPEED_BONUS = 1.1
_RADIUS = 31.0
_CONTRAST_BITS = 4.0


@dataclass(frozen=True)
class Line:
    """Reference time = speed x query time + offset_s; speed in reference seconds per query second."""

    speed: float
    offset_s: float

    def at(self, query_time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reference seconds for query seconds."""
        return self.speed * query_time_s + self.offset_s


@dataclass(frozen=True)
class TimedHits:
    """Which frames of one query lie near which frames of one reference; arrays of one length, a row per pair.

    Each picture stands for its span: query_start_s, query_span_s, reference_start_s, reference_span_s, in seconds.
    distance: bits. rarity: (0, 1], how much a hit of this reference frame says; 1 where nothing else hits it.
    """

    query_start_s: NDArray[np.float64]
    query_span_s: NDArray[np.float64]
    reference_start_s: NDArray[np.float64]
    reference_span_s: NDArray[np.float64]
    distance: NDArray[np.float64]
    rarity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.distance)

    def taken(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "TimedHits":
        """The rows chosen by a mask or by numbers."""
        return TimedHits(
            self.query_start_s[which],
            self.query_span_s[which],
            self.reference_start_s[which],
            self.reference_span_s[which],
            self.distance[which],
            self.rarity[which],
        )


@dataclass(frozen=True)
class Votes:
    """Moments instead of spans: (n,) query and reference seconds and weights; a still picture votes once in all."""

    query_s: NDArray[np.float64]
    reference_s: NDArray[np.float64]
    weight: NDArray[np.float64]


def votes_of(hits: TimedHits) -> Votes:
    """Every hit as votes at a quarter second's distance: what stands still for long may lie at many offsets.

    A hit weighs the more, the fewer bits it is away, the rarer its reference frame is, the fewer other frames of the
    reference the same query frame hits, and the nearer it comes to the nearest of these.
    """
    kept = _closest(hits)
    nearest, count = _of_same_query_frame(kept)
    weight = (1.0 - kept.distance / (max(_RADIUS, kept.distance.max(initial=0.0)) + 9.0)) * kept.rarity
    weight /= np.sqrt(count) * (1.0 + (kept.distance - nearest) / _CONTRAST_BITS)
    query, reference, weights = [], [], []
    for row, (query_s, reference_s) in enumerate(_ticks(kept)):
        moments = query_s[:, None] + 0 * reference_s, 0 * query_s[:, None] + reference_s
        query.append(moments[0].ravel())
        reference.append(moments[1].ravel())
        weights.append(np.full(moments[0].size, weight[row] / len(query_s)))
    if not query:
        nothing = np.zeros(0)
        return Votes(nothing, nothing, nothing)
    return Votes(np.concatenate(query), np.concatenate(reference), np.concatenate(weights))


def strongest_lines(votes: Votes, count: int) -> list[tuple[Line, float]]:
    """Up to `count` lines with their votes, the best of each speed, strongest first.

    A query moment votes once for a cell of half a second of offset, however many reference frames it hits there.
    """
    found = []
    for speed in SPEEDS:
        offsets = (votes.reference_s - speed * votes.query_s) / TICK_S
        cell, total = _fullest_cell(votes, offsets)
        bonus = _NATURAL_SPEED_BONUS if speed == 1.0 else 1.0
        found.append((Line(speed, cell * TICK_S), total * bonus))
    found.sort(key=lambda entry: -entry[1])
    return found[:count]


def _fullest_cell(votes: Votes, offsets: NDArray[np.float64]) -> tuple[int, float]:
    cells = np.concatenate([np.floor(offsets), np.floor(offsets) + 1]).astype(np.int64)
    moments = np.round(np.concatenate([votes.query_s, votes.query_s]) / TICK_S).astype(np.int64)
    weights = np.concatenate([votes.weight, votes.weight])
    order = np.lexsort((-weights, moments, cells))
    cells, moments, weights = cells[order], moments[order], weights[order]
    is_first = np.ones(len(cells), bool)
    is_first[1:] = (cells[1:] != cells[:-1]) | (moments[1:] != moments[:-1])
    cells, weights = cells[is_first], weights[is_first]
    low = int(cells.min())
    totals = np.bincount(cells - low, weights) if np.ptp(cells) < 4_000_000 else None
    if totals is None:
        distinct, inverse = np.unique(cells, return_inverse=True)
        sums = np.bincount(inverse, weights)
        return int(distinct[sums.argmax()]), float(sums.max())
    return int(totals.argmax()) + low, float(totals.max())


def _closest(hits: TimedHits) -> TimedHits:
    order = np.lexsort((hits.reference_start_s, hits.distance, hits.query_start_s))
    starts = hits.query_start_s[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = starts[1:] != starts[:-1]
    first = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
    return hits.taken(order[np.arange(len(order)) - first < MAX_HITS_PER_QUERY_FRAME])


def _of_same_query_frame(hits: TimedHits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each hit: bits of the nearest hit of the same query frame, and how many hits that frame has."""
    _, inverse, counts = np.unique(hits.query_start_s, return_inverse=True, return_counts=True)
    nearest = np.full(len(counts), np.inf)
    np.minimum.at(nearest, inverse, hits.distance)
    return nearest[inverse], counts[inverse].astype(np.float64)


def _ticks(hits: TimedHits) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for row in range(len(hits)):
        yield (
            _moments(hits.query_start_s[row], hits.query_span_s[row]),
            _moments(hits.reference_start_s[row], hits.reference_span_s[row]),
        )


def _moments(start_s: float, span_s: float) -> NDArray[np.float64]:
    count = int(np.clip(round(span_s / TICK_S), 1, MAX_TICKS))
    return np.asarray(start_s + np.arange(count) * (span_s / count), np.float64)
