"""Turns band energies into values that an unmarked sound spreads evenly over, so that a pattern stands out."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.audio.grid import BAND_HZ, BANDS, LOWEST_HZ, SLOTS
from provenance.watermark.audio.listening import (
    COLUMNS_PER_SLOT,
    SUB_BAND_HZ,
    SUB_BANDS,
    SUB_LOWEST_HZ,
    Unit,
)

TILE_COLUMNS = SLOTS * COLUMNS_PER_SLOT
_DYNAMIC_RANGE = 16.0  # natural logarithm of energy: what lies 70 dB below the loudest cell counts as silence
_SILENCE_LEVEL = -36.0  # natural logarithm of energy: about -156 dB of full scale
_CONTEXT = 9  # slots, and bands
_LEVEL_SLOTS, _LEVEL_BANDS = 7, 5
_LEVEL_FLOOR = 0.1
_CLIP = 2.0
_SPECTRUM_BOX = 5
_SPECTRUM_FLOOR = 1e-3
_FEWEST_SLOTS = _CONTEXT

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Playback:
    """How a suspect clip may have been played.

    speed: seconds of the take per second of the clip. pitch: factor on all frequencies; equal to speed for a plain
    change of speed, 1 where the pitch was kept.
    """

    speed: float = 1.0
    pitch: float = 1.0


AS_MADE = Playback()


@dataclass(frozen=True)
class Cells:
    """Whitened cells of a unit: values (columns, BANDS), the first of them at column `first` of the take's clock."""

    first: int
    values: Values

    def fold(self) -> Values:
        """(COLUMNS_PER_SLOT, SLOTS, BANDS): the sum over all tiles, by phase within a slot."""
        before = self.first % TILE_COLUMNS
        after = -(before + len(self.values)) % TILE_COLUMNS
        padded = np.pad(self.values, ((before, after), (0, 0)))
        tiles = padded.reshape(-1, SLOTS, COLUMNS_PER_SLOT, BANDS).sum(axis=0)
        return np.ascontiguousarray(tiles.transpose(1, 0, 2))


def cells(unit: Unit, playback: Playback = AS_MADE) -> Cells | None:
    """The whitened cells of a unit, were it played like that; None where it is silent or too short."""
    energies = np.exp2(unit.levels.astype(np.float32)) @ _regrouping(playback.pitch).T
    if playback.speed == 1.0:
        first, steps = unit.first, max(len(energies) - COLUMNS_PER_SLOT + 1, 0)
        starts = np.arange(steps, dtype=np.float64)
    else:
        first = int(np.ceil(unit.first * playback.speed))
        last = int((unit.end * playback.speed) - COLUMNS_PER_SLOT)
        starts = np.arange(first, last) / playback.speed - unit.first
    if len(starts) < _FEWEST_SLOTS * COLUMNS_PER_SLOT:
        return None
    summed = np.zeros((len(energies) + 1, BANDS))
    np.cumsum(energies, axis=0, dtype=np.float64, out=summed[1:])
    energy = _at(summed, starts + COLUMNS_PER_SLOT / playback.speed) - _at(summed, starts)
    levels = np.log(np.maximum(energy, np.exp(_SILENCE_LEVEL)))
    if levels.max() <= _SILENCE_LEVEL:
        return None
    return Cells(first, _whiten(levels.astype(np.float32)))


@lru_cache(maxsize=256)
def _regrouping(pitch: float) -> Values:
    """(BANDS, SUB_BANDS) share of each sub-band of the clip in each band of the take."""
    sub_low = SUB_LOWEST_HZ + SUB_BAND_HZ * np.arange(SUB_BANDS)
    low = pitch * (LOWEST_HZ + BAND_HZ * np.arange(BANDS)[:, None])
    inside = np.minimum(sub_low + SUB_BAND_HZ, low + pitch * BAND_HZ) - np.maximum(sub_low, low)
    share: Values = np.clip(inside / SUB_BAND_HZ, 0, 1).astype(np.float32)
    return share


def _at(summed: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of running sums at places between columns."""
    below = np.clip(places.astype(np.intp), 0, len(summed) - 2)
    share = np.clip(places - below, 0, 1)[:, None]
    rows: NDArray[np.float64] = summed[below] * (1 - share) + summed[below + 1] * share
    return rows


def _whiten(levels: Values) -> Values:
    """(columns, BANDS) levels to values of mean 0, even spread and flat spectrum, for each phase of the slots apart."""
    audible = np.maximum(levels, levels.max() - _DYNAMIC_RANGE)
    whole = len(audible) // COLUMNS_PER_SLOT * COLUMNS_PER_SLOT
    by_phase = audible[:whole].reshape(-1, COLUMNS_PER_SLOT, BANDS)
    white = np.empty_like(by_phase)
    for phase in range(COLUMNS_PER_SLOT):
        plane = np.ascontiguousarray(by_phase[:, phase])
        plane -= _mean(plane, _CONTEXT, 1)
        plane -= _mean(plane, 1, _CONTEXT)
        # A box sum of squares may come out a hair below zero in float32; its root would be NaN.
        power = np.maximum(_mean(plane * plane, _LEVEL_SLOTS, _LEVEL_BANDS), 0)
        plane = np.clip(plane / (np.sqrt(power) + np.float32(_LEVEL_FLOOR)), -_CLIP, _CLIP)
        white[:, phase] = _flatten_spectrum(plane)
    values: Values = white.reshape(whole, BANDS)
    return values


def _mean(plane: Values, slots: int, bands: int) -> Values:
    mean = cv2.blur(plane, (bands, slots), borderType=cv2.BORDER_REPLICATE)
    return mean.astype(np.float32, copy=False)


def _flatten_spectrum(plane: Values) -> Values:
    """Divides the two-dimensional spectrum by its local size: rhythm and harmonics are strong in few places of it."""
    spectrum = fft.rfft2(plane, axes=(1, 0))
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    floor = _SPECTRUM_FLOOR * float(power.mean())
    if floor == 0.0:
        return plane
    edge = _SPECTRUM_BOX // 2
    # Round along the bands; along the slots the other half of the spectrum is the mirror image of this one.
    wrapped = np.pad(power, ((0, 0), (edge, edge)), mode="wrap")
    wrapped = np.pad(wrapped, ((edge, edge), (0, 0)), mode="reflect")
    around = np.maximum(_mean(wrapped, _SPECTRUM_BOX, _SPECTRUM_BOX)[edge:-edge, edge:-edge], 0)
    flat = fft.irfft2(spectrum / np.sqrt(around + floor), s=plane.shape[::-1], axes=(1, 0))
    return np.asarray(flat, dtype=np.float32)
