import numpy as np
import pytest

from provenance.errors import FingerprintInvalid
from provenance.fingerprint import EXACT_RADIUS, chunk_keys, hamming, probe_keys

RANDOM = np.random.default_rng(12)


def _flipped(packed: bytes, positions: list[int]) -> bytes:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    bits[positions] ^= 1
    return np.packbits(bits).tobytes()


def _is_found(asked: bytes, stored: bytes) -> bool:
    return not set(probe_keys(asked)).isdisjoint(chunk_keys(stored))


def test_keys_are_chunk_number_and_value() -> None:
    keys = chunk_keys(bytes(range(32)))
    assert keys[0] == 0x0001
    assert keys[1] == 1 << 16 | 0x0203
    assert keys[15] == 15 << 16 | 0x1E1F
    assert max(chunk_keys(b"\xff" * 32)) < 1 << 31


def test_probes_are_the_272_keys_within_one_bit_per_chunk() -> None:
    packed = RANDOM.bytes(32)
    probes = probe_keys(packed)
    assert len(probes) == len(set(probes)) == 272
    assert set(chunk_keys(packed)) <= set(probes)
    assert all((key ^ chunk_keys(packed)[key >> 16]).bit_count() <= 1 for key in probes)


def test_everything_within_the_radius_is_found() -> None:
    for _ in range(300):
        stored = RANDOM.bytes(32)
        flips = int(RANDOM.integers(0, EXACT_RADIUS + 1))
        asked = _flipped(stored, RANDOM.permutation(256)[:flips].tolist())
        assert hamming(asked, stored) == flips
        assert _is_found(asked, stored)


def test_the_worst_spread_within_the_radius_is_found() -> None:
    """31 flips, two in each of 15 chunks and one in the last: the only way to leave just one chunk nearly whole."""
    for spared in range(16):
        stored = RANDOM.bytes(32)
        positions = []
        for chunk in range(16):
            places = RANDOM.permutation(16)[: 1 if chunk == spared else 2]
            positions += [16 * chunk + int(place) for place in places]
        asked = _flipped(stored, positions)
        assert hamming(asked, stored) == 31
        assert _is_found(asked, stored)


def test_one_more_flip_can_escape_so_the_radius_is_exact() -> None:
    stored = RANDOM.bytes(32)
    asked = _flipped(stored, [16 * chunk + place for chunk in range(16) for place in (3, 9)])
    assert hamming(asked, stored) == EXACT_RADIUS + 1
    assert not _is_found(asked, stored)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(FingerprintInvalid, match="8 bytes"):
        chunk_keys(bytes(8))
