import cv2
import numpy as np
import pytest

from provenance.watermark import (
    KIND_TEST,
    Detector,
    Embedder,
    IssuedMessages,
    Payload,
    WatermarkKey,
    read_message,
)
from provenance.watermark.arrangements import Arrangements, soft_bits
from provenance.watermark.carrier import band, carriers, message_spectrum

ISSUED = 5000


@pytest.fixture(scope="module")
def others() -> list[Payload]:
    numbers = np.random.default_rng(11).integers(0, 2**63, ISSUED)
    return [Payload(int(number), KIND_TEST) for number in numbers]


def _noisy_carriers(
    key: WatermarkKey, payload: Payload, windows: int, noise: float, random: np.random.Generator
) -> np.ndarray:
    """(windows, MESSAGE) values that show variant 0 of a message under complex noise."""
    clean = message_spectrum(key, payload, 0)[band().message]
    shape = (windows, len(clean))
    return clean + noise * (random.standard_normal(shape) + 1j * random.standard_normal(shape))


def test_a_message_too_faint_to_decode_is_recognised_among_those_given_out(
    key: WatermarkKey, payload: Payload, others: list[Payload]
) -> None:
    issued = IssuedMessages(key, [*others, payload])
    recognised = 0
    for seed in range(10):
        values = _noisy_carriers(key, payload, 1, 3.0, np.random.default_rng(seed))
        (soft,) = soft_bits(values, carriers(key), np.array([[0]]))
        assert read_message(soft.values[0], key) is None
        found, p_wrong = issued.likeliest(soft.values, soft.energy, 1)
        recognised += found == payload and p_wrong < 1e-6
    assert recognised >= 8


def test_chance_stays_below_its_bound(key: WatermarkKey, others: list[Payload]) -> None:
    issued = IssuedMessages(key, others[:500])
    below = []
    for seed in range(300):
        values = np.random.default_rng(seed).standard_normal((1, 1152)) + 0j
        sequences = Arrangements.of(np.array([[0.0, 0.5]])).usual
        chance = WatermarkKey("chance", seed.to_bytes(32, "big"))
        (soft,) = soft_bits(values, carriers(chance), sequences)
        _, p_wrong = issued.likeliest(soft.values, soft.energy, len(sequences))
        below.append(p_wrong)
    assert np.mean(np.array(below) <= 0.1) <= 0.1
    assert min(below) > 1e-4


def test_a_message_that_was_not_given_out_is_not_taken_for_one_that_was(
    key: WatermarkKey, payload: Payload, others: list[Payload]
) -> None:
    issued = IssuedMessages(key, others)
    for seed in range(10):
        values = _noisy_carriers(key, payload, 1, 3.0, np.random.default_rng(seed))
        (soft,) = soft_bits(values, carriers(key), np.array([[0]]))
        _, p_wrong = issued.likeliest(soft.values, soft.energy, 1)
        assert p_wrong > 1e-4


def test_an_empty_list_recognises_nothing(key: WatermarkKey) -> None:
    assert len(IssuedMessages(key, [])) == 0
    assert IssuedMessages(key, []).likeliest(np.ones((1, 256)), np.ones(1), 1) == (None, 1.0)


def test_one_small_frame_of_bad_quality_names_its_take_where_the_take_is_known(
    key: WatermarkKey, payload: Payload, others: list[Payload], real_media, clips
) -> None:
    from provenance.media import read_frames

    luma = next(read_frames(clips["bunny"], threads=1)).luma
    height, width = luma.shape
    marked = Embedder(key, payload, width, height, strength=0.28).mark(luma)
    small = cv2.resize(marked, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])
    detector = Detector()
    detector.add(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE))
    assert not [one for one in detector.detect([key]) if one.payload]
    (found,) = detector.detect([key], {key.key_id: IssuedMessages(key, [*others, payload])})
    assert found.payload == payload
    assert found.is_recognised
    assert found.p_message <= 1e-7
    assert found.geometry.scale == pytest.approx(0.5, abs=0.005)
    assert not [
        one for one in detector.detect([key], {key.key_id: IssuedMessages(key, others)}) if one.payload
    ]
    stranger = WatermarkKey("stranger", bytes(reversed(range(32))))
    assert not detector.detect([stranger], {"stranger": IssuedMessages(stranger, [*others, payload])})
