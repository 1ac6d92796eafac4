"""Extracts the Chromaprint of a file's sound while it streams by; what is silent says so and never matches."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ProvenanceError
from provenance.fingerprint.contents import SoundTrack
from provenance.fingerprint.sound.codes import (
    CENTRE_STEPS,
    INTERVAL_S,
    RATE_HZ,
    SILENT_CODE,
    STEP_SAMPLES,
    WINDOW_STEPS,
)
from provenance.media.audio import NoAudioStream, Samples, read_audio
from provenance.media.limits import Limits

SOUND_ALGORITHM = "chromaprint-2/1"
# As recorded; a PAL transfer of film (faster by 25/24, and so higher) and the way back; and half as much, as those do
# who hope not to be recognised. Codes bear a change of pitch by about 1 %.
QUERY_SPEEDS = (1.0, 25 / 24, 24 / 25, 1.02, 0.98)
# Mean power of a step, full scale being 1. Quiet rooms lie near 1e-6, the steps of 16 bit sound near 1e-10.
_SILENT_POWER = 10 ** (-75 / 10)
_AUDIBLE_SHARE = 0.5
_FULL_SCALE = 32_767


class SoundUnavailable(ProvenanceError):
    """The library that computes sound fingerprints is not installed; pictures are recognised without it."""

    code = "sound_unavailable"


class SoundFingerprinter:
    """Collects the fingerprint of a clip from its sound, handed in block by block; holds 40 bytes per second and speed.

    speeds: how much faster than the original the clip may have been played, with its pitch raised alike. Each gives
    a track of its own, as the sound would be at the original speed, its times those of the clip.
    Raises SoundUnavailable.
    """

    def __init__(self, speeds: Sequence[float] = (1.0,)) -> None:
        self._chromaprint = _chromaprint()
        # A sound stated to have fewer samples per second is one played more slowly.
        self._rates = [round(RATE_HZ / speed) for speed in speeds]
        self._printers = [self._chromaprint.Fingerprinter() for _ in speeds]
        for printer, rate in zip(self._printers, self._rates, strict=True):
            printer.start(rate, 1)
        self._unmeasured: Samples = np.zeros(0, np.float32)
        self._audible: list[NDArray[np.bool_]] = []

    def add(self, samples: Samples) -> None:
        """Takes the next samples, (n, channels) float32 at `RATE_HZ`, in order and without gaps."""
        mono = np.nan_to_num(samples.mean(axis=1, dtype=np.float32), copy=False).clip(-1.0, 1.0)
        pcm = np.round(mono * _FULL_SCALE).astype(np.int16).tobytes()
        for printer in self._printers:
            printer.feed(pcm)
        joined = np.concatenate([self._unmeasured, mono])
        whole = len(joined) // STEP_SAMPLES * STEP_SAMPLES
        power = np.mean(joined[:whole].reshape(-1, STEP_SAMPLES) ** 2, axis=1)
        self._audible.append(power > _SILENT_POWER)
        self._unmeasured = joined[whole:]

    def finish(self) -> tuple[SoundTrack, ...]:
        """A track per speed; empty where the sound is shorter than 2.8 s, which gives no code, or silent throughout."""
        audible_until = np.concatenate([[0], np.cumsum(np.concatenate([*self._audible, [False]]))])
        tracks = [
            self._track(printer, INTERVAL_S * rate / RATE_HZ, audible_until)
            for printer, rate in zip(self._printers, self._rates, strict=True)
        ]
        return tuple(track for track in tracks if np.any(track.codes != SILENT_CODE))

    def _track(self, printer: Any, interval_s: float, audible_until: NDArray[np.float64]) -> SoundTrack:
        values, _ = self._chromaprint.decode_fingerprint(printer.finish(), base64=True)
        codes = np.array(values, dtype=np.uint32)
        step = interval_s / INTERVAL_S
        first = np.arange(len(codes)) * step
        steps = np.arange(len(audible_until))
        audible = np.interp(first + WINDOW_STEPS * step, steps, audible_until)
        audible -= np.interp(first, steps, audible_until)
        codes[audible < _AUDIBLE_SHARE * WINDOW_STEPS * step] = SILENT_CODE
        return SoundTrack(CENTRE_STEPS * interval_s, interval_s, codes)


def sound_of(path: Path | str, limits: Limits | None = None) -> SoundTrack | None:
    """The fingerprint of a file's first sound track; None without sound, or with none that can be recognised.

    That is: silent throughout, or shorter than 2.8 s. Raises SoundUnavailable and what `read_audio` raises, such as
    MediaUnreadable where the sound breaks off.
    """
    return next(iter(sounds_of(path, limits, (1.0,))), None)


def sounds_of(
    path: Path | str, limits: Limits | None = None, speeds: Sequence[float] = QUERY_SPEEDS
) -> tuple[SoundTrack, ...]:
    """The fingerprints to search a found clip with, one for each speed it may be played at; as `sound_of` otherwise."""
    fingerprinter = SoundFingerprinter(speeds)
    try:
        for block in read_audio(path, sample_rate=RATE_HZ, limits=limits):
            fingerprinter.add(block.samples)
    except NoAudioStream:
        return ()
    return fingerprinter.finish()


@cache
def _chromaprint() -> Any:
    """pyacoustid's binding, which finds the system's library when it is imported."""
    try:
        import chromaprint
    except ImportError as error:
        raise SoundUnavailable(
            "Sound cannot be fingerprinted: the Chromaprint library is not installed.",
            "Install libchromaprint1 (apt install libchromaprint1); pictures are recognised without it.",
        ) from error
    return chromaprint
