"""Reads the letters of a copy from a suspect clip, quarter second by quarter second, once its mark was found."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.copies.carrier import PERIOD, letter_band, letter_phasors
from provenance.watermark.copies.tracing import Reading
from provenance.watermark.findings import Detection, Geometry
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.residual import Window, reduced, reduction_of, residual
from provenance.watermark.view import folded_at

# Half a letter: a clip may begin in the middle of one.
WINDOW_S = 0.25
_NOISE_BANDS = 8


@dataclass(frozen=True)
class Place:
    """Where in its take a clip lies: at clip_s of the clip the take is at take_s; speed is seconds of it per second."""

    clip_s: float = 0.0
    take_s: float = 0.0
    speed: float = 1.0

    @classmethod
    def of(cls, detection: Detection) -> "Place":
        """Where a detection puts the clip; a clip of unknown place is put at the take's beginning."""
        return cls(detection.start_s, detection.source_start_s or 0.0, detection.speed)

    def in_take(self, time_s: float) -> float:
        """The time in the take of a time in the clip."""
        return self.take_s + (time_s - self.clip_s) * self.speed

    def lay(self, readings: Iterable[Reading]) -> tuple[Reading, ...]:
        """Readings in the clip's time as readings in the take's."""
        return tuple(Reading(self.in_take(r.start_s), self.in_take(r.end_s), r.z) for r in readings)


class LetterReader:
    """Takes the frames of a clip at the geometry of a detection, then says which letters it spells.

    Memory: two pictures, and about 6 KB per second of the clip.
    """

    def __init__(self, key: WatermarkKey, geometry: Geometry) -> None:
        self._expected = letter_phasors(key)
        self._geometry_whole = geometry
        self._geometry: Geometry | None = None
        self._window: Window | None = None
        self._times: list[tuple[float, float]] = []
        self._values: list[NDArray[np.complex64]] = []

    def add(self, luma: NDArray[np.uint8], time_s: float, frame_s: float) -> None:
        """Takes a frame of (H, W) uint8 luma, shown at time_s for frame_s seconds."""
        if self._geometry is None:
            self._geometry = self._geometry_whole.reduced_by(reduction_of(*luma.shape))
        slot = floor(time_s / WINDOW_S + 1e-9)
        if self._window is None or floor(self._window.start_s / WINDOW_S + 1e-9) != slot:
            self._finish_window()
            self._window = Window(time_s, time_s)
        self._window.add(residual(reduced(luma)), time_s + frame_s)

    def readings(self) -> tuple[Reading, ...]:
        """What each quarter second of the clip spells, in the clip's own time."""
        self._finish_window()
        if not self._values:
            return ()
        values = np.stack(self._values)
        weighted = values * (letter_band().weight / _noise(values))
        size = np.sqrt(0.5 * np.sum(np.abs(weighted) ** 2, axis=1))
        z = (weighted @ self._expected.conj()).real / np.maximum(size, 1e-12)
        return tuple(
            Reading(start_s, end_s, float(each))
            for (start_s, end_s), each in zip(self._times, z, strict=True)
        )

    def _finish_window(self) -> None:
        window, self._window = self._window, None
        if window is None or self._geometry is None:
            return
        used = letter_band()
        seen = np.fft.rfft2(folded_at(window.plane, self._geometry, PERIOD))[used.ky, used.kx]
        self._times.append((window.start_s, window.end_s))
        self._values.append(seen.astype(np.complex64))


def _noise(values: NDArray[np.complex64]) -> NDArray[np.float64]:
    """(BINS,) mean power of the band of radius around each frequency, 8 bands in all; never zero."""
    power = np.mean(np.abs(values) ** 2, axis=0)
    bands = [np.full(len(part), part.mean()) for part in np.array_split(power, _NOISE_BANDS)]
    noise: NDArray[np.float64] = np.maximum(np.concatenate(bands), 1e-12)
    return noise
