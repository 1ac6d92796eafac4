"""Turns a rough place in picture and time into the exact one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from provenance.registration.clip import Clip, View, around
from provenance.registration.evening import shrunk
from provenance.registration.lattice import Placement
from provenance.registration.maps import Affine, resample
from provenance.registration.refining import Correction, lay, refine
from provenance.registration.result import Pair
from provenance.registration.timing import (
    Clock,
    Planes,
    best_lag,
    common_lag,
    draw,
    fit_clock,
    likeness_at,
    own_times,
)

_PROBES = 3
_NEIGHBOURS = 2  # frames before and after, among which a suspect's own frame is sought
_TIMING_ROUNDS = 3
_NEARBY = 2.0  # frames that the lag may still change by after the first round
_EDGE_PX = 2


@dataclass(frozen=True)
class Fit:
    """A place and a clock, the take's views they were found with, and how alike the suspect is there."""

    take_to_suspect: Affine
    clock: Clock
    planes: Planes
    likeness: float


@dataclass(frozen=True)
class Exact:
    """The final place and clock, the pairs of frames, and the last correction, None where no points were found."""

    take_to_suspect: Affine
    clock: Clock
    pairs: tuple[Pair, ...]
    correction: Correction | None


class Fitter:
    """Fits the views of one suspect to one take; maps lead from the take's view, of `size`, to the suspect's."""

    def __init__(self, take: Clip, views: Sequence[View], size: tuple[int, int], clock: Clock) -> None:
        self._take, self._views, self._size, self._clock = take, list(views), size, clock
        self._frame_s = 1 / take.fps

    def probes(self) -> list[View]:
        """A few views with much in them, far apart in time."""
        parts = np.array_split(np.arange(len(self._views)), min(_PROBES, len(self._views)))
        return [
            max((self._views[n] for n in part), key=lambda view: float(view.grey.std())) for part in parts
        ]

    def fit(self, place: Placement, reach_s: float, *, is_certain: bool) -> Fit | None:
        """The lag to the frame within `reach_s` of the place's; None where the take has no frames there.

        is_certain: the place is a lattice's and does not depend on the lag; otherwise both are found in turns,
        because in a moving shot a wrong lag shifts the place.
        """
        clock, found = self._clock.later(place.lag_s), place.take_to_suspect
        planes = self._planes(clock, reach_s)
        if not planes.views:
            return None
        if is_certain:
            drawn = [draw(view, found, self._size) for view in self.probes()]
            clock = clock.later(common_lag(drawn, clock, planes, reach_s, self._frame_s, may_move=False))
            return Fit(found, clock, planes, likeness_at(drawn, clock, planes))
        for _ in range(_TIMING_ROUNDS):
            drawn = [draw(view, found, self._size) for view in self.probes()]
            lag_s = common_lag(drawn, clock, planes, reach_s, self._frame_s, may_move=True)
            clock, reach_s = clock.later(lag_s), _NEARBY * self._frame_s
            found, _ = self._refined(found, planes, [planes.nearest(clock.at(v.time_s)) for v in self._views])
            if abs(lag_s) < self._frame_s / 2:
                break
        return Fit(found, clock, planes, likeness_at(drawn, clock, planes))

    def timed(self, place: Placement, dense: Planes, slack_s: float) -> Placement:
        """The same place at the lag that views of every frame of the take tell; they may be smaller than `size`.

        A quick movement is like itself in one frame only, and a still room at all times.
        """
        size = dense.views[0].size
        larger = Affine.scaling(self._size[0] / size[0], self._size[1] / size[1])
        drawn = [draw(view, place.take_to_suspect.after(larger), size) for view in self.probes()]
        lag_s = best_lag(drawn, self._clock, dense, slack_s)
        return place if lag_s is None else replace(place, lag_s=lag_s)

    def finish(self, fit: Fit) -> Exact:
        """Sharpens place and clock together and draws the pairs."""
        planes, clock = fit.planes, fit.clock
        numbers = [planes.nearest(clock.at(view.time_s)) for view in self._views]
        found, _ = self._refined(fit.take_to_suspect, planes, numbers)
        drawn = [draw(view, found, self._size) for view in self._views]
        numbers, sureness = own_times(drawn, clock, planes, _NEIGHBOURS * self._frame_s)
        times = np.array([view.time_s for view in self._views])
        shown = np.array([planes.views[n].time_s for n in numbers])
        clock = fit_clock(times, shown, np.array(sureness), clock)
        # Close to the clock now: a frame that only looked right by chance further away is out.
        numbers, _ = own_times(drawn, clock, planes, self._frame_s)
        found, correction = self._refined(found, planes, numbers)
        pairs = [self._pair(view, n, found, planes) for view, n in zip(self._views, numbers, strict=True)]
        return Exact(found, clock, tuple(pairs), correction)

    def _planes(self, clock: Clock, reach_s: float) -> Planes:
        wide_s = reach_s + (_NEIGHBOURS + 1) * self._frame_s
        times = [clock.at(view.time_s) for view in self._views]
        return Planes(around(self._take, [(t - wide_s, t + wide_s) for t in times], max(self._size)))

    def _refined(
        self, start: Affine, planes: Planes, numbers: Sequence[int]
    ) -> tuple[Affine, Correction | None]:
        return refine([(v, planes.views[n]) for v, n in zip(self._views, numbers, strict=True)], start)

    def _pair(self, view: View, number: int, found: Affine, planes: Planes) -> Pair:
        drawn, inside = resample(view.rgb, found, *self._size)
        laid = lay(view, planes.views[number], found)
        shown = planes.views[number]
        near = planes.near(shown.time_s, 1.5 * self._frame_s)
        return Pair(
            suspect_time_s=view.time_s,
            take_time_s=shown.time_s,
            suspect=drawn,
            inside=shrunk(inside, _EDGE_PX, at_frame=False),
            takes=tuple(planes.views[n].rgb for n in near),
            middle=near.index(number),
            likeness=laid.likeness,
            weight=laid.weight,
        )
