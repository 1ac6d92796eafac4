"""Finds marks in sound of unknown origin with nothing but the keys, and says how sure it is."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.carrier import carriers, soft_bits
from provenance.watermark.audio.findings import AudioDetection
from provenance.watermark.audio.grid import Sound
from provenance.watermark.audio.listening import COLUMN_S, Listener, Unit
from provenance.watermark.audio.search import SHIFTS, Folded, Peak
from provenance.watermark.audio.timing import locate
from provenance.watermark.audio.whitening import AS_MADE, Playback, cells
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import p_wrong_message, read_message

_STEP = 0.002
_STEPS = 26
_FINE_STEPS = (-0.001, -0.0005, 0.0005, 0.001)
# Speeds from 0.95 to 1.05, with the pitch changed along and with the pitch kept; film and television differ by 4 %.
PLAYBACKS = tuple(
    Playback(speed, pitch)
    for step in sorted(range(-_STEPS, _STEPS + 1), key=abs)
    if step
    for speed in [1 + step * _STEP]
    for pitch in (speed, 1.0)
)
_READ_ABOVE_Z = 5.0
_P_PRESENT = 1e-6
_MAX_READS = 24
_MAX_MARKS = 4
_READS_PER_LOOK = 4
_PROBED_UNITS = 3
_TRIED_PLAYBACKS = 3
# A speed known to 0.025 % has drifted by a third of a slot after four units.
_LONGEST_RUN_CHANGED = 4


class AudioDetector:
    """Takes the sound of a clip in blocks of any length, then answers. Memory is bounded (see `Listener`).

    budget_s: seconds that `detect` may spend; it stops looking for changed speeds once they are over.
    """

    def __init__(self, sample_rate: int, budget_s: float | None = None) -> None:
        self._listener = Listener(sample_rate)
        self._budget_s = budget_s

    def add(self, samples: Sound) -> None:
        """Takes (n, channels) float32, always of the same number of channels. Raises SoundShape."""
        self._listener.add(samples)

    def detect(self, keys: Sequence[WatermarkKey]) -> list[AudioDetection]:
        """The marks made with any of `keys`, best first; empty where there is none, as in silence."""
        units = self._listener.units()
        if not units or not keys:
            return []
        deadline = None if self._budget_s is None else time.monotonic() + self._budget_s
        return _Search(units, list(keys), self._listener.seconds, deadline).run()


@dataclass(frozen=True)
class _Find:
    """A pilot in one run of units."""

    key: WatermarkKey
    peak: Peak
    playback: Playback
    folded: Folded


class _Search:
    """One search over runs of units, keys and ways of playing."""

    def __init__(
        self, units: list[Unit], keys: list[WatermarkKey], seconds: float, deadline: float | None
    ) -> None:
        self._units, self._keys, self._seconds, self._deadline = units, keys, seconds, deadline
        self._reads = 0
        self._found: list[AudioDetection] = []
        runs = len(list(_runs(units, len(units))))
        playbacks = 1 + len(PLAYBACKS) * (1 + len(_FINE_STEPS))
        # Every way that may be tried counts, also where the search stops early: that keeps the bound honest.
        self._hypotheses = runs * len(keys) * playbacks * _MAX_MARKS

    def run(self) -> list[AudioDetection]:
        units = self._units
        while units and len(self._found) < _MAX_MARKS:
            found = self._look(units, AS_MADE) or (None if self._found else self._look_changed(units))
            if found is None:
                break
            self._found.append(found)
            units = [unit for unit in units if not _overlap(unit, found)]
        return sorted(self._found, key=lambda detection: (detection.payload is None, -detection.z))

    def _look(self, units: list[Unit], playback: Playback) -> AudioDetection | None:
        """The best mark were the clip played like that, in runs of units of growing length."""
        finds = nlargest(_READS_PER_LOOK, self._finds(units, playback), key=lambda find: find.peak.z)
        for find in finds:
            if find.peak.z < self._read_above_z() or self._reads >= _MAX_READS:
                break
            payload = self._read(find)
            if payload is not None:
                return self._detection(find, payload)
        if finds and self._p_presence(finds[0].peak.z) <= _P_PRESENT:
            return self._detection(finds[0], None)
        return None

    def _finds(self, units: list[Unit], playback: Playback) -> Iterator[_Find]:
        """Every key's best shift in every run of units, one after the other."""
        heard = ((unit.first, cells(unit, playback)) for unit in units)
        folds = {first: found.fold() for first, found in heard if found is not None}
        longest = len(units) if playback is AS_MADE else _LONGEST_RUN_CHANGED
        for run in _runs(units, longest):
            parts = [folds[unit.first] for unit in run if unit.first in folds]
            if not parts:
                continue
            folded = Folded(sum(parts[1:], parts[0]))
            for key in self._keys:
                yield _Find(key, folded.find_pilot(key), playback, folded)

    def _look_changed(self, units: list[Unit]) -> AudioDetection | None:
        """Tries all speeds on a few units, and the best of them on all."""
        probes = _probes(units)
        coarse = {}
        for playback in PLAYBACKS:
            if self._deadline is not None and time.monotonic() > self._deadline:
                break
            coarse[playback] = self._best_z(probes, playback)
        for playback in sorted(coarse, key=lambda one: -coarse[one])[:_TRIED_PLAYBACKS]:
            if coarse[playback] < self._read_above_z():
                break
            fine = [_finer(playback, step) for step in _FINE_STEPS]
            best = max([playback, *fine], key=lambda one: self._best_z(probes, one))
            found = self._look(units, best)
            if found is not None:
                return found
        return None

    def _best_z(self, units: list[Unit], playback: Playback) -> float:
        """The strongest pilot of any key in any of these units, were the clip played like that."""
        heard = [found for unit in units if (found := cells(unit, playback)) is not None]
        return max((Folded(one.fold()).find_pilot(key).z for one in heard for key in self._keys), default=0.0)

    def _read(self, find: _Find) -> Payload | None:
        self._reads += 1
        return read_message(self._soft_bits(find), find.key)

    @staticmethod
    def _soft_bits(find: _Find) -> NDArray[np.float64]:
        return soft_bits(find.folded.aligned(find.peak.shift), carriers(find.key))

    def _detection(self, find: _Find, payload: Payload | None) -> AudioDetection:
        # Also where another mark was found before: units in which two marks meet belong to both.
        heard = [found for unit in self._units if (found := cells(unit, find.playback)) is not None]
        p_presence = self._p_presence(find.peak.z)
        p_message = p_wrong_message(_MAX_READS) if payload is not None else 1.0
        taken = [(found.start_s, found.end_s) for found in self._found]
        stretch = locate(heard, find.key, payload, find.peak.shift, find.playback, self._seconds, taken)
        return AudioDetection(
            payload=payload,
            key_id=find.key.key_id,
            z=find.peak.z,
            p_presence=p_presence,
            p_message=p_message,
            p_false_positive=min(p_presence, p_message),
            hypotheses=self._hypotheses * SHIFTS,
            seconds_used=self._seconds,
            start_s=stretch.start_s,
            end_s=stretch.end_s,
            speed=find.playback.speed,
            pitch=find.playback.pitch,
            spans=stretch.spans,
            soft_bits=self._soft_bits(find),
        )

    def _p_presence(self, z: float) -> float:
        return min(1.0, self._hypotheses * SHIFTS * exp(-(z**2) / 2))

    def _read_above_z(self) -> float:
        # Chance reaches as much higher as there are more keys to choose from.
        return sqrt(_READ_ABOVE_Z**2 + 2 * log(len(self._keys)))


def _runs(units: list[Unit], longest: int) -> Iterator[list[Unit]]:
    """Runs of 1, 2, 4, 8 ... units, each overlapping the one before by half, and all units together."""
    length = 1
    while length <= min(longest, len(units)):
        for start in range(0, len(units) - length + 1, max(1, length // 2)):
            yield units[start : start + length]
        length *= 2
    if longest >= len(units) and len(units) & (len(units) - 1):
        yield units


def _finer(playback: Playback, step: float) -> Playback:
    speed = playback.speed + step
    return Playback(speed, playback.pitch if playback.pitch == 1.0 else speed)


def _probes(units: list[Unit]) -> list[Unit]:
    """A few units spread evenly over the clip, of those that are not silent."""
    sounding = [unit for unit in units if cells(unit) is not None]
    stride = max(1, -(-len(sounding) // _PROBED_UNITS))
    return sounding[stride // 2 :: stride]


def _overlap(unit: Unit, found: AudioDetection) -> bool:
    return unit.first * COLUMN_S < found.end_s and unit.end * COLUMN_S > found.start_s
