"""Finds to the frame which moment of the take each frame of the suspect shows."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.registration.clip import View
from provenance.registration.evening import Mask, Plane, evened, likeness, shrunk
from provenance.registration.maps import Affine, resample
from provenance.registration.refining import Laid, settled

_PLANES_KEPT = 64
_EDGE_PX = 6
_SAME_LIKENESS = 0.001
_TRIMMING_STEPS = 4
_LEAST_SPREAD_S = 0.02


@dataclass(frozen=True)
class Clock:
    """Take seconds of a suspect's time: start_s + speed * (time - zero_s)."""

    zero_s: float
    start_s: float
    speed: float

    def at(self, time_s: float) -> float:
        """Take seconds."""
        return self.start_s + self.speed * (time_s - self.zero_s)

    def later(self, lag_s: float) -> "Clock":
        """The clock with a lag added."""
        return Clock(self.zero_s, self.start_s + lag_s, self.speed)


@dataclass(frozen=True)
class Drawn:
    """A suspect's evened view in the take's frame, and where it has a picture."""

    view: View
    plane: Plane
    mask: Mask


def draw(view: View, take_to_suspect: Affine, size: tuple[int, int]) -> Drawn:
    """Draws a view into a frame of `size`, evened; the map must lead from that frame."""
    drawn, inside = resample(view.grey, take_to_suspect, *size)
    return Drawn(view, evened(drawn), shrunk(inside, _EDGE_PX))


class Planes:
    """Views of the take in order of time; the latest 64 that were asked for are kept evened."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views = sorted(views, key=lambda view: view.time_s)
        self._times = np.array([view.time_s for view in self.views])
        self._evened: OrderedDict[int, Plane] = OrderedDict()

    def near(self, time_s: float, within_s: float) -> list[int]:
        """Numbers of the views within so many seconds of a time."""
        return [int(n) for n in np.nonzero(np.abs(self._times - time_s) <= within_s + 1e-6)[0]]

    def nearest(self, time_s: float) -> int:
        """Number of the view closest to a time."""
        return int(np.argmin(np.abs(self._times - time_s)))

    def at(self, number: int) -> Plane:
        """The evened view."""
        if number not in self._evened:
            self._evened[number] = evened(self.views[number].grey)
            if len(self._evened) > _PLANES_KEPT:
                self._evened.popitem(last=False)
        return self._evened[number]


def best_lag(drawn: Sequence[Drawn], clock: Clock, planes: Planes, slack_s: float) -> float | None:
    """The lag within `slack_s` at which the suspects are most like the take's views; None where there are none."""
    curves = []
    for one in drawn:
        expected = clock.at(one.view.time_s)
        numbers = planes.near(expected, slack_s)
        if numbers:
            scores = [likeness(planes.at(n), one.plane, one.mask) for n in numbers]
            curves.append(([planes.views[n].time_s - expected for n in numbers], scores))
    if not curves:
        return None
    lags = np.unique(np.concatenate([lag for lag, _ in curves]))
    total = np.sum([np.interp(lags, lag, score) for lag, score in curves], axis=0) / len(curves)
    near_best = lags[total >= total.max() - _SAME_LIKENESS]
    return float(near_best[np.argmin(np.abs(near_best))])


def common_lag(
    drawn: Sequence[Drawn], clock: Clock, planes: Planes, slack_s: float, frame_s: float, *, may_move: bool
) -> float:
    """The lag, in steps of a frame, at which the suspects are most like the take.

    may_move: the map is not certain, so at every lag it may first move to where it fits best.
    """
    steps = max(1, round(slack_s / frame_s))
    scored = []
    for step in sorted(range(-steps, steps + 1), key=abs):
        lag = step * frame_s
        laid = [
            Laid(planes.at(planes.nearest(clock.at(one.view.time_s) + lag)), one.plane, one.mask)
            for one in drawn
        ]
        scored.append(
            (float(np.mean([pair.likeness for pair in (settled(laid) if may_move else laid)])), lag)
        )
    best = max(score for score, _ in scored)
    # Of lags that are as good as equal (a frozen shot) the one nearest to what was expected.
    return next(lag for score, lag in scored if score >= best - _SAME_LIKENESS)


def likeness_at(drawn: Sequence[Drawn], clock: Clock, planes: Planes) -> float:
    """Mean likeness of the suspects to the views that the clock gives them."""
    numbers = [planes.nearest(clock.at(one.view.time_s)) for one in drawn]
    return float(
        np.mean([likeness(planes.at(n), one.plane, one.mask) for n, one in zip(numbers, drawn, strict=True)])
    )


def own_times(
    drawn: Sequence[Drawn], clock: Clock, planes: Planes, within_s: float
) -> tuple[list[int], list[float]]:
    """Per suspect the view it is most like within some seconds of what the clock says, and how sure that is.

    Sureness is how much more alike the best view is than the least alike: 0 in a frozen shot.
    """
    chosen, sureness = [], []
    for one in drawn:
        expected = clock.at(one.view.time_s)
        numbers = planes.near(expected, within_s) or [planes.nearest(expected)]
        scores = [likeness(planes.at(number), one.plane, one.mask) for number in numbers]
        best = max(scores)
        candidates = [n for n, score in zip(numbers, scores, strict=True) if score >= best - _SAME_LIKENESS]
        chosen.append(min(candidates, key=lambda n: abs(planes.views[n].time_s - expected)))
        sureness.append(best - min(scores))
    return chosen, sureness


def fit_clock(
    times_s: NDArray[np.float64], take_s: NDArray[np.float64], weights: NDArray[np.float64], start: Clock
) -> Clock:
    """The straight line through the times found; `start` where they say nothing. Speed only from 4 or more."""
    if weights.sum() < 1e-3:
        return start
    kept = weights > 0.1 * weights.max()
    clock = start
    for _ in range(_TRIMMING_STEPS):
        clock = _line(times_s[kept], take_s[kept], weights[kept], start)
        away = np.abs(take_s - np.array([clock.at(t) for t in times_s]))
        spread = max(1.4826 * float(np.median(away[kept])), _LEAST_SPREAD_S)
        still = (away <= 2.5 * spread) & (weights > 0.1 * weights.max())
        if still.sum() < 2 or bool(np.all(still == kept)):
            break
        kept = still
    return clock


def _line(
    times: NDArray[np.float64], take: NDArray[np.float64], weights: NDArray[np.float64], start: Clock
) -> Clock:
    mean_time, mean_take = np.average(times, weights=weights), np.average(take, weights=weights)
    variance = float(np.average((times - mean_time) ** 2, weights=weights))
    speed = start.speed
    if len(times) >= 4 and variance > 0.05:
        covariance = float(np.average((times - mean_time) * (take - mean_take), weights=weights))
        speed = covariance / variance
    return Clock(start.zero_s, float(mean_take + speed * (start.zero_s - mean_time)), speed)
