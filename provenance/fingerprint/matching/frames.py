"""Turns hits between the frames of a query and of a reference into segments, placed to the frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.matching.lines import COMMON_SPEEDS, Line, TimedHits, strongest_lines, votes_of
from provenance.fingerprint.matching.segment import Evidence, Segment
from provenance.fingerprint.matching.tracks import (
    FARTHEST_BITS,
    Stretch,
    Timeline,
    agreeing,
    fitted,
    motion_along,
)

MAX_SEGMENTS = 16
LINES_TRIED = 5
MIN_STRETCH_S = 0.4
EVIDENCE_FRAMES = 12
_ON_LINE_S = 0.5
_LONGEST_GAP_S = 2.0
_LOOK_AROUND_S = 30.0
_SHORT_QUERY_S = 120.0
_SPEEDS_NEAR = 0.08
_FRAMES_BESIDE = 8
_LONGEST_FRAME_S = 0.05
_AS_WELL_BITS = 3.0
_COMMON_BONUS, _NATURAL_BONUS = 0.02, 0.06
# Beyond this even the frames that agree best are another picture.
_FARTHEST_CORE_BITS = 60.0


@dataclass(frozen=True)
class _Core:
    """Where hits on one line are densest."""

    line: Line
    start_s: float
    end_s: float
    mean_distance: float

    @property
    def strength(self) -> float:
        return (self.end_s - self.start_s) * max(0.0, 64.0 - self.mean_distance)


def match_frames(
    query: Timeline, reference: Timeline, hits: TimedHits, *, is_mirrored: bool = False
) -> list[Segment]:
    """Segments between one query and one reference in order of query time; each moment is explained once.

    `query` holds the mirrored hashes where `is_mirrored`. Scores are left at 0.
    """
    segments: list[Segment] = []
    remaining = hits
    while len(remaining) and len(segments) < MAX_SEGMENTS:
        core = _best_core(query, reference, remaining)
        if core is None:
            break
        stretches = [s for s in _stretches(query, reference, core) if _is_long(query, s)]
        segments += [
            _segment(query, reference, s, is_mirrored) for s in stretches if not _is_taken(query, s, segments)
        ]
        left = _unexplained(query, remaining, core, stretches)
        if left.all():
            break
        remaining = remaining.taken(left)
    return sorted(segments, key=lambda one: (one.query_start_s, one.reference_start_s))


def _best_core(query: Timeline, reference: Timeline, hits: TimedHits) -> _Core | None:
    votes = votes_of(hits)
    cores = []
    for line, _ in strongest_lines(votes, LINES_TRIED):
        span = _densest(hits, line)
        if span is not None:
            settled, mean = fitted(query, reference, *span, line)
            cores.append(_Core(settled, *span, mean))
    best = max(cores, key=lambda core: core.strength, default=None)
    return best if best is not None and best.mean_distance <= _FARTHEST_CORE_BITS else None


def _densest(hits: TimedHits, line: Line) -> tuple[float, float] | None:
    """Query seconds of the longest run of hits on the line without a gap of two seconds."""
    # A picture that stands for a while lies on the line when the line meets any moment of it on both sides.
    early = hits.reference_start_s - line.at(hits.query_start_s + hits.query_span_s)
    late = hits.reference_start_s + hits.reference_span_s - line.at(hits.query_start_s)
    on_line = np.flatnonzero((early <= _ON_LINE_S) & (late >= -_ON_LINE_S))
    if len(on_line) == 0:
        return None
    order = on_line[np.argsort(hits.query_start_s[on_line], kind="stable")]
    starts = hits.query_start_s[order]
    ends = np.maximum.accumulate(starts + hits.query_span_s[order])
    breaks = np.flatnonzero(starts[1:] - ends[:-1] > _LONGEST_GAP_S) + 1
    runs = [
        (float(part[0]), float(last[-1]))
        for part, last in zip(np.split(starts, breaks), np.split(ends, breaks), strict=True)
    ]
    return max(runs, key=lambda run: run[1] - run[0])


def _stretches(query: Timeline, reference: Timeline, core: _Core) -> list[Stretch]:
    """Where frames agree along the core's line, after the line was fitted once more to all that agrees."""
    around_s = (0.0, query.duration_s)
    if query.duration_s > _SHORT_QUERY_S:
        around_s = (core.start_s - _LOOK_AROUND_S, core.end_s + _LOOK_AROUND_S)
    rough = agreeing(query, reference, core.line, core.mean_distance, *around_s)
    if not rough:
        return []
    longest = max(rough, key=lambda stretch: stretch.last - stretch.first)
    start_s, end_s = float(query.times_s[longest.first]), float(query.times_s[longest.last])
    line, mean = _settled(
        query, reference, start_s, end_s, *fitted(query, reference, start_s, end_s, core.line)
    )
    return agreeing(query, reference, line, mean, *around_s)


def _settled(
    query: Timeline, reference: Timeline, start_s: float, end_s: float, line: Line, mean: float
) -> tuple[Line, float]:
    """The line on which most changes alike, of those on which the frames agree as well as can be told.

    Where little moves the distances alone leave the speed open by several hundredths. The common speeds near the
    fitted one are tried, each through the middle of the stretch and up to eight frames beside it.
    """
    inside = query.within(start_s, end_s)
    if len(inside) < 2:
        return line, mean
    middle_s = (start_s + end_s) / 2
    tried = [(line, 0.0)]
    for speed in COMMON_SPEEDS:
        if abs(speed / line.speed - 1.0) <= _SPEEDS_NEAR:
            through = line.speed * middle_s + line.offset_s - speed * middle_s
            beside = np.arange(-_FRAMES_BESIDE, _FRAMES_BESIDE + 1) * min(reference.frame_s, _LONGEST_FRAME_S)
            bonus = _NATURAL_BONUS if speed == 1.0 else _COMMON_BONUS
            tried += [(Line(speed, through + float(offset_s)), bonus) for offset_s in beside]
    rated: list[tuple[float, int, Line, float]] = []
    for one, bonus in tried:
        own_mean = _mean_along(query, reference, start_s, end_s, one)
        if own_mean <= mean + _AS_WELL_BITS:
            motion = motion_along(query, reference, Stretch(int(inside[0]), int(inside[-1]), one, own_mean))
            agreement = motion.agreement if motion.is_telling else 0.0
            rated.append((agreement + bonus - own_mean / 256.0, -len(rated), one, own_mean))
    if not rated:
        return line, mean
    _, _, chosen, chosen_mean = max(rated, key=lambda entry: entry[:2])
    return chosen, chosen_mean


def _mean_along(query: Timeline, reference: Timeline, start_s: float, end_s: float, line: Line) -> float:
    numbers = query.telling_within(start_s, end_s)
    if len(numbers) == 0:
        return FARTHEST_BITS
    bits = query.distances(numbers, reference, reference.shown_at(line.at(query.times_s[numbers])))
    return float(np.minimum(bits, FARTHEST_BITS).mean())


def _is_long(query: Timeline, stretch: Stretch) -> bool:
    is_whole = stretch.first == 0 and stretch.last == len(query) - 1
    return is_whole or _end_of(query, stretch.last) - query.times_s[stretch.first] >= MIN_STRETCH_S


def _end_of(query: Timeline, number: int) -> float:
    """When the frame leaves the screen."""
    if number + 1 < len(query):
        return float(query.times_s[number + 1])
    return float(query.times_s[number]) + query.frame_s


def _segment(query: Timeline, reference: Timeline, stretch: Stretch, is_mirrored: bool) -> Segment:
    start_s, end_s = float(query.times_s[stretch.first]), _end_of(query, stretch.last)
    line = stretch.line
    reference_ends = np.clip(line.at(np.array([start_s, end_s])), 0.0, reference.duration_s)
    motion = motion_along(query, reference, stretch)
    return Segment(
        query_start_s=start_s,
        query_end_s=end_s,
        reference_start_s=float(reference_ends[0]),
        reference_end_s=float(reference_ends[1]),
        speed=line.speed,
        method="frames",
        frames=stretch.last - stretch.first + 1,
        mean_distance=stretch.mean_distance,
        motion=motion.agreement if motion.is_telling else None,
        score=0.0,
        is_mirrored=is_mirrored,
        evidence=_evidence(query, reference, stretch),
    )


def _evidence(query: Timeline, reference: Timeline, stretch: Stretch) -> tuple[Evidence, ...]:
    count = min(EVIDENCE_FRAMES, stretch.last - stretch.first + 1)
    numbers = np.linspace(stretch.first, stretch.last, count).round().astype(np.intp)
    at = stretch.line.at(query.times_s[numbers])
    bits = query.distances(numbers, reference, reference.shown_at(at))
    pairs = zip(query.times_s[numbers].tolist(), at.tolist(), bits.tolist(), strict=True)
    return tuple(Evidence(q, r, d) for q, r, d in pairs)


def _is_taken(query: Timeline, stretch: Stretch, segments: Sequence[Segment]) -> bool:
    """Whether most of the stretch is explained by a segment found before."""
    start_s, end_s = float(query.times_s[stretch.first]), _end_of(query, stretch.last)
    shared = sum(max(0.0, min(end_s, one.query_end_s) - max(start_s, one.query_start_s)) for one in segments)
    return shared > 0.5 * (end_s - start_s)


def _unexplained(
    query: Timeline, hits: TimedHits, core: _Core, stretches: Sequence[Stretch]
) -> NDArray[np.bool_]:
    """TimedHits of query moments outside every stretch; those of the core are spent whatever came of it."""
    left = ~((hits.query_start_s >= core.start_s - 1e-6) & (hits.query_start_s < core.end_s))
    for stretch in stretches:
        start_s, end_s = float(query.times_s[stretch.first]), _end_of(query, stretch.last)
        left &= ~((hits.query_start_s >= start_s - 1e-6) & (hits.query_start_s < end_s))
    return left
