import numpy as np
import pytest

from provenance.watermark.carrier import (
    TILE,
    VARIANTS,
    band,
    canonical_scale,
    carriers,
    tile,
    variant_at,
    variant_order,
)
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits, read_message
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


def test_an_eighth_of_the_bits_may_be_wrong() -> None:
    random = np.random.default_rng(4)
    wrong = 0
    for _ in range(20):
        message = random.integers(0, 2, 104).astype(np.uint8)
        clean = 1.0 - 2.0 * encode(message)
        received = clean + 0.85 * random.normal(size=256)
        wrong += int(np.sum(np.sign(received) != clean))
        assert _decodes(message, received)
    assert wrong / (20 * 256) > 0.10


def test_noise_alone_decodes_to_nothing_in_particular() -> None:
    random = np.random.default_rng(5)
    message = random.integers(0, 2, 104).astype(np.uint8)
    assert not any(_decodes(message, random.normal(size=256)) for _ in range(20))


def test_scale_of_soft_bits_does_not_matter() -> None:
    random = np.random.default_rng(6)
    received = 1.0 - 2.0 * encode(random.integers(0, 2, 104).astype(np.uint8)) + random.normal(size=256)
    assert all(
        np.array_equal(a, b) for a, b in zip(decode_list(received), decode_list(received * 1e-6), strict=True)
    )


def test_information_sits_on_the_reliable_half() -> None:
    positions = information_positions()
    assert len(positions) == 104
    assert positions[-1] == 255
    assert 0 not in positions


def test_soft_bits_of_two_weak_sources_add_up_to_a_message(key: WatermarkKey, payload: Payload) -> None:
    random = np.random.default_rng(7)
    clean = 1.0 - 2.0 * code_bits(key, payload)
    alone = together = 0
    for _ in range(20):
        first, second = clean + 1.3 * random.normal(size=(2, 256))
        alone += read_message(first, key) == payload
        together += read_message(first + second, key) == payload
    assert alone <= 6
    assert together >= 14


def test_soft_bits_of_the_wrong_length_are_refused(key: WatermarkKey) -> None:
    with pytest.raises(ValueError, match=r"\(256,\)"):
        read_message(np.zeros(512), key)


@pytest.mark.parametrize("variant", range(VARIANTS))
def test_pattern_is_normalised_and_stays_in_its_band(
    key: WatermarkKey, payload: Payload, variant: int
) -> None:
    pattern = tile(key, payload, variant)
    assert pattern.shape == (TILE, TILE)
    assert abs(float(pattern.mean())) < 1e-5
    assert float(pattern.std()) == pytest.approx(1.0, abs=0.03)
    power = np.abs(np.fft.fft2(pattern)) ** 2
    frequency = np.fft.fftfreq(TILE)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    assert power[(radius < 0.0199) | (radius > 0.2177)].sum() < 1e-6 * power.sum()


def test_patterns_of_other_payloads_and_keys_are_unrelated(
    key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    mine = tile(key, payload).ravel()
    same_key = np.corrcoef(mine, tile(key, Payload(payload.asset_id ^ 1)).ravel())[0, 1]
    assert same_key < 0.6
    assert abs(np.corrcoef(mine, tile(other_key, payload).ravel())[0, 1]) < 0.1


def test_pattern_turns_from_segment_to_segment(key: WatermarkKey, payload: Payload) -> None:
    first, second = tile(key, payload, 0).ravel(), tile(key, payload, 1).ravel()
    assert np.corrcoef(first, second)[0, 1] < 0.45  # what is common is pilot and letter


def test_every_code_bit_has_one_carrier_in_each_stratum(key: WatermarkKey) -> None:
    for bit_of in carriers(key).bit_of:
        assert all(np.array_equal(np.sort(stratum), np.arange(256)) for stratum in bit_of.reshape(9, 256))


def test_band_is_closed_under_turning() -> None:
    used = band()
    points = {(int(y), int(x)) for y, x in zip(used.ky, used.kx, strict=True)}
    assert all((x, y) in points or (-x, -y) in points for y, x in points)


def test_neighbouring_segments_tell_where_they_lie() -> None:
    order = variant_order()
    pairs = list(zip(order, order[1:] + order[:1], strict=True))
    assert len(order) == len(set(pairs)) == 56
    assert order[:8] == tuple(range(8))
    assert [variant_at(time_s) for time_s in (0, 1.99, 2, 15.9, 112)] == [0, 0, 1, 7, 0]


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(640, 272, 1.0), (1280, 720, 1.0), (1080, 1920, 1.5), (3840, 2160, 3.0)]
)
def test_small_pictures_are_never_marked_finer_than_a_pixel(width: int, height: int, scale: float) -> None:
    assert canonical_scale(width, height) == scale
