"""Lays out what a take was found to share with works as lanes over its length, one per method; pure, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from studio.references.models import Match

# The drawing is this many units wide, whatever the length of the take; a row of a lane is so many high.
WIDTH = 1000.0
ROW_HEIGHT = 22
# Shorter stretches are drawn this wide all the same, so that nobody misses them.
MIN_WIDTH = 10.0


@dataclass(frozen=True)
class Bar:
    """A match and where it is drawn, in units of the lane."""

    match: Match
    x: float
    y: int
    width: float


@dataclass(frozen=True)
class Lane:
    """Everything one method found, in order of time; matches of the same moment lie in rows below each other."""

    method: str
    title: str
    bars: tuple[Bar, ...]
    height: int


def match_lanes(matches: Iterable[Match], duration_s: float) -> list[Lane]:
    """The lanes of the methods that found anything, in the order whole pictures, parts of pictures, sound."""
    found = sorted(matches, key=lambda one: (one.take_start_s, one.take_end_s))
    length_s = max([duration_s, 1e-3, *(one.take_end_s for one in found)])
    lanes = []
    for method, title in Match.Method.choices:
        own = [one for one in found if one.method == method]
        if own:
            bars, rows = _laid_out(own, length_s)
            lanes.append(Lane(method, str(title), bars, rows * ROW_HEIGHT))
    return lanes


def _laid_out(matches: list[Match], length_s: float) -> tuple[tuple[Bar, ...], int]:
    """Each match in the first row that is free where it is drawn, and how many rows that takes."""
    ends: list[float] = []
    bars = []
    for match in matches:
        x, width = _span(match, length_s)
        row = next((number for number, end in enumerate(ends) if end <= x), len(ends))
        ends[row:] = [x + width, *ends[row + 1 :]]
        bars.append(Bar(match, x, row * ROW_HEIGHT, width))
    return tuple(bars), len(ends)


def _span(match: Match, length_s: float) -> tuple[float, float]:
    """Start and width on the lane."""
    start = max(0.0, match.take_start_s) / length_s * WIDTH
    width = max(max(match.take_end_s, match.take_start_s) / length_s * WIDTH - start, MIN_WIDTH)
    return round(min(start, WIDTH - width), 2), round(width, 2)
