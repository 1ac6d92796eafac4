"""Lays out time ranges as lanes under a player; pure, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field

# The drawing is this many units wide, whatever the length of the clip.
WIDTH = 1000.0
# Shorter stretches are drawn this wide all the same, so that nobody misses them.
MIN_WIDTH = 6.0


@dataclass(frozen=True)
class Stretch:
    """A stretch of the clip that shows a stretch of something known; times in seconds."""

    name: str
    kind: str
    start_s: float
    end_s: float
    reference_start_s: float
    reference_end_s: float
    distance: float
    link: str = ""


@dataclass(frozen=True)
class Bar:
    """A stretch and where it is drawn (`x` and `width` in units of the lane)."""

    stretch: Stretch
    x: float
    width: float


@dataclass(frozen=True)
class Lane:
    """Everything found of one work or take, in order of time."""

    name: str
    kind: str
    link: str
    bars: list[Bar] = field(default_factory=list)


def lanes(stretches: Iterable[Stretch], duration_s: float) -> list[Lane]:
    """One lane per thing that was found; works before takes, each in order of first appearance."""
    found: dict[tuple[str, str], Lane] = {}
    for stretch in sorted(stretches, key=lambda one: (one.kind != "work", one.start_s, one.name)):
        lane = found.setdefault((stretch.kind, stretch.name), Lane(stretch.name, stretch.kind, stretch.link))
        lane.bars.append(Bar(stretch, *_span(stretch, duration_s)))
    return list(found.values())


def _span(stretch: Stretch, duration_s: float) -> tuple[float, float]:
    """Start and width on the lane; a stretch that runs past the end of the clip is cut there."""
    length_s = max(duration_s, stretch.end_s, 1e-3)
    start = max(0.0, stretch.start_s) / length_s * WIDTH
    end = max(stretch.start_s, stretch.end_s) / length_s * WIDTH
    width = min(max(end - start, MIN_WIDTH), WIDTH)
    return round(min(start, WIDTH - width), 2), round(width, 2)
