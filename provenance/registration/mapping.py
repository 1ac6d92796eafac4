"""Shows where and when a registered suspect departs from the take: a heat map and the regions in it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.evening import Mask
from provenance.registration.result import Pair, Registration
from provenance.registration.tampering import (
    Cells,
    Evidence,
    colours_of,
    evidence_of,
    seen_cells,
    softness_of,
)

_PAIRS_PER_SPELL = 3
_DEPARTURE_FLOOR = 7.0  # luma steps
_DEPARTURE_SPREADS = 6.0
_LOSS_FLOOR = 0.55
_LOSS_SPREADS = 4.0
_STRUCTURE_FLOOR = 3.0**2  # variance in luma steps, below which a cell has no structure to lose
_LEVELS = 8
_SEED = 1.6
_GROWN = 0.75
_CLOSING_CELLS = 3
_LEAST_AREA = 0.002  # of the take's picture
_MAX_REGIONS = 12
_SHORTEST_SEEN = 0.5


@dataclass(frozen=True)
class Region:
    """A part of the take's picture that the suspect shows differently.

    x0, y0, x1, y1: its box, as shares of width and height. start_s, end_s: when, in seconds of the take. area:
    share of the picture. heat: how far beyond the limit, 1.0 = at it.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    start_s: float
    end_s: float
    area: float
    heat: float


@dataclass(frozen=True)
class TamperMap:
    """heat: (rows, columns) of cells over the take's picture, 1.0 = at the limit. seen: what the suspect shows.

    tampered: the cells of all regions. regions: largest first; empty means nothing was found to be different.
    """

    heat: NDArray[np.float64]
    seen: Mask
    tampered: Mask
    regions: tuple[Region, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing departs from the take."""
        return not self.regions

    @property
    def tampered_share(self) -> float:
        """Of what the suspect shows of the take, how much is different: 0 to 1."""
        return float(self.tampered.sum()) / max(1, int(self.seen.sum()))

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the cells."""
        return {
            "regions": [asdict(region) for region in self.regions],
            "tampered_share": self.tampered_share,
            "seen_share": float(self.seen.mean()),
        }


def tamper_map(registration: Registration) -> TamperMap:
    """The map of a registered suspect; an empty one where nothing was registered.

    All limits come from the clip itself, so that what was done to the whole of it (another encoding, brightness,
    blur, noise) does not count; what covers more than about half of the picture therefore cannot be found.
    """
    pairs = sorted(registration.pairs, key=lambda pair: pair.take_time_s)
    seen = _mostly_seen(pairs)
    if not seen.any():
        return TamperMap(np.zeros(seen.shape), seen, seen, ())
    colours, softness = colours_of(pairs), softness_of(pairs)
    evidence = [evidence_of(pair, colours, softness) for pair in pairs]
    spells = _spells(len(pairs))
    parts = [_heat([evidence[n] for n in spell]) for spell in spells]
    planes = [_heat(evidence), *parts] if len(parts) > 1 else parts
    heat: Cells = np.max(planes, axis=0)
    tampered: Mask = np.any([_grown(plane, seen) for plane in planes], axis=0)
    regions, kept = _regions(tampered, heat, pairs, parts, spells)
    return TamperMap(heat, seen, kept, regions)


def _mostly_seen(pairs: Sequence[Pair]) -> Mask:
    """Cells that at least half of the pairs show; a single one, not seen, where there are no pairs."""
    if not pairs:
        return np.zeros((1, 1), np.bool_)
    shown: Mask = np.mean([seen_cells(pair) for pair in pairs], axis=0) >= _SHORTEST_SEEN
    return shown


def _spells(count: int) -> list[list[int]]:
    """Runs of three or four successive pairs."""
    return [part.tolist() for part in np.array_split(np.arange(count), max(1, count // _PAIRS_PER_SPELL))]


def _heat(evidence: Sequence[Evidence]) -> Cells:
    """How far each cell is beyond the limit of departure or of loss, whichever is more; 0 where not seen."""
    times_seen = np.sum([one.seen for one in evidence], axis=0)
    seen = times_seen >= max(1.0, _SHORTEST_SEEN * len(evidence))
    if not seen.any():
        return np.zeros(seen.shape)
    departure = np.sum([one.departure * one.seen for one in evidence], axis=0) / np.maximum(times_seen, 1)
    heat = np.maximum(_departure_heat(departure, seen), _loss_heat(evidence, seen))
    return np.where(seen, cv2.GaussianBlur(heat, (0, 0), 0.7), 0.0)


def _departure_heat(departure: Cells, seen: Mask) -> Cells:
    usual = float(np.median(departure[seen]))
    spread = 1.4826 * float(np.median(np.abs(departure[seen] - usual)))
    limit = usual + max(_DEPARTURE_FLOOR, _DEPARTURE_SPREADS * spread)
    return departure / limit


def _loss_heat(evidence: Sequence[Evidence], seen: Mask) -> Cells:
    """Loss of structure against cells with as much of it: those lose alike in an encoding or a blur."""
    take, both = (
        np.sum([getattr(one, name) * one.seen for one in evidence], axis=0) for name in ("take", "both")
    )
    times = np.maximum(np.sum([one.seen for one in evidence], axis=0), 1)
    rich = seen & (take / times >= _STRUCTURE_FLOOR)
    heat = np.zeros(take.shape)
    if rich.sum() < 4 * _LEVELS:
        return heat
    kept = both[rich] / take[rich]
    order = np.argsort(take[rich])
    loss, limit = np.zeros(len(order)), np.ones(len(order))
    for level in np.array_split(order, _LEVELS):
        usual = max(float(np.median(kept[level])), 0.05)
        loss[level] = 1 - kept[level] / usual
        spread = 1.4826 * float(np.median(np.abs(loss[level])))
        limit[level] = max(_LOSS_FLOOR, _LOSS_SPREADS * spread)
    heat[rich] = np.maximum(loss, 0) / limit
    return heat


def _grown(heat: Cells, seen: Mask) -> Mask:
    """Areas above the lower limit that hold cells above the higher one, closed and without holes."""
    warm = cv2.morphologyEx((heat >= _GROWN).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CLOSING_CELLS + 1, 2 * _CLOSING_CELLS + 1))
    rim = _CLOSING_CELLS
    padded = cv2.copyMakeBorder(warm, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)[rim:-rim, rim:-rim]
    filled = np.zeros_like(closed)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    count, labels = cv2.connectedComponents(filled)
    grown = np.zeros(heat.shape, np.bool_)
    for label in range(1, count):
        area = labels == label
        is_hot = float(np.quantile(heat[area], 0.9)) >= _SEED
        if is_hot and area.sum() >= _LEAST_AREA * area.size:
            grown |= area
    return grown & seen


def _regions(
    tampered: Mask,
    heat: Cells,
    pairs: Sequence[Pair],
    parts: Sequence[Cells],
    spells: Sequence[Sequence[int]],
) -> tuple[tuple[Region, ...], Mask]:
    count, labels = cv2.connectedComponents(tampered.astype(np.uint8))
    rows, columns = heat.shape
    found = []
    kept = np.zeros_like(tampered)
    areas = sorted((labels == label for label in range(1, count)), key=lambda area: -int(area.sum()))
    for area in areas[:_MAX_REGIONS]:
        if area.sum() < _LEAST_AREA * area.size:
            continue
        ys, xs = np.nonzero(area)
        start_s, end_s = _when(area, parts, spells, pairs)
        kept |= area
        found.append(
            Region(
                x0=float(xs.min() / columns),
                y0=float(ys.min() / rows),
                x1=float((xs.max() + 1) / columns),
                y1=float((ys.max() + 1) / rows),
                start_s=start_s,
                end_s=end_s,
                area=float(area.mean()),
                heat=float(np.quantile(heat[area], 0.9)),
            )
        )
    return tuple(found), kept


def _when(
    area: Mask, parts: Sequence[Cells], spells: Sequence[Sequence[int]], pairs: Sequence[Pair]
) -> tuple[float, float]:
    """From the first to the last spell in which the area is hot; spells meet half way between their pairs."""
    hot = [n for n, part in enumerate(parts) if float(np.quantile(part[area], 0.75)) >= _GROWN]
    hot = hot or list(range(len(parts)))
    times = [pair.take_time_s for pair in pairs]
    first, last = spells[hot[0]][0], spells[hot[-1]][-1]
    start_s = times[first] if first == 0 else (times[first - 1] + times[first]) / 2
    end_s = times[last] if last == len(times) - 1 else (times[last] + times[last + 1]) / 2
    return start_s, end_s
