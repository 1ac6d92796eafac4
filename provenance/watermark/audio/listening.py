"""Turns a stream of sound into band energies every 4 ms, kept in units of five seconds and in bounded memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.grid import (
    BAND_HZ,
    HIGHEST_HZ,
    LOWEST_HZ,
    SLOT_S,
    TILE_S,
    Sound,
    check_rate,
    check_sound,
    frame_samples,
    hann,
    shares,
)

COLUMNS_PER_SLOT = 4
COLUMN_S = SLOT_S / COLUMNS_PER_SLOT
UNIT_COLUMNS = round(2 * TILE_S / COLUMN_S)
# Finer and a little wider than the bands of the mark, so that sound played faster or slower can be regrouped.
SUB_BAND_HZ = BAND_HZ / 2
SUB_LOWEST_HZ = LOWEST_HZ - 1.2 * SUB_BAND_HZ
SUB_BANDS = int((HIGHEST_HZ * 1.06 - SUB_LOWEST_HZ) / SUB_BAND_HZ)
MAX_UNITS = 256
_SILENCE = 1e-18  # in power, where full scale is about 1: 24 bit audio ends at 1e-15
_COLUMNS_AT_ONCE = 250


@dataclass(frozen=True)
class Unit:
    """About five seconds of sound: log2 of energies (columns, SUB_BANDS) float16 from column `first` of the clip on."""

    first: int
    levels: NDArray[np.float16]

    @property
    def end(self) -> int:
        """The column after the last."""
        return self.first + len(self.levels)


class Listener:
    """Takes sound in blocks of any length. Up to 22 minutes all of it is kept, of longer sound evenly spread units.

    Holds at most 35 MB. Column c stands for the 16 ms of sound around 4 ms x c.
    """

    def __init__(self, sample_rate: int) -> None:
        check_rate(sample_rate)
        self._rate = sample_rate
        self._samples = frame_samples(sample_rate)
        self._shares = shares(sample_rate, self._samples, SUB_LOWEST_HZ, SUB_BAND_HZ, SUB_BANDS)
        self._window = hann(self._samples)
        self._channels: int | None = None
        self._waiting: Sound = np.zeros((0, 0), dtype=np.float32)
        self._waiting_from = -(self._samples // 2)  # the sample at which the waiting sound begins
        self._taken = 0
        self._column = 0
        self._open: list[NDArray[np.float16]] = []
        self._open_columns = 0
        self._units: list[Unit] = []
        self._units_heard = 0
        self._stride = 1

    @property
    def seconds(self) -> float:
        """Length of what was taken."""
        return self._taken / self._rate

    def add(self, samples: Sound) -> None:
        """Takes (n, channels) float32. Raises SoundShape."""
        check_sound(samples, self._channels)
        if self._channels is None:
            self._channels = samples.shape[1]
            self._waiting = np.zeros((self._samples // 2, self._channels), dtype=np.float32)
        self._taken += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while self._take_columns():
            pass

    def units(self) -> list[Unit]:
        """What was heard so far, in order; a short last piece is joined to the unit before it."""
        units = list(self._units)
        if not self._open_columns:
            return units
        last = Unit(self._column - self._open_columns, np.concatenate(self._open))
        if units and units[-1].end == last.first and self._open_columns < UNIT_COLUMNS // 2:
            before = units.pop()
            last = Unit(before.first, np.concatenate([before.levels, last.levels]))
        return [*units, last]

    def _take_columns(self) -> bool:
        """Reads up to one second of columns from the waiting sound; False when there is not enough for one."""
        ahead = self._column + np.arange(_COLUMNS_AT_ONCE)
        starts = (
            np.round(ahead * COLUMN_S * self._rate).astype(np.intp) - self._samples // 2 - self._waiting_from
        )
        starts = starts[starts + self._samples <= len(self._waiting)]
        if not len(starts):
            return False
        overlapping = np.lib.stride_tricks.sliding_window_view(self._waiting, self._samples, axis=0)[starts]
        spectra = np.fft.rfft(overlapping * self._window, axis=2)
        power = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=1) / self._samples**2
        levels = np.log2(power @ self._shares.T + _SILENCE).astype(np.float16)
        self._keep(levels)
        consumed = int(starts[-1])
        self._waiting = self._waiting[consumed:]
        self._waiting_from += consumed
        return True

    def _keep(self, levels: NDArray[np.float16]) -> None:
        while len(levels):
            part = levels[: UNIT_COLUMNS - self._open_columns]
            levels = levels[len(part) :]
            self._open.append(part)
            self._open_columns += len(part)
            self._column += len(part)
            if self._open_columns == UNIT_COLUMNS:
                self._close_unit()

    def _close_unit(self) -> None:
        if self._units_heard % self._stride == 0:
            if len(self._units) == MAX_UNITS:
                self._units, self._stride = self._units[::2], 2 * self._stride
            if self._units_heard % self._stride == 0:
                self._units.append(Unit(self._column - UNIT_COLUMNS, np.concatenate(self._open)))
        self._units_heard += 1
        self._open, self._open_columns = [], 0
