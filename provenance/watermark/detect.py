"""Finds marks in a clip of unknown origin with nothing but the keys, and says how sure it is."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.carrier import TILE, carriers
from provenance.watermark.embed import grey_of
from provenance.watermark.findings import Detection, Span
from provenance.watermark.hypotheses import MOST_HYPOTHESES, Looks, Source
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.message import p_wrong_message
from provenance.watermark.reading import Aligned, Reading, align, read, time_line
from provenance.watermark.residual import Accumulator, Equaliser
from provenance.watermark.sync import REFINED_POSITIONS, Fit, Peak, Pilots, refine
from provenance.watermark.view import View

_LARGE_SHORT_SIDE = 1440
_REFINE_ABOVE_Z = 4.6
_READ_ABOVE_Z = 6.2
_FOLLOWED_PER_STAGE = 4
_SURE_Z = 8.0
_MAX_READS = 48
_P_PRESENT = 1e-6
_MARKED_Z = 3.0
_DEFAULT_FRAME_S = 1 / 25


class Detector:
    """Takes the frames of a clip one by one, then answers. Memory does not grow with the length of the clip.

    budget_s: seconds that `detect` may spend; it stops looking for rarer edits once they are over.
    """

    def __init__(self, budget_s: float | None = None) -> None:
        self._budget_s = budget_s
        self._accumulator = Accumulator()
        self._equaliser: Equaliser | None = None
        self._previous_s: float | None = None
        self._shape: tuple[int, int] | None = None
        self._reduction = 1
        self._frames_used = 0

    def add(self, luma: NDArray[np.uint8], *, time_s: float | None = None, is_key: bool = False) -> None:
        """Takes one frame of (H, W) uint8 luma; all must have the same size. Raises PictureShape.

        time_s: when it is shown, by default a 25th of a second after the one before.
        """
        self._check(luma)
        if time_s is None:
            time_s = 0.0 if self._previous_s is None else self._previous_s + _DEFAULT_FRAME_S
        frame_s = _DEFAULT_FRAME_S if self._previous_s is None else max(time_s - self._previous_s, 0.0)
        self._previous_s = time_s
        if self._accumulator.wants(time_s, is_key=is_key):
            self._frames_used += 1
            reduced = self._reduce(luma)
            if self._equaliser is None:
                self._equaliser = Equaliser(*reduced.shape)
            self._accumulator.add(self._equaliser(reduced), time_s, frame_s)

    def detect(self, keys: Sequence[WatermarkKey]) -> list[Detection]:
        """The marks made with any of `keys`, best first; empty where there is none."""
        if self._shape is None or not keys:
            return []
        deadline = None if self._budget_s is None else time.monotonic() + self._budget_s
        search = _Search(list(keys), self._accumulator, self._reduction, self._frames_used, deadline)
        return search.run()

    def _check(self, luma: NDArray[np.uint8]) -> None:
        if luma.ndim != 2 or luma.dtype != np.uint8 or 0 in luma.shape:
            raise PictureShape(
                f"An array of shape {luma.shape} and type {luma.dtype} is not luma.",
                "It must be uint8 (H, W).",
            )
        if self._shape is None:
            self._shape = luma.shape
            self._reduction = max(1, min(luma.shape) // 720) if min(luma.shape) >= _LARGE_SHORT_SIDE else 1
        elif self._shape != luma.shape:
            raise PictureShape(
                f"A frame of {luma.shape} follows frames of {self._shape}.", "Use one size per clip."
            )

    def _reduce(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._reduction == 1:
            return luma
        height, width = (side // self._reduction * self._reduction for side in luma.shape)
        size = (width // self._reduction, height // self._reduction)
        reduced = cv2.resize(luma[:height, :width], size, interpolation=cv2.INTER_AREA)
        return reduced.astype(np.uint8, copy=False)


def detect(
    frames: Iterable[NDArray[np.uint8]],
    keys: Sequence[WatermarkKey],
    *,
    fps: float = 25.0,
    budget_s: float | None = None,
) -> list[Detection]:
    """Detects in a stream of frames: (H, W) uint8 luma or (H, W, 3) uint8 RGB."""
    detector = Detector(budget_s)
    for number, frame in enumerate(frames):
        detector.add(frame if frame.ndim == 2 else grey_of(frame), time_s=number / fps, is_key=number == 0)
    return detector.detect(keys)


@dataclass(frozen=True)
class _Look:
    """One hypothesis that showed something."""

    seen: View
    peak: Peak
    source: Source


class _Search:
    """One search over all sums, geometries and keys."""

    def __init__(
        self,
        keys: list[WatermarkKey],
        accumulator: Accumulator,
        reduction: int,
        frames_used: int,
        deadline: float | None,
    ) -> None:
        self._keys = keys
        self._pilots = Pilots([carriers(key) for key in keys])
        self._looks = Looks(accumulator)
        self._all_windows = accumulator.windows or accumulator.key_windows
        self._reduction = reduction
        self._frames_used = frames_used
        self._deadline = deadline
        self._reads = 0
        self._found: dict[str, Detection] = {}
        # Chance reaches as much higher as there are more keys to choose from.
        self._refine_above_z = sqrt(_REFINE_ABOVE_Z**2 + 2 * log(len(keys)))

    def run(self) -> list[Detection]:
        for stage in self._looks.stages():
            self._work_through(stage)
            if self._is_over():
                break
        return sorted(self._found.values(), key=lambda one: (one.payload is None, -one.z))

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
        if fit.z < _READ_ABOVE_Z or self._reads >= _MAX_READS:
            return
        key = self._keys[fit.secret]
        geometry = fit.geometry()
        aligned = align(look.source.windows, geometry)
        reading = read(aligned, key, _MAX_READS - self._reads)
        self._reads += reading.reads
        p_presence = self._p_presence(fit)
        if reading.payload is None and p_presence > _P_PRESENT:
            return
        before = self._found.get(key.key_id)
        if before is None or before.payload is None:
            self._found[key.key_id] = self._detection(fit, look.source, aligned, reading, p_presence)

    def _p_presence(self, fit: Fit) -> float:
        # Two ways to be this extreme: on the fixed grid, or anywhere refinement could have moved to. All that may be
        # tried counts, also where the search stops early: that keeps the bound honest.
        hypotheses = MOST_HYPOTHESES * len(self._keys)
        on_grid = hypotheses * TILE**2 * exp(-(fit.first_z**2) / 2)
        refined = hypotheses * REFINED_POSITIONS * TILE**2 * exp(-(fit.z**2) / 2)
        return min(1.0, 2 * min(on_grid, refined))

    def _detection(
        self, fit: Fit, source: Source, aligned: Aligned, reading: Reading, p_presence: float
    ) -> Detection:
        key = self._keys[fit.secret]
        has_message = reading.payload is not None
        p_message = p_wrong_message(_MAX_READS) if has_message else 1.0
        # A right tag shows the mark as well as a strong pilot does: to be there by mistake, both would have to fail.
        p_presence = min(p_presence, p_message)
        spans, start_s, end_s, source_start_s, speed = self._when(fit, aligned, key, reading)
        return Detection(
            payload=reading.payload,
            key_id=key.key_id,
            z=fit.z,
            p_presence=p_presence,
            p_message=p_message,
            p_false_positive=p_presence,
            hypotheses=MOST_HYPOTHESES * len(self._keys),
            frames_used=source.frames,
            geometry=fit.geometry(self._reduction),
            start_s=start_s,
            end_s=end_s,
            source_start_s=source_start_s,
            speed=speed,
            spans=spans,
            soft_bits=reading.soft_bits,
        )

    def _when(
        self, fit: Fit, aligned: Aligned, key: WatermarkKey, reading: Reading
    ) -> tuple[tuple[Span, ...], float, float, float | None, float]:
        if reading.payload is None:
            return (), float(aligned.times.min()), float(aligned.times.max()), None, 1.0
        whole = align(self._all_windows, fit.geometry())
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
