"""Looks for a key's pilot in folded cells at every shift, and bounds how strongly chance could show it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.carrier import carriers
from provenance.watermark.audio.grid import SLOTS
from provenance.watermark.audio.listening import COLUMNS_PER_SLOT
from provenance.watermark.audio.whitening import Values
from provenance.watermark.keys import WatermarkKey

SHIFTS = SLOTS * COLUMNS_PER_SLOT


@dataclass(frozen=True)
class Peak:
    """Where a pilot fits best: z in standard deviations of chance, at a shift in columns."""

    z: float
    shift: int


class Folded:
    """A folded stretch of sound, transformed once for all keys."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._spectrum = np.fft.rfft(values, axis=1)
        self._power_spectrum = np.fft.rfft(values * values, axis=1)

    def find_pilot(self, key: WatermarkKey) -> Peak:
        """The shift at which the pilot of `key` correlates best, of all 640.

        For sound without this key's mark P(z > t) <= 640 exp(-t^2 / 2), whatever the sound: the signs s of the pilot
        are uniform and independent of it, and E exp(l s x) = cosh(l x) <= exp(l^2 x^2 / 2) (Hoeffding 1963).
        """
        pilot, mask = _pilot_spectra(key)
        agreement = _correlate(self._spectrum, pilot)
        spread = np.sqrt(np.maximum(_correlate(self._power_spectrum, mask), 0))
        z = np.where(spread > 1e-6, agreement / np.maximum(spread, 1e-6), 0.0)
        phase, slot = np.unravel_index(int(np.argmax(z)), z.shape)
        return Peak(float(z[phase, slot]), int(slot) * COLUMNS_PER_SLOT + int(phase))

    def aligned(self, shift: int) -> Values:
        """(SLOTS, BANDS) with the shift taken out."""
        slot, phase = divmod(shift, COLUMNS_PER_SLOT)
        return np.roll(self.values[phase], -slot, axis=0)


@lru_cache(maxsize=64)
def _pilot_spectra(key: WatermarkKey) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    pilot = carriers(key).pilot.astype(np.float64)
    return np.fft.rfft(pilot, axis=0).conj(), np.fft.rfft(np.abs(pilot), axis=0).conj()


def _correlate(spectrum: NDArray[np.complexfloating], pattern: NDArray[np.complex128]) -> NDArray[np.float64]:
    """(COLUMNS_PER_SLOT, SLOTS) correlation at every shift, summed over bands."""
    product = np.einsum("psb,sb->ps", spectrum, pattern)
    correlation: NDArray[np.float64] = np.fft.irfft(product, SLOTS, axis=1)
    return correlation
