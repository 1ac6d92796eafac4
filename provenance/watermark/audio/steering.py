"""Decides how far each cell may be moved: as much as its neighbours fluctuate by themselves, more where a bit lags."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.carrier import PILOT, Carriers
from provenance.watermark.audio.grid import BANDS, SLOT_S, SLOTS
from provenance.watermark.polar import CODE_BITS

# Levels are natural logarithms of energy, moves are natural logarithms of amplitude.
_SHARE = 0.29  # of a move in what the levels around fluctuate by themselves
_SMALLEST_MOVE, _LARGEST_MOVE = 0.03, 0.18  # 0.3 and 1.6 dB
_LAG_GAIN = 0.5
_LAG_RANGE = (0.3, 1.8)
_CONTEXT = 9  # slots, and bands
_WIDTH = 5  # bands over which fluctuation is averaged
_MEMORY_S = 5.0
_FLUCTUATION_S = 1.0
_WARM_UP_SLOTS = 40
_FIRST_VARIANCE = 0.25
_LARGEST_VARIANCE = 4.0
_CLIP = 2.0
_SILENCE = 1e-12

Levels = NDArray[np.float64]


class Steering:
    """Walks along the slots of one track and remembers what the last five seconds say about each code bit.

    Host sound speaks for some bits and against others. Moving the cells of lagging bits further, and those of
    leading ones less, takes a part of that interference away at the same strength on average.
    """

    def __init__(self, secret: Carriers, pattern: NDArray[np.float32], strength: float) -> None:
        self._bit_of, self._pattern, self._strength = secret.bit_of, pattern.astype(np.float64), strength
        self._slot = 0
        self._levels: deque[Levels] = deque(maxlen=_CONTEXT)
        self._unmarked: deque[Levels] = deque(maxlen=_CONTEXT)
        self._moves = np.zeros(BANDS)
        self._variance = np.full(BANDS, _FIRST_VARIANCE)
        self._support = np.zeros(CODE_BITS + 1)

    def moves(self, slot: int) -> Levels:
        """(BANDS,) natural logarithm of the gain of each band in this slot."""
        row = slot % SLOTS
        usual = np.clip(_SHARE * np.sqrt(self._variance), _SMALLEST_MOVE, _LARGEST_MOVE)
        self._moves = self._strength * usual * self._lag()[self._bit_of[row]] * self._pattern[row]
        return self._moves

    def heard(self, slot: int, energy: Levels) -> None:
        """Takes the (BANDS,) energies of the slot last asked for, as they came out; every slot once, in order."""
        self._levels.append(np.log(energy + _SILENCE))
        self._unmarked.append(self._levels[-1] - 2 * self._moves)
        self._slot = slot
        if len(self._levels) < _CONTEXT:
            return
        # What the sound does by itself decides how far it may be moved; else a mark would call for more of itself.
        self._learn_variance(_deviation(self._unmarked))
        deviation = _deviation(self._levels)
        row = (slot - _CONTEXT // 2) % SLOTS
        said = np.clip(deviation / (np.sqrt(self._variance) + 0.1), -_CLIP, _CLIP) * self._pattern[row]
        self._support *= np.exp(-SLOT_S / _MEMORY_S)
        np.add.at(self._support, self._bit_of[row], said)

    def _learn_variance(self, deviation: Levels) -> None:
        now = np.minimum(_running_mean(deviation**2, _WIDTH), _LARGEST_VARIANCE)
        self._variance += (1 - np.exp(-SLOT_S / _FLUCTUATION_S)) * (now - self._variance)

    def _lag(self) -> Levels:
        """(CODE_BITS + 1,) factor of each bit's moves, 1 for the pilot."""
        factor = np.ones(CODE_BITS + 1)
        if self._slot < _WARM_UP_SLOTS:
            return factor
        support = self._support[:PILOT]
        behind = (support.mean() - support) / (support.std() + 1e-6)
        factor[:PILOT] = np.clip(1 + _LAG_GAIN * behind, *_LAG_RANGE)
        return factor


def _deviation(levels: deque[Levels]) -> Levels:
    """(BANDS,) by how much the middle slot stands out from those around it, and each band from those beside it."""
    around = np.array(levels)
    in_time = around[_CONTEXT // 2] - around.mean(axis=0)
    deviation: Levels = in_time - _running_mean(in_time, _CONTEXT)
    return deviation


def _running_mean(values: Levels, width: int) -> Levels:
    """Mean over `width` neighbours, the first and last value standing in for those beyond the ends."""
    summed = np.cumsum(np.concatenate([[0.0], np.pad(values, width // 2, mode="edge")]))
    mean: Levels = (summed[width:] - summed[:-width]) / width
    return mean
