"""Finds which stretches of one sound are stretches of another, and how likely chance alone gives such a stretch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, expm1, log

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import SoundTrack
from provenance.fingerprint.sound.codes import (
    CENTRE_STEPS,
    CODE_BITS,
    INTERVAL_S,
    SILENT_CODE,
    WINDOW_STEPS,
    Codes,
    shared_places,
)
from provenance.fingerprint.sound.runs import MAX_BIT_ERROR, news, runs_of

MAX_PROBABILITY = 1e-3
UNRELATED_BIT_ERROR = 0.487
# In reference codes per query code: as recorded, and slower or faster by 25/24 with the pitch kept.
_SLOPES = (1.0, 24 / 25, 25 / 24)
# The expected number of stretches that score s where n codes are laid on m of unrelated sound is K n m exp(-decay s):
# Karlin and Altschul 1990, the statistics of BLAST. Fitted on 10,692 pairs of unrelated sounds; of 41,895 others,
# between 0.3 and 1.2 times as many as stated reach 0.1 to 1e-4 (benchmarks/sound.py). Music of one key is alike oftener
# than the bulk tells, so the decay is lower than theirs, which was 9.
_K = 1.5e-5
_DECAY = 5.5
# Beyond so many pairs of codes only the diagonals near an agreeing key are looked at.
_PAIRS_AT_ONCE = 50_000
_NEARBY = np.arange(-2, 3)
# What codes around a stretch (10 s on either side) have in common anyway is no sign of a copy.
_AROUND_CODES = 80
_SMALLEST_REST = 0.5
# Of a slope the best are looked at; only noise laid on noise gives more.
_MOST_RUNS = 500
# By how much the first and the last code that agree lie within the common sound, the median of 150 cuts.
_BLUR_STEPS = 2.5


@dataclass(frozen=True)
class SoundSegment:
    """A stretch of the query that sounds like a stretch of the reference; ends are exclusive, times in seconds.

    Ends within other sound are off by 0.2 s in the median and 0.6 s in one of ten. bit_error_rate: share of
    differing bits; unrelated sounds give 0.487. probability: that sounds of these lengths which have nothing to do
    with each other agree so well anywhere.
    """

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    bit_error_rate: float
    probability: float

    @property
    def speed(self) -> float:
        """Reference seconds per query second."""
        return (self.reference_end_s - self.reference_start_s) / (self.query_end_s - self.query_start_s)


@dataclass(frozen=True)
class _Run:
    """Codes `first` to `last` of a query track, laid on a reference: code i on code offset + round(slope x i)."""

    query: SoundTrack
    slope: float
    offset: int
    first: int
    last: int

    def on_reference(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        under: NDArray[np.int64] = self.offset + np.floor(self.slope * codes + 0.5).astype(np.int64)
        return under


def align_sound(
    query: SoundTrack | Sequence[SoundTrack],
    reference: SoundTrack,
    *,
    searched_codes: int = 0,
    max_probability: float = MAX_PROBABILITY,
) -> list[SoundSegment]:
    """The stretches of `query` that are in `reference`, in order of query time; each moment is explained once.

    query: one track, or one per speed the clip may be played at, as `sounds_of` gives them. searched_codes: how many
    codes were searched where this reference is one of many. Left out are segments that chance gives more often than
    `max_probability`.
    """
    tracks = [query] if isinstance(query, SoundTrack) else list(query)
    trials = _trials(tracks, max(searched_codes, len(reference.codes)))
    least = log(_K * max(trials, 1.0) / max_probability) / _DECAY
    scored = [
        (score, run)
        for track in tracks
        for run in _runs(track, reference, least)
        if (score := _score(run, reference)) >= least
    ]
    taken: list[SoundSegment] = []
    for score, run in sorted(scored, key=lambda one: -one[0]):
        rest = _without(_segment(run, reference, -expm1(-_K * trials * exp(-_DECAY * score))), taken)
        if rest is not None:
            taken.append(rest)
    return sorted(taken, key=lambda segment: segment.query_start_s)


def _trials(tracks: Iterable[SoundTrack], reference_codes: int) -> float:
    """How many pairs of codes are laid on each other."""
    return sum(float(len(track.codes)) * reference_codes * len(_slopes_of(track)) for track in tracks)


def _slopes_of(track: SoundTrack) -> tuple[float, ...]:
    """A track that supposes another speed needs no second correction."""
    return _SLOPES if abs(track.interval_s / INTERVAL_S - 1) < 1e-3 else (1.0,)


def _runs(query: SoundTrack, reference: SoundTrack, least: float) -> list[_Run]:
    found = []
    is_long = len(query.codes) * len(reference.codes) > _PAIRS_AT_ONCE
    places = shared_places(query.codes, reference.codes) if is_long else None
    for slope in _slopes_of(query):
        if places is None:
            offsets = np.arange(-int(slope * len(query.codes)) - 1, len(reference.codes))
        else:
            laid = places[1] - np.floor(slope * places[0] + 0.5).astype(np.int64)
            offsets = np.unique(laid[:, None] + _NEARBY)
        runs = runs_of(query.codes, reference.codes, slope, offsets, least)
        for offset, first, last, _ in runs[np.argsort(-runs[:, 3], kind="stable")[:_MOST_RUNS]]:
            found.append(_Run(query, slope, int(offset), int(first), int(last)))
    return found


def _score(run: _Run, reference: SoundTrack) -> float:
    """The run's score, its bit errors measured against what the sounds around it give when laid on each other anyhow.

    Rain, wind and hum have few codes, which agree in many bits wherever they are compared.
    """
    query = run.query.codes
    codes = np.arange(run.first, run.last + 1)
    under = run.on_reference(codes)
    query_ones = _ones_around(query, run.first, run.last)
    reference_ones = _ones_around(reference.codes, int(under[0]), int(under[-1]))
    anyhow = float(np.mean(query_ones * (1 - reference_ones) + reference_ones * (1 - query_ones)))
    if anyhow == 0.0:
        return 0.0
    errors = _bit_errors(query[codes], reference.codes[under]) * max(1.0, UNRELATED_BIT_ERROR / anyhow)
    weights = news(reference.codes[under[0] : under[-1] + 1])[under - under[0]]
    weights = np.minimum(weights, news(query[codes]))
    weights[query[codes] == SILENT_CODE] = 0.0
    return float(np.sum(weights * (MAX_BIT_ERROR - errors)))


def _ones_around(codes: Codes, first: int, last: int) -> NDArray[np.float64]:
    """(32,): how often each bit is set in the codes from shortly before `first` to shortly after `last`."""
    around = codes[max(0, first - _AROUND_CODES) : last + 1 + _AROUND_CODES]
    heard = around[around != SILENT_CODE]
    ones: NDArray[np.float64] = np.unpackbits(heard.view(np.uint8).reshape(-1, 4), axis=1).mean(axis=0)
    return ones


def _bit_errors(query: Codes, reference: Codes) -> NDArray[np.float64]:
    """The share of bits in which codes differ; silence against sound is another sound."""
    errors: NDArray[np.float64] = np.bitwise_count(query ^ reference) / CODE_BITS
    errors[(query == SILENT_CODE) != (reference == SILENT_CODE)] = 0.5
    return errors


def _segment(run: _Run, reference: SoundTrack, probability: float) -> SoundSegment:
    """The run with its ends where the sound changes from agreeing to not, that is half-way in bits."""
    query = run.query
    codes = np.arange(max(0, run.first - WINDOW_STEPS), min(len(query.codes), run.last + WINDOW_STEPS + 1))
    under = run.on_reference(codes)
    is_inside = (under >= 0) & (under < len(reference.codes))
    codes, under = codes[is_inside], under[is_inside]
    errors = _bit_errors(query.codes[codes], reference.codes[under])
    within = (codes >= run.first) & (codes <= run.last)
    half_way = (errors[within].mean() + UNRELATED_BIT_ERROR) / 2
    first, last = _heaviest(half_way - errors)
    # Where a track begins or ends, its first or last code still speaks for all it looks at.
    is_at_start = codes[first] == 0 or under[first] == 0
    is_at_end = codes[last] == len(query.codes) - 1 or under[last] == len(reference.codes) - 1
    before = CENTRE_STEPS if is_at_start else _BLUR_STEPS
    after = WINDOW_STEPS - CENTRE_STEPS if is_at_end else _BLUR_STEPS
    return SoundSegment(
        query_start_s=_moment(query, codes[first] - before),
        query_end_s=_moment(query, codes[last] + after),
        reference_start_s=_moment(reference, under[first] - before * run.slope),
        reference_end_s=_moment(reference, under[last] + after * run.slope),
        bit_error_rate=float(errors[first : last + 1].mean()),
        probability=probability,
    )


def _heaviest(gains: NDArray[np.float64]) -> tuple[int, int]:
    """First and last place of the stretch with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)[:-1]
    last = int(np.argmax(sums[1:] - lowest))
    return int(np.argmin(sums[: last + 1])), last


def _moment(track: SoundTrack, code: float) -> float:
    return max(0.0, float(track.start_s + code * track.interval_s))


def _without(segment: SoundSegment, taken: Iterable[SoundSegment]) -> SoundSegment | None:
    """What of a segment no other explains; None where that is less than half of it."""
    start_s, end_s = segment.query_start_s, segment.query_end_s
    for other in taken:
        if other.query_start_s <= start_s < other.query_end_s:
            start_s = other.query_end_s
        elif start_s < other.query_start_s < end_s:
            end_s = other.query_start_s
    if end_s - start_s < _SMALLEST_REST * (segment.query_end_s - segment.query_start_s):
        return None
    return replace(
        segment,
        query_start_s=start_s,
        query_end_s=end_s,
        reference_start_s=segment.reference_start_s + (start_s - segment.query_start_s) * segment.speed,
        reference_end_s=segment.reference_end_s - (segment.query_end_s - end_s) * segment.speed,
    )
