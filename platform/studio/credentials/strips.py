"""Lays out time ranges as lanes under a player, and a mark's strength as columns; pure, no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The drawing is this many units wide, whatever the length of the clip.
WIDTH = 1000.0
# Shorter stretches are drawn this wide all the same, so that nobody misses them.
MIN_WIDTH = 6.0


@dataclass(frozen=True)
class Stretch:
    """A stretch of the clip that shows a stretch of something known; times in seconds.

    method: how it was found, empty where that is not for the reader.
    """

    name: str
    kind: str
    start_s: float
    end_s: float
    reference_start_s: float
    reference_end_s: float
    distance: float
    link: str = ""
    method: str = ""


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


# Columns of a mark's strength are drawn this high at most.
HEIGHT = 100.0
# Standard deviations that at least fill the height, so that a weak mark looks weak; a strong one fills it itself.
FULL_HEIGHT_Z = 20.0
_GAP = 2.0
_LEAST_HEIGHT = 2.0


@dataclass(frozen=True)
class Column:
    """A stretch of a clip and how strongly the mark is in it, with where it is drawn."""

    start_s: float
    end_s: float
    z: float
    is_marked: bool
    x: float
    y: float
    width: float
    height: float


def columns(strip: Sequence[Mapping[str, Any]]) -> list[Column]:
    """One column per entry of a strip (`start_s`, `end_s`, `z`, `is_marked`), the whole strip `WIDTH` wide."""
    length_s = max((float(entry["end_s"]) for entry in strip), default=0.0)
    if length_s <= 0.0:
        return []
    full_z = max(FULL_HEIGHT_Z, *(float(entry["z"]) for entry in strip))
    return [_column(entry, length_s, full_z) for entry in strip]


def _column(entry: Mapping[str, Any], length_s: float, full_z: float) -> Column:
    start_s, end_s, z = float(entry["start_s"]), float(entry["end_s"]), float(entry["z"])
    height = max(_LEAST_HEIGHT, max(z, 0.0) / full_z * HEIGHT)
    x = max(start_s, 0.0) / length_s * WIDTH
    width = max((end_s - start_s) / length_s * WIDTH - _GAP, 1.0)
    return Column(
        start_s=start_s,
        end_s=end_s,
        z=z,
        is_marked=bool(entry["is_marked"]),
        x=round(x, 2),
        y=round(HEIGHT - height, 2),
        width=round(width, 2),
        height=round(height, 2),
    )
