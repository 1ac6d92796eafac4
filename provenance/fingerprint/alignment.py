"""Turns frame hits between one query and one reference into time ranges on both sides."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from provenance.fingerprint.evidence import Hit, Signature, distinct_hits, hit_weight, signatures

# Film to PAL and back, the round ones, and in between steps of 7 %, which hits a sample apart can follow.
_COMMON_SPEEDS = (24 / 25, 25 / 24, 0.5, 2 / 3, 0.75, 0.8, 1.25, 4 / 3, 1.5, 2.0)
SPEEDS = (1.0, *_COMMON_SPEEDS, *(2 ** (step / 10) for step in (-9, -8, -7, -5, -2, -1, 1, 2, 5, 7, 8, 9)))
MIN_HITS = 3
MIN_SPAN_S = 0.75
MAX_GAP_S = 2.0
MAX_SEGMENTS = 16
MAX_HITS_PER_QUERY_FRAME = 50
SHORT_CLIP_DISTANCE = 20
# Frames of different clips from one room and camera lie 20 to 30 bits apart, re-encoded copies mostly below 16.
FEW_HITS = 8
FEW_HITS_DISTANCE = 18.0
MIN_HITS_AT_OTHER_SPEED = 6
_SPEED_PREFERENCE = 1.1
_SPREAD_CELLS = 0.5


@dataclass(frozen=True)
class Segment:
    """A stretch of the query that shows a stretch of the reference; ends are exclusive.

    speed: reference seconds per query second. hits: frames on the chain. score: sum of their weights, where
    still pictures count once.
    """

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    hits: int
    mean_distance: float
    score: float


def align(
    hits: Sequence[Hit],
    sample_interval_s: float = 0.25,
    min_hits: int = MIN_HITS,
    *,
    query_frames: int | None = None,
) -> list[Segment]:
    """Segments of one query against one reference, in order of query time; empty without enough evidence.

    Enough is `min_hits` hits of different pictures that span 0.75 s on both sides; fewer than 8 must lie within 18
    bits on average, and a speed other than 1 takes 6. When `query_frames`, the number of searchable frames of the
    query, is given and below `min_hits`, a hit for every one of them within 20 bits is enough: a still image or
    a very short clip. Of every query frame the 50 closest hits are looked at.
    """
    remaining = _closest(hits)
    seen = signatures(remaining)
    segments: list[Segment] = []
    while remaining and len(segments) < MAX_SEGMENTS:
        chain, speed = _strongest_chain(remaining, sample_interval_s)
        segment = _segment(chain, speed, seen, sample_interval_s, min_hits, query_frames)
        if segment is None:
            break
        segments.append(segment)
        remaining = [hit for hit in remaining if not _is_covered(hit, segment)]
    return sorted(segments, key=lambda segment: (segment.query_start_s, segment.reference_start_s))


def _closest(hits: Sequence[Hit]) -> list[Hit]:
    per_frame: dict[float, list[Hit]] = defaultdict(list)
    for hit in hits:
        per_frame[hit.query_time_s].append(hit)
    kept: list[Hit] = []
    for of_frame in per_frame.values():
        of_frame.sort(key=lambda hit: (hit.distance, hit.reference_time_s))
        kept += of_frame[:MAX_HITS_PER_QUERY_FRAME]
    return kept


def _strongest_chain(hits: Sequence[Hit], interval_s: float) -> tuple[list[Hit], float]:
    """The heaviest unbroken chain on the line with the most votes, and the line's speed."""
    seen = signatures(hits)
    speed, offset_s = _strongest_line(hits, seen, interval_s)
    on_line = [
        hit
        for hit in hits
        if abs(hit.reference_time_s - speed * hit.query_time_s - offset_s) <= 1.5 * interval_s
    ]
    per_frame = _one_per_query_frame(on_line, speed, offset_s)
    runs = _split_at_gaps(_longest_rising(per_frame))
    return max(runs, key=lambda run: sum(hit_weight(hit, seen[hit.query_time_s]) for hit in run)), speed


def _strongest_line(
    hits: Sequence[Hit], seen: dict[float, Signature], interval_s: float
) -> tuple[float, float]:
    """Hough vote: (speed, offset in reference seconds at query time 0) of the cell most hits agree on.

    Every query frame votes at most once per cell. The natural speed wins unless another is clearly better.
    """
    best = (-1.0, 1.0, 0.0)
    for speed in SPEEDS:
        cells: dict[int, dict[float, float]] = defaultdict(dict)
        for hit in hits:
            position = (hit.reference_time_s - speed * hit.query_time_s) / interval_s
            weight = hit_weight(hit, seen[hit.query_time_s])
            for cell in {round(position - _SPREAD_CELLS), round(position), round(position + _SPREAD_CELLS)}:
                votes = cells[cell]
                votes[hit.query_time_s] = max(votes.get(hit.query_time_s, 0.0), weight)
        cell, votes = max(cells.items(), key=lambda item: (sum(item[1].values()), -abs(item[0])))
        total = sum(votes.values()) * (_SPEED_PREFERENCE if speed == 1.0 else 1.0)
        if total > best[0]:
            best = (total, speed, cell * interval_s)
    return best[1], best[2]


def _one_per_query_frame(hits: Sequence[Hit], speed: float, offset_s: float) -> list[Hit]:
    """For every query frame the hit closest in bits, then closest to the line; in order of query time."""
    best: dict[float, tuple[tuple[float, float], Hit]] = {}
    for hit in hits:
        off_line_s = abs(hit.reference_time_s - speed * hit.query_time_s - offset_s)
        rank = (off_line_s + 0.01 * hit.distance, hit.reference_time_s)
        if hit.query_time_s not in best or rank < best[hit.query_time_s][0]:
            best[hit.query_time_s] = (rank, hit)
    return [best[time][1] for time in sorted(best)]


def _longest_rising(hits: Sequence[Hit]) -> list[Hit]:
    """The longest subsequence whose reference times never fall (patience sorting)."""
    tops: list[float] = []
    top_at: list[int] = []
    before: list[int | None] = []
    for number, hit in enumerate(hits):
        pile = bisect_right(tops, hit.reference_time_s)
        before.append(top_at[pile - 1] if pile else None)
        if pile == len(tops):
            tops.append(hit.reference_time_s)
            top_at.append(number)
        else:
            tops[pile], top_at[pile] = hit.reference_time_s, number
    chain: list[Hit] = []
    at: int | None = top_at[-1] if top_at else None
    while at is not None:
        chain.append(hits[at])
        at = before[at]
    return chain[::-1]


def _split_at_gaps(chain: Sequence[Hit]) -> list[list[Hit]]:
    runs: list[list[Hit]] = []
    for hit in chain:
        is_next = (
            bool(runs)
            and max(
                hit.query_time_s - runs[-1][-1].query_time_s,
                hit.reference_time_s - runs[-1][-1].reference_time_s,
            )
            <= MAX_GAP_S
        )
        if is_next:
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return runs


def _segment(
    chain: list[Hit],
    speed: float,
    seen: dict[float, Signature],
    interval_s: float,
    min_hits: int,
    query_frames: int | None,
) -> Segment | None:
    """The segment a chain stands for, or None when it is too little evidence."""
    first, last = chain[0], chain[-1]
    distinct = distinct_hits(chain, seen)
    mean_distance = float(np.mean([hit.distance for hit in chain]))
    is_enough = _is_enough(
        first, last, distinct, mean_distance, min_hits if speed == 1.0 else MIN_HITS_AT_OTHER_SPEED
    )
    if not is_enough and not _is_whole_short_clip(chain, min_hits, query_frames):
        return None
    weights = [hit_weight(hit, seen[hit.query_time_s]) for hit in chain]
    return Segment(
        query_start_s=first.query_time_s,
        query_end_s=last.query_time_s + interval_s,
        reference_start_s=first.reference_time_s,
        reference_end_s=last.reference_time_s + interval_s * speed,
        speed=_fitted_speed(chain, speed),
        hits=len(chain),
        mean_distance=mean_distance,
        score=sum(weights) * distinct / len(chain),
    )


def _is_enough(first: Hit, last: Hit, distinct: int, mean_distance: float, min_hits: int) -> bool:
    query_span_s = last.query_time_s - first.query_time_s
    reference_span_s = last.reference_time_s - first.reference_time_s
    is_long = min(query_span_s, reference_span_s) >= MIN_SPAN_S - 1e-6
    is_close = distinct >= FEW_HITS or mean_distance <= FEW_HITS_DISTANCE
    return distinct >= min_hits and is_long and is_close


def _is_whole_short_clip(chain: Sequence[Hit], min_hits: int, query_frames: int | None) -> bool:
    if query_frames is None or not 0 < query_frames < min_hits:
        return False
    return len(chain) >= query_frames and max(hit.distance for hit in chain) <= SHORT_CLIP_DISTANCE


def _fitted_speed(chain: Sequence[Hit], voted: float) -> float:
    """Least squares over the chain where it is long enough to say more than the vote."""
    if voted == 1.0 or len(chain) < 8:
        return voted
    query = np.array([hit.query_time_s for hit in chain])
    reference = np.array([hit.reference_time_s for hit in chain])
    return float(np.polyfit(query, reference, 1)[0])


def _is_covered(hit: Hit, segment: Segment) -> bool:
    """True for hits inside a segment's query range: each moment of the query is explained once."""
    return segment.query_start_s <= hit.query_time_s < segment.query_end_s
