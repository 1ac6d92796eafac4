"""Lays a suspect clip over the take it may come from, or says why that cannot be done."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from provenance.registration.clip import Clip, View, around, reduced_size, spread
from provenance.registration.features import MIN_INLIERS, find_by_features
from provenance.registration.fitting import Exact, Fit, Fitter
from provenance.registration.lattice import TILE, LatticeGeometry, find_on_lattice, map_of
from provenance.registration.maps import Affine
from provenance.registration.refining import MIN_POINTS
from provenance.registration.result import Registration
from provenance.registration.timing import Clock, Planes

WORK_LONG_SIDE = 640
_SUSPECT_LONG_SIDE = 1280
_MOST_SAMPLES = 12
_COARSE_STEP_S = 0.12
_MOST_COARSE_VIEWS = 40
_MOST_FEATURE_VIEWS = 10
_DENSE_LONG_SIDE = 320
_MOST_DENSE_VIEWS = 240
_FEATURE_PROBES = 2
_TIMING_REACH_S = 0.5
_PLAUSIBLE_LIKENESS = 0.2
_NEARLY_AS_ALIKE = 0.6
_MOST_PLACES = 3
_SURE_LIKENESS = 0.3
_LEAST_LIKENESS = 0.25
_UNKNOWN_LENGTH_S = 60.0
_ON_LATTICE_PX = 5.0  # at 720 lines


def register(
    suspect: Clip,
    reference: Clip,
    *,
    geometry: LatticeGeometry | None = None,
    span: tuple[float, float] | None = None,
    source_start_s: float | None = None,
    speed: float = 1.0,
    slack_s: float = 1.5,
    master_size: tuple[int, int] | None = None,
) -> Registration:
    """Lays `suspect` over `reference`, a rendition of the take.

    geometry: what the detector says of the mark's place; without it the place is sought by distinctive points.
    span: the stretch of the suspect in question, in seconds. source_start_s: the moment of the take at the
    beginning of the span, give or take `slack_s`; where that is unknown or leads nowhere, the whole take is
    searched. speed: take seconds per suspect second. master_size: of the take that was marked, where `reference`
    is a smaller rendition of it.
    Raises what reading the clips raises. Memory does not grow with the length of either.
    """
    start_s, end_s = span or (0.0, None)
    views = spread(suspect, start_s, end_s, _MOST_SAMPLES, _SUSPECT_LONG_SIDE)
    if source_start_s is not None:
        job = _Job(suspect, reference, views, Clock(start_s, source_start_s, speed), geometry)
        found = job.run(slack_s, master_size)
        if found.is_registered:
            return found
    # A time that was said may be wrong.
    job = _Job(suspect, reference, views, Clock(start_s, 0.0, speed), geometry)
    return job.run(reference.duration_s or _UNKNOWN_LENGTH_S, master_size)


class _Job:
    """One registration."""

    def __init__(
        self,
        suspect: Clip,
        reference: Clip,
        views: list[View],
        clock: Clock,
        geometry: LatticeGeometry | None,
    ) -> None:
        self.suspect, self.reference, self.views, self.clock = suspect, reference, views, clock
        self.geometry = geometry
        self.size = reduced_size(reference.width, reference.height, WORK_LONG_SIDE)
        self.fitter = Fitter(reference, views, self.size, clock)
        self._to_take_view = Affine.scaling(self.size[0] / reference.width, self.size[1] / reference.height)
        reduced = views[0].size if views else (suspect.width, suspect.height)
        self._to_suspect_view = Affine.scaling(reduced[0] / suspect.width, reduced[1] / suspect.height)

    def run(self, slack_s: float, master_size: tuple[int, int] | None) -> Registration:
        """The registration, when the clock is right give or take `slack_s`."""
        if not self.views:
            return self.failed("The stretch of the suspect holds no frame.")
        asked = [(view, self.clock.at(view.time_s)) for view in self.fitter.probes()]
        windows = [(expected_s - slack_s, expected_s + slack_s) for _, expected_s in asked]
        covered_s = _covered(windows, self.reference.duration_s)
        step_s = max(1 / self.reference.fps, covered_s / _MOST_DENSE_VIEWS)
        dense = around(self.reference, windows, _DENSE_LONG_SIDE, step_s)
        if not dense:
            return self.failed("The take has no frame at the time the suspect is said to show.")
        if self.geometry is not None:
            fit = self.on_lattice(asked, dense, self.geometry, slack_s, step_s, master_size)
            if fit is not None:
                return self.judged(self.fitter.finish(fit), fit.take_to_suspect)
        coarse_step_s = max(_COARSE_STEP_S, covered_s / _MOST_FEATURE_VIEWS)
        coarse = around(self.reference, windows, WORK_LONG_SIDE, coarse_step_s)
        return self.by_features(asked[:_FEATURE_PROBES], coarse, dense, slack_s, coarse_step_s)

    def on_lattice(
        self,
        asked: Sequence[tuple[View, float]],
        dense: Sequence[View],
        geometry: LatticeGeometry,
        slack_s: float,
        step_s: float,
        master_size: tuple[int, int] | None,
    ) -> Fit | None:
        """The best fit among the likeliest places of the lattice; None where the content is not like the take's."""
        master = master_size or (self.reference.width, self.reference.height)
        canonical = max(1.0, min(master) / 720)
        to_tiles = Affine.scaling(
            *(side / mine / canonical for side, mine in zip(master, self.size, strict=True))
        )
        base = self._to_suspect_view.after(map_of(geometry)).after(to_tiles)
        period = TILE / to_tiles.xx, TILE / to_tiles.yy
        stride = max(1, ceil(_COARSE_STEP_S / step_s - 1e-6), -(-len(dense) // _MOST_COARSE_VIEWS))
        places = find_on_lattice(asked, dense[::stride], self.size, base, period, slack_s, stride * step_s)
        if not places or places[0].likeness < _PLAUSIBLE_LIKENESS:
            return None
        # Small pictures can be alike by chance; the right place is alike in fine detail as well.
        close = [place for place in places if place.likeness >= _NEARLY_AS_ALIKE * places[0].likeness]
        planes = Planes(dense)
        timed = [self.fitter.timed(place, planes, slack_s) for place in close[:_MOST_PLACES]]
        fits = [self.fitter.fit(place, 1.5 * step_s, is_certain=True) for place in timed]
        best = max((fit for fit in fits if fit is not None), key=lambda fit: fit.likeness, default=None)
        return best if best is not None and best.likeness >= _SURE_LIKENESS else None

    def by_features(
        self,
        asked: Sequence[tuple[View, float]],
        coarse: Sequence[View],
        dense: Sequence[View],
        slack_s: float,
        step_s: float,
    ) -> Registration:
        """The registration by distinctive points alone."""
        place = find_by_features(asked, coarse, slack_s)
        if place is None:
            where = "fits no place of the mark's lattice and " if self.geometry is not None else ""
            return self.failed(
                f"The content {where}shares fewer than {MIN_INLIERS} distinctive points with the take."
            )
        place = self.fitter.timed(place, Planes(dense), slack_s)
        fit = self.fitter.fit(place, max(step_s, min(slack_s, _TIMING_REACH_S)), is_certain=False)
        if fit is None:
            return self.failed("The take has no frame at the time the suspect is said to show.")
        return self.judged(self.fitter.finish(fit), None)

    def judged(self, exact: Exact, lattice_map: Affine | None) -> Registration:
        """The answer for a place that was found, which may still be none."""
        weights = np.array([pair.weight for pair in exact.pairs]) + 1e-6
        alike = float(np.average([pair.likeness for pair in exact.pairs], weights=weights))
        points = exact.correction.points if exact.correction else 0
        spread_px = exact.correction.spread_px / self._to_take_view.xx if exact.correction else 0.0
        if alike < _LEAST_LIKENESS or points < MIN_POINTS:
            return self.failed(
                f"The content is not that of the take: laid over it as well as can be, the likeness is {alike:.2f}."
            )
        return Registration(
            is_registered=True,
            reason=f"Laid over the take by {points} points that agree within {spread_px:.2f} pixels.",
            take_size=(self.reference.width, self.reference.height),
            suspect_size=(self.suspect.width, self.suspect.height),
            clock=exact.clock,
            take_to_suspect=self._to_suspect_view.inverse()
            .after(exact.take_to_suspect)
            .after(self._to_take_view),
            on_lattice=self._agrees(exact.take_to_suspect, lattice_map),
            likeness=alike,
            points=points,
            spread_px=spread_px,
            pairs=exact.pairs,
        )

    def _agrees(self, found: Affine, lattice_map: Affine | None) -> bool | None:
        """Compared where the suspect shows something, which may be a small part of the take; None without a mark."""
        if lattice_map is None:
            return None if self.geometry is None else False
        away = found.inverse().distance(lattice_map.inverse(), *self.views[0].size)
        return away <= _ON_LATTICE_PX * max(min(self.size) / 720, 1 / found.scale)

    def failed(self, reason: str) -> Registration:
        """The answer that the suspect cannot be laid over the take."""
        return Registration(
            is_registered=False,
            reason=reason,
            take_size=(self.reference.width, self.reference.height),
            suspect_size=(self.suspect.width, self.suspect.height),
            clock=self.clock,
            on_lattice=None if self.geometry is None else False,
        )


def _covered(windows: Sequence[tuple[float, float]], duration_s: float) -> float:
    """Seconds of the take inside any window."""
    total, reached = 0.0, 0.0
    for start, end in sorted(windows):
        start, end = max(start, reached), min(end, duration_s) if duration_s else end
        total += max(0.0, end - start)
        reached = max(reached, end)
    return total
