"""Measures how far marking changed a sound, and how far below the masking threshold of hearing the change lies."""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.errors import SoundShape
from provenance.watermark.audio.grid import Sound, hann

_FRAME_S = 0.0213
_BARKS = 25
_FULL_SCALE_SPL_DB = 96.0
_SILENCE = 1e-20
_AUDIBLE_NMR_DB = 1.5  # "disturbed" in the sense of ITU-R BS.1387

Spectra = NDArray[np.float64]


@dataclass(frozen=True)
class SoundQuality:
    """How a marked track differs from its original.

    snr_db: of the whole track. segmental_snr_db: mean over frames of 21 ms that are not silent, each held to 0 to
    60 dB. nmr_db: noise-to-mask ratio, mean over frames and Bark bands of noise power over masking threshold; below
    0 is under the threshold, -10 and less is far under it. disturbed_share: frames in which any band lies more than
    1.5 dB over the threshold. None where a track is silent throughout.
    """

    snr_db: float | None
    segmental_snr_db: float | None
    nmr_db: float | None
    disturbed_share: float | None

    def as_dict(self) -> dict[str, float | None]:
        """JSON-able."""
        return asdict(self)


class QualityMeter:
    """Compares original and marked blocks as they come; holds a few frames."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._samples = 2 * round(_FRAME_S * sample_rate / 2)
        self._original: Sound = np.zeros((0, 1), dtype=np.float32)
        self._marked: Sound = np.zeros((0, 1), dtype=np.float32)
        self._signal_power = self._noise_power = 0.0
        self._segmental_db = self._ratio = 0.0
        self._frames = self._disturbed = 0

    def add(self, original: Sound, marked: Sound) -> None:
        """Takes (n, channels) and (m, channels) float32; n and m may differ as long as the totals agree in the end."""
        if not self._original.size and not self._marked.size:
            self._original = np.zeros((0, original.shape[1]), dtype=np.float32)
            self._marked = self._original
        self._original = np.concatenate([self._original, original])
        self._marked = np.concatenate([self._marked, marked])
        ready = min(len(self._original), len(self._marked)) // self._samples * self._samples
        if ready:
            self._compare(self._original[:ready], self._marked[:ready])
            self._original, self._marked = self._original[ready:], self._marked[ready:]

    def result(self) -> SoundQuality:
        """What was measured so far, in whole frames. Raises SoundShape when one track went on after the other."""
        if len(self._original) != len(self._marked):
            raise SoundShape("The marked sound has another length than the original.", "Call `finish` first.")
        if not self._frames:
            return SoundQuality(None, None, None, None)
        return SoundQuality(
            snr_db=_db(self._signal_power / max(self._noise_power, _SILENCE)),
            segmental_snr_db=self._segmental_db / self._frames,
            nmr_db=_db(max(self._ratio / self._frames, _SILENCE)),
            disturbed_share=self._disturbed / self._frames,
        )

    def _compare(self, original: Sound, marked: Sound) -> None:
        channels = original.shape[1]
        signal = original.reshape(-1, self._samples, channels).astype(np.float64)
        noise = marked.reshape(-1, self._samples, channels) - signal
        signal_power, noise_power = np.square(signal).sum(axis=(1, 2)), np.square(noise).sum(axis=(1, 2))
        heard = signal_power > self._samples * channels * 1e-9  # -90 dB of full scale
        self._signal_power += float(signal_power.sum())
        self._noise_power += float(noise_power.sum())
        if not heard.any():
            return
        each_db = 10 * np.log10(signal_power[heard] / np.maximum(noise_power[heard], _SILENCE))
        self._segmental_db += float(np.clip(each_db, 0, 60).sum())
        self._frames += int(heard.sum())
        # The noisiest channel of a frame counts: a listener may sit beside its loudspeaker.
        ratio = np.stack(
            [self._noise_to_mask(signal[heard, :, one], noise[heard, :, one]) for one in range(channels)]
        ).max(axis=0)
        self._ratio += float(ratio.mean(axis=1).sum())
        self._disturbed += int((ratio.max(axis=1) > 10 ** (_AUDIBLE_NMR_DB / 10)).sum())

    def _noise_to_mask(self, signal: Spectra, noise: Spectra) -> Spectra:
        """(frames, barks) noise over threshold: spread power, less 3 dB up to 12 Bark and z / 4 dB above (BS.1387)."""
        window = hann(self._samples).astype(np.float64)
        scale = 1 / np.sum(window) ** 2
        host = np.abs(np.fft.rfft(signal * window, axis=1)) ** 2 * scale
        added = np.abs(np.fft.rfft(noise * window, axis=1)) ** 2 * scale
        bark_of, quiet = _barks(self._rate, self._samples)
        members = (bark_of[:, None] == np.arange(_BARKS)).astype(np.float64)
        spread = host @ members @ _spreading()
        offset_db = np.maximum(3.0, np.arange(_BARKS) / 4)
        threshold = np.maximum(spread * 10 ** (-offset_db / 10), quiet)
        ratio: Spectra = (added @ members) / threshold
        return ratio[:, members.any(axis=0)]


@lru_cache(maxsize=8)
def _barks(sample_rate: int, samples: int) -> tuple[NDArray[np.intp], Spectra]:
    """Critical band of every bin (Zwicker and Terhardt 1980) and power at the threshold in quiet of every band."""
    hertz = np.fft.rfftfreq(samples, 1 / sample_rate)
    bark = 13 * np.arctan(0.00076 * hertz) + 3.5 * np.arctan((hertz / 7500) ** 2)
    bark_of = np.minimum(bark.astype(np.intp), _BARKS - 1)
    kilohertz = np.maximum(hertz, 20.0) / 1000
    # Terhardt (1979), in dB of sound pressure.
    quiet_db = 3.64 * kilohertz**-0.8 - 6.5 * np.exp(-0.6 * (kilohertz - 3.3) ** 2) + 1e-3 * kilohertz**4
    lowest = np.array([quiet_db[bark_of == one].min(initial=200.0) for one in range(_BARKS)])
    return bark_of, 10 ** ((lowest - _FULL_SCALE_SPL_DB) / 10)


@lru_cache(maxsize=1)
def _spreading() -> Spectra:
    """(from, to) share of a band's power that masks in another, after Schroeder, Atal and Hall (1979)."""
    apart = np.arange(_BARKS)[None, :] - np.arange(_BARKS)[:, None] + 0.474
    spread_db = 15.81 + 7.5 * apart - 17.5 * np.sqrt(1 + apart**2)
    gain = 10 ** (spread_db / 10)
    spread: Spectra = gain / gain.sum(axis=0)  # an even spectrum stays as it is
    return spread


def _db(ratio: float) -> float:
    return float(10 * np.log10(ratio))
