import numpy as np
import pytest

from provenance.watermark.audio import QualityMeter, SoundQuality, SoundShape

RATE = 48_000


def _measure(original: np.ndarray, marked: np.ndarray) -> SoundQuality:
    meter = QualityMeter(RATE)
    for start in range(0, len(original), 5000):
        meter.add(original[start : start + 5000], marked[start : start + 5000])
    return meter.result()


def test_noise_of_a_known_level_is_measured_right(film: np.ndarray) -> None:
    noise = np.random.default_rng(1).standard_normal(film.shape).astype(np.float32)
    noise *= np.sqrt(np.mean(film**2) / np.mean(noise**2)) * 10 ** (-20 / 20)
    quality = _measure(film, film + noise)
    assert quality.snr_db == pytest.approx(20, abs=0.2)
    # White noise fills bands in which film has next to nothing: audible all the time.
    assert quality.nmr_db > 5
    assert quality.disturbed_share > 0.9


def test_a_quieter_copy_is_one_even_difference_below_the_mask(film: np.ndarray) -> None:
    quality = _measure(film, film * np.float32(0.99))
    assert quality.snr_db == pytest.approx(40, abs=0.01)
    assert quality.segmental_snr_db == pytest.approx(40, abs=0.1)
    assert quality.nmr_db < -30
    assert quality.disturbed_share == 0


def test_silence_has_no_quality() -> None:
    silence = np.zeros((RATE, 2), np.float32)
    assert _measure(silence, silence) == SoundQuality(None, None, None, None)


def test_tracks_of_different_length_are_refused(film: np.ndarray) -> None:
    meter = QualityMeter(RATE)
    meter.add(film, film[:-7])
    with pytest.raises(SoundShape):
        meter.result()
