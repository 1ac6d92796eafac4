"""Searches the sums of a clip for the marks of several keys, from the likeliest geometry to the rarest."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import TILE, carriers
from provenance.watermark.findings import Detection, Geometry, Span
from provenance.watermark.hypotheses import MOST_HYPOTHESES, Looks, Source
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.message import IssuedMessages
from provenance.watermark.reading import Aligned, Reading, Tries, align, pilot_heights, read
from provenance.watermark.residual import Accumulator
from provenance.watermark.sync import REFINED_POSITIONS, Fit, Peak, Pilots, refine, settle
from provenance.watermark.timeline import time_line
from provenance.watermark.view import View

_REFINE_ABOVE_Z = 4.6
_SETTLE_BELOW_Z = 12.0
_UNCROPPED_ABOVE_Z = 2.0
_MOST_UNCROPPED = 8
_FOLLOWED_PER_STAGE = 4
_SURE_Z = 8.0
_FEW_KEYS = 4  # the time of a look grows with the keys
_P_PRESENT = 1e-6
_MARKED_Z = 3.0


@dataclass(frozen=True)
class _Look:
    """One hypothesis that showed something."""

    seen: View
    peak: Peak
    source: Source


@dataclass(frozen=True)
class _Place:
    """Where a pattern of one key may lie, and how strongly its pilot is there; first_z: where the search began."""

    geometry: Geometry
    secret: int
    z: float
    first_z: float
    source: Source

    @classmethod
    def of(cls, fit: Fit, source: Source) -> "_Place":
        """Where a fit puts it."""
        return cls(fit.geometry(), fit.secret, fit.z, fit.first_z, source)


class Search:
    """One search over all sums, geometries and keys.

    reduction: how much smaller the pictures were made before they were summed. deadline: of time.monotonic().
    """

    def __init__(
        self,
        keys: list[WatermarkKey],
        accumulator: Accumulator,
        reduction: int,
        frames_used: int,
        deadline: float | None,
        issued: Mapping[str, IssuedMessages],
    ) -> None:
        self._keys = keys
        self._pilots = Pilots([carriers(key) for key in keys])
        self._looks = Looks(accumulator, tries_turns=len(keys) <= _FEW_KEYS)
        self._all_windows = accumulator.windows or accumulator.key_windows
        self._reduction = reduction
        self._frames_used = frames_used
        self._deadline = deadline
        self._issued = issued
        self._tries = Tries()
        self._found: dict[str, Detection] = {}
        # Chance reaches as much higher as there are more keys to choose from.
        self._refine_above_z = sqrt(_REFINE_ABOVE_Z**2 + 2 * log(len(keys)))
        self._uncropped_above_z = sqrt(_UNCROPPED_ABOVE_Z**2 + 2 * log(len(keys)))

    def run(self) -> list[Detection]:
        """What there is, messages first, then by strength."""
        for number, stage in enumerate(self._looks.stages()):
            self._work_through(stage)
            if number == 0 and not self._is_over():
                self._try_uncropped()
            if self._is_over():
                break
        return sorted(self._found.values(), key=lambda one: (one.payload is None, -one.z))

    def _try_uncropped(self) -> None:
        """Reads copies that show their whole master: where the pattern lies is known, however faint the pilot is."""
        places: list[_Place] = []
        for source, geometry in self._looks.uncropped():
            heights = pilot_heights(source.plane, geometry, self._pilots.secrets)
            places += [
                _Place(geometry, secret, z, z, source)
                for secret, z in enumerate(heights)
                if z >= self._uncropped_above_z
            ]
        places.sort(key=lambda place: -place.z)
        for place in places[:_MOST_UNCROPPED]:
            if not self._is_known(place.secret) and not self._is_out_of_time():
                self._read(place)

    def _work_through(self, stage: Iterator[tuple[Source, View, NDArray[np.complex128]]]) -> None:
        """Looks at every hypothesis of a stage, takes the sure ones at once and the best of the others after."""
        promising: list[_Look] = []
        for source, seen, whitened in stage:
            for peak in self._pilots.best(whitened, 2):
                if self._is_known(peak.secret) or peak.z < self._refine_above_z:
                    continue
                if peak.z >= _SURE_Z:
                    self._follow(_Look(seen, peak, source))
                else:
                    promising.append(_Look(seen, peak, source))
            if self._is_over():
                break
        promising.sort(key=lambda look: -look.peak.z)
        for look in promising[:_FOLLOWED_PER_STAGE]:
            if not self._is_known(look.peak.secret) and not self._is_out_of_time():
                self._follow(look)

    def _is_known(self, secret: int) -> bool:
        found = self._found.get(self._keys[secret].key_id)
        return found is not None and found.payload is not None

    def _is_over(self) -> bool:
        """A message was read, so that no rarer edit needs to be tried, or the time is up."""
        return any(one.payload is not None for one in self._found.values()) or self._is_out_of_time()

    def _is_out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _follow(self, look: _Look) -> None:
        fit = refine(look.seen, look.peak, self._pilots)
        self._read(_Place.of(fit, look.source))
        if fit.z < _SETTLE_BELOW_Z and not self._is_known(fit.secret):
            self._read(_Place.of(settle(look.seen, look.peak, self._pilots), look.source))

    def _read(self, place: _Place) -> None:
        key = self._keys[place.secret]
        aligned = align(place.source.windows, place.geometry)
        reading = read(aligned, key, self._tries, self._issued.get(key.key_id))
        p_presence = self._p_presence(place)
        if reading.payload is None and p_presence > _P_PRESENT:
            return
        before = self._found.get(key.key_id)
        if before is None or before.payload is None:
            self._found[key.key_id] = self._detection(place, aligned, reading, p_presence)

    def _p_presence(self, place: _Place) -> float:
        # Two ways to be this extreme: on the fixed grid, or anywhere refinement could have moved to. All that may be
        # tried counts, also where the search stops early: that keeps the bound honest.
        hypotheses = MOST_HYPOTHESES * len(self._keys)
        on_grid = hypotheses * TILE**2 * exp(-(place.first_z**2) / 2)
        refined = hypotheses * REFINED_POSITIONS * TILE**2 * exp(-(place.z**2) / 2)
        return min(1.0, 2 * min(on_grid, refined))

    def _detection(self, place: _Place, aligned: Aligned, reading: Reading, p_presence: float) -> Detection:
        key = self._keys[place.secret]
        p_message = reading.p_message
        # A right tag shows the mark as well as a strong pilot does: to be there by mistake, both would have to fail.
        p_presence = min(p_presence, p_message)
        spans, start_s, end_s, source_start_s, speed = self._when(place, aligned, key, reading)
        return Detection(
            payload=reading.payload,
            key_id=key.key_id,
            z=place.z,
            p_presence=p_presence,
            p_message=p_message,
            p_false_positive=p_presence,
            hypotheses=MOST_HYPOTHESES * len(self._keys),
            frames_used=place.source.frames,
            geometry=place.geometry.reduced_by(1 / self._reduction),
            start_s=start_s,
            end_s=end_s,
            source_start_s=source_start_s,
            speed=speed,
            spans=spans,
            is_recognised=reading.is_recognised,
            soft_bits=reading.soft_bits,
        )

    def _when(
        self, place: _Place, aligned: Aligned, key: WatermarkKey, reading: Reading
    ) -> tuple[tuple[Span, ...], float, float, float | None, float]:
        if reading.payload is None:
            return (), float(aligned.times.min()), float(aligned.times.max()), None, 1.0
        whole = align(self._all_windows, place.geometry)
        line = time_line(whole, key, reading.payload)
        spans = tuple(
            Span(
                float(first_s),
                float(last_s),
                float(z),
                bool(z >= _MARKED_Z),
                int(segment) if z >= _MARKED_Z else None,
            )
            for (first_s, last_s), z, segment in zip(whole.times, line.z, line.segments, strict=True)
        )
        start_s, end_s = _longest_stretch(spans)
        source_start_s = None if line.source_start_s is None else line.source_start_s + line.speed * start_s
        return spans, start_s, end_s, source_start_s, line.speed


def _longest_stretch(spans: tuple[Span, ...]) -> tuple[float, float]:
    """Start and end of the longest run of marked spans; a single weak one inside does not break it."""
    runs: list[list[Span]] = []
    gap = 2
    for span in spans:
        gap = 0 if span.is_marked else gap + 1
        if span.is_marked and runs and runs[-1] and span.start_s - runs[-1][-1].end_s < 0.75:
            runs[-1].append(span)
        elif span.is_marked:
            runs.append([span])
    if not runs:
        return spans[0].start_s, spans[-1].end_s
    longest = max(runs, key=lambda run: run[-1].end_s - run[0].start_s)
    return longest[0].start_s, longest[-1].end_s
