"""Lays out over time how much of a work can be recognised, as columns of a strip; pure, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from provenance.fingerprint.contents import MIN_SEARCHED_QUALITY

WIDTH = 1000.0
HEIGHT = 40.0
MAX_COLUMNS = 250


@dataclass(frozen=True)
class Picture:
    """One kept picture of a work: when, for how long, and how well it can be told from others."""

    time_s: float
    duration_s: float
    quality: int
    is_shot_start: bool


@dataclass(frozen=True)
class Column:
    """A stretch of the work; `share` of it shows pictures that can be recognised."""

    start_s: float
    end_s: float
    share: float
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Coverage:
    """The strip, and what it comes to."""

    columns: tuple[Column, ...]
    shots: tuple[float, ...]
    pictures: int
    searched: int
    share: float


def coverage_of(pictures: Iterable[Picture], duration_s: float) -> Coverage:
    """The strip of a work `duration_s` long; `shots` are positions on it at which a shot begins."""
    kept = list(pictures)
    length_s = max([duration_s, 1e-3, *(one.time_s + one.duration_s for one in kept)])
    count = max(1, min(MAX_COLUMNS, len(kept) * 4))
    step_s = length_s / count
    shown_s = [0.0] * count
    for one in kept:
        if one.quality >= MIN_SEARCHED_QUALITY:
            _spread(shown_s, one.time_s, min(one.time_s + one.duration_s, length_s), step_s)
    columns = tuple(
        _column(number, min(1.0, seconds / step_s), step_s, count) for number, seconds in enumerate(shown_s)
    )
    return Coverage(
        columns=columns,
        shots=tuple(round(one.time_s / length_s * WIDTH, 2) for one in kept if one.is_shot_start),
        pictures=len(kept),
        searched=sum(one.quality >= MIN_SEARCHED_QUALITY for one in kept),
        share=min(1.0, sum(shown_s) / length_s),
    )


def _spread(shown_s: list[float], start_s: float, end_s: float, step_s: float) -> None:
    """Adds the time from start to end to the columns it falls into."""
    for number in range(int(start_s / step_s), len(shown_s)):
        begins_s = number * step_s
        if begins_s >= end_s:
            return
        shown_s[number] += min(end_s, begins_s + step_s) - max(start_s, begins_s)


def _column(number: int, share: float, step_s: float, count: int) -> Column:
    height = round(share * HEIGHT, 2)
    return Column(
        start_s=number * step_s,
        end_s=(number + 1) * step_s,
        share=share,
        x=round(number * WIDTH / count, 2),
        width=round(WIDTH / count, 2),
        y=round(HEIGHT - height, 2),
        height=height,
    )
