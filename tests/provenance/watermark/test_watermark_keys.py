import numpy as np
import pytest

from provenance.errors import KeyInvalid
from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.keys import message_bits, open_message


def test_payload_survives_its_bytes() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        asset_id = int.from_bytes(random.bytes(8), "big")
        payload = Payload(asset_id, *(int(random.integers(limit)) for limit in (4, 8, 8)))
        assert len(payload.to_bytes()) == 9
        assert Payload.from_bytes(payload.to_bytes()) == payload


def test_payload_fields_lie_where_the_layout_says() -> None:
    assert Payload(asset_id=1, kind=2, segment=3, layout=5).to_bytes() == bytes(
        [0b101_10_011, 0, 0, 0, 0, 0, 0, 0, 1]
    )


@pytest.mark.parametrize(
    "fields",
    [{"asset_id": -1}, {"asset_id": 1 << 64}, {"asset_id": 0, "kind": 4}, {"asset_id": 0, "segment": 8}],
)
def test_payload_out_of_range_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(KeyInvalid):
        Payload(**fields)


def test_short_secret_is_refused() -> None:
    with pytest.raises(KeyInvalid, match="16 bytes"):
        WatermarkKey("short", bytes(16))


def test_secret_is_never_printed(key: WatermarkKey) -> None:
    assert repr(key) == "WatermarkKey(key_id='studio-1')"


def test_only_the_right_key_opens_a_message(
    key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    bits = message_bits(key, payload)
    assert open_message(key, bits) == payload
    assert open_message(other_key, bits) is None


def test_any_flipped_bit_closes_a_message(key: WatermarkKey, payload: Payload) -> None:
    for position in range(104):
        bits = message_bits(key, payload)
        bits[position] ^= 1
        assert open_message(key, bits) is None
