import numpy as np
import pytest
from scipy.signal import resample_poly

from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.audio import AudioDetector, AudioEmbedder, QualityMeter, SoundShape, mark_sound
from provenance.watermark.audio.carrier import CELLS_PER_BIT, PILOT, PILOT_CELLS, carriers, tile

RATE = 48_000


def test_blocks_of_any_length_come_out_as_the_whole_would(
    film: np.ndarray, marked_film: np.ndarray, key: WatermarkKey, payload: Payload
) -> None:
    embedder = AudioEmbedder(key, payload, RATE)
    random, taken, done = np.random.default_rng(3), 0, []
    while taken < 3 * RATE:
        count = int(random.integers(0, 3000))
        done.append(embedder.mark(film[taken : taken + count]))
        taken += count
        assert 0 <= taken - sum(map(len, done)) <= 0.017 * RATE
    done.append(embedder.finish())
    in_blocks = np.concatenate(done)
    assert in_blocks.shape == film[:taken].shape
    assert np.abs(in_blocks[: -RATE // 50] - marked_film[: taken - RATE // 50]).max() < 1e-6


def test_a_mark_lies_far_below_what_masks_it(film: np.ndarray, marked_film: np.ndarray) -> None:
    meter = QualityMeter(RATE)
    meter.add(film, marked_film)
    quality = meter.result()
    assert 20 < quality.snr_db < 35
    assert quality.nmr_db < -12
    assert quality.disturbed_share < 0.01


def test_steady_tones_are_hardly_touched(key: WatermarkKey, payload: Payload) -> None:
    time_s = np.arange(7 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (440, 554, 659, 1318, 2637))[:, None] / 8
    chord = chord.astype(np.float32)
    marked = mark_sound(chord, RATE, key, payload)
    settled = slice(5 * RATE, None)
    snr_db = 10 * np.log10(np.sum(chord[settled] ** 2) / np.sum((marked - chord)[settled] ** 2))
    assert snr_db > 29


def test_silence_stays_silent_and_says_nothing(key: WatermarkKey, payload: Payload) -> None:
    silence = np.zeros((3 * RATE, 2), dtype=np.float32)
    with np.errstate(all="raise"):
        marked = mark_sound(silence, RATE, key, payload)
        assert not marked.any()
        detector = AudioDetector(RATE)
        detector.add(marked)
        assert detector.detect([key]) == []


def test_the_mark_follows_every_mix_of_channels(
    film: np.ndarray, key: WatermarkKey, payload: Payload, hear
) -> None:
    surround = np.concatenate([film, film[:, :1] * 0.5, film * 0.3, film[:, 1:] * 0.2], axis=1)[: 6 * RATE]
    marked = mark_sound(surround, RATE, key, payload)
    assert marked.shape == surround.shape
    for mix in (marked.mean(axis=1, keepdims=True), marked[:, :2], marked[:, 2:3] + 0.7 * marked[:, 3:5]):
        assert [found.payload for found in hear(mix)] == [payload]


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 96_000])
def test_every_usual_rate_can_carry_it(
    film: np.ndarray, key: WatermarkKey, payload: Payload, hear, rate: int
) -> None:
    factors = np.gcd(rate, RATE)
    sound = resample_poly(film, rate // factors, RATE // factors, axis=0).astype(np.float32)
    marked = mark_sound(sound, rate, key, payload)
    assert marked.shape == sound.shape
    assert [found.payload for found in hear(marked, rate)] == [payload]


def test_every_bit_has_its_cells_and_the_pilot_the_rest(key: WatermarkKey, other_key: WatermarkKey) -> None:
    secret = carriers(key)
    counts = np.bincount(secret.bit_of.ravel())
    assert set(counts[:PILOT]) == {CELLS_PER_BIT}
    assert counts[PILOT] == PILOT_CELLS
    assert set(np.unique(secret.sign)) == {-1, 1}
    assert abs(np.mean(secret.sign == carriers(other_key).sign) - 0.5) < 0.05


def test_two_payloads_differ_in_data_and_share_the_pilot(key: WatermarkKey, payload: Payload) -> None:
    one, other = tile(key, payload), tile(key, Payload(payload.asset_id + 1))
    is_pilot = carriers(key).bit_of == PILOT
    assert np.array_equal(one[is_pilot], other[is_pilot])
    assert 0.3 < np.mean(one[~is_pilot] != other[~is_pilot]) < 0.7


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(100, np.float32),
        np.zeros((100, 2), np.float64),
        np.zeros((100, 0), np.float32),
        np.full((100, 1), np.nan, np.float32),
    ],
)
def test_what_is_no_sound_is_refused(key: WatermarkKey, payload: Payload, sound: np.ndarray) -> None:
    for take in (AudioEmbedder(key, payload, RATE).mark, AudioDetector(RATE).add):
        with pytest.raises(SoundShape) as caught:
            take(sound)
        assert caught.value.hint


def test_channels_may_not_change_in_mid_track(key: WatermarkKey, payload: Payload) -> None:
    embedder = AudioEmbedder(key, payload, RATE)
    embedder.mark(np.zeros((10, 2), np.float32))
    with pytest.raises(SoundShape, match="1 channels follow 2"):
        embedder.mark(np.zeros((10, 1), np.float32))


@pytest.mark.parametrize("rate", [0, 7999, 400_000])
def test_impossible_rates_are_refused(key: WatermarkKey, payload: Payload, rate: int) -> None:
    with pytest.raises(SoundShape, match="samples per second"):
        AudioEmbedder(key, payload, rate)
    with pytest.raises(SoundShape):
        AudioDetector(rate)
