import numpy as np
import pytest

from provenance.watermark.carrier import BINS, TILE, band, canonical_scale, carriers, tile
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.polar import decode_list, encode, information_positions


def _decodes(message: np.ndarray, received: np.ndarray) -> bool:
    return any(np.array_equal(found, message) for found in decode_list(received))


def test_every_message_decodes_from_its_clean_code_word() -> None:
    random = np.random.default_rng(2)
    for _ in range(30):
        message = random.integers(0, 2, 104).astype(np.uint8)
        assert np.array_equal(decode_list(1.0 - 2.0 * encode(message))[0], message)


def test_code_is_linear() -> None:
    random = np.random.default_rng(3)
    first, second = random.integers(0, 2, (2, 104)).astype(np.uint8)
    assert np.array_equal(encode(first ^ second), encode(first) ^ encode(second))


def test_a_fifth_of_the_bits_may_be_wrong() -> None:
    random = np.random.default_rng(4)
    wrong = 0
    for _ in range(20):
        message = random.integers(0, 2, 104).astype(np.uint8)
        clean = 1.0 - 2.0 * encode(message)
        received = clean + 1.2 * random.normal(size=512)
        wrong += int(np.sum(np.sign(received) != clean))
        assert _decodes(message, received)
    assert wrong / (20 * 512) > 0.19


def test_noise_alone_decodes_to_nothing_in_particular() -> None:
    random = np.random.default_rng(5)
    message = random.integers(0, 2, 104).astype(np.uint8)
    assert not any(_decodes(message, random.normal(size=512)) for _ in range(20))


def test_scale_of_soft_bits_does_not_matter() -> None:
    random = np.random.default_rng(6)
    received = 1.0 - 2.0 * encode(random.integers(0, 2, 104).astype(np.uint8)) + random.normal(size=512)
    assert all(
        np.array_equal(a, b) for a, b in zip(decode_list(received), decode_list(received * 1e-6), strict=True)
    )


def test_information_sits_on_the_reliable_half() -> None:
    positions = information_positions()
    assert len(positions) == 104
    assert positions[-1] == 511
    assert 0 not in positions


def test_pattern_is_normalised_and_stays_in_its_band(key: WatermarkKey, payload: Payload) -> None:
    pattern = tile(key, payload)
    assert pattern.shape == (TILE, TILE)
    assert abs(float(pattern.mean())) < 1e-5
    assert float(pattern.std()) == pytest.approx(1.0, abs=1e-4)
    power = np.abs(np.fft.fft2(pattern)) ** 2
    frequency = np.fft.fftfreq(TILE)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    assert power[(radius < 0.0199) | (radius > 0.206)].sum() < 1e-6 * power.sum()
    assert len(band().ky) == BINS


def test_patterns_of_other_payloads_and_keys_are_unrelated(
    key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    mine = tile(key, payload).ravel()
    same_key = np.corrcoef(mine, tile(key, Payload(payload.asset_id ^ 1)).ravel())[0, 1]
    assert same_key < 0.6
    assert abs(np.corrcoef(mine, tile(other_key, payload).ravel())[0, 1]) < 0.1


def test_every_code_bit_has_one_carrier_in_each_stratum(key: WatermarkKey) -> None:
    bit_of = carriers(key).bit_of.reshape(4, 512)
    assert all(np.array_equal(np.sort(stratum), np.arange(512)) for stratum in bit_of)


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(640, 272, 1.0), (1280, 720, 1.0), (1080, 1920, 1.5), (3840, 2160, 3.0)]
)
def test_small_pictures_are_never_marked_finer_than_a_pixel(width: int, height: int, scale: float) -> None:
    assert canonical_scale(width, height) == scale
