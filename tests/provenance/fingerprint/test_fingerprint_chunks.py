import numpy as np
import pytest

from provenance.errors import FingerprintInvalid
from provenance.fingerprint import EXACT_RADIUS, chunk_keys, hamming, probe_keys
from provenance.fingerprint.index.chunks import MOST_PROBED_RADIUS, keys_of, probes_for

RANDOM = np.random.default_rng(12)
# The bit of row i and column j of a PDQ hash, as a 16 x 16 grid, belongs to this chunk.
CHUNK_OF_BIT = [(bit // 16 + bit % 16) % 16 for bit in range(256)]


def _flipped(packed: bytes, positions: list[int]) -> bytes:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    bits[positions] ^= 1
    return np.packbits(bits).tobytes()


def _places(chunk: int, count: int) -> list[int]:
    """`count` bits of one chunk, drawn at random."""
    inside = [bit for bit in range(256) if CHUNK_OF_BIT[bit] == chunk]
    return [int(bit) for bit in RANDOM.permutation(inside)[:count]]


def _is_found(asked: bytes, stored: bytes) -> bool:
    return not set(probe_keys(asked)).isdisjoint(chunk_keys(stored))


def test_keys_are_chunk_number_and_the_bits_of_a_diagonal() -> None:
    for bit in range(256):
        (key,) = set(chunk_keys(_flipped(bytes(32), [bit]))) - {number << 16 for number in range(16)}
        assert key == CHUNK_OF_BIT[bit] << 16 | 1 << (15 - bit % 16)


def test_probes_are_the_272_keys_within_one_bit_per_chunk() -> None:
    packed = RANDOM.bytes(32)
    probes = probe_keys(packed)
    assert len(probes) == len(set(probes)) == 272
    assert set(chunk_keys(packed)) <= set(probes)
    assert all((key ^ chunk_keys(packed)[key >> 16]).bit_count() <= 1 for key in probes)


def test_everything_within_the_radius_is_found() -> None:
    for _ in range(100):
        stored = RANDOM.bytes(32)
        flips = int(RANDOM.integers(0, EXACT_RADIUS + 1))
        asked = _flipped(stored, RANDOM.permutation(256)[:flips].tolist())
        assert hamming(asked, stored) == flips
        assert _is_found(asked, stored)


def test_the_worst_spread_within_the_radius_is_found() -> None:
    """31 flips, two in each of 15 chunks and one in the last: the only way to leave just one chunk nearly whole."""
    for spared in range(16):
        stored = RANDOM.bytes(32)
        positions = [bit for chunk in range(16) for bit in _places(chunk, 1 if chunk == spared else 2)]
        asked = _flipped(stored, positions)
        assert hamming(asked, stored) == 31
        assert _is_found(asked, stored)


def test_one_more_flip_can_escape_so_the_radius_is_exact() -> None:
    stored = RANDOM.bytes(32)
    asked = _flipped(stored, [bit for chunk in range(16) for bit in _places(chunk, 2)])
    assert hamming(asked, stored) == EXACT_RADIUS + 1
    assert not _is_found(asked, stored)


@pytest.mark.parametrize("radius", range(MOST_PROBED_RADIUS + 1))
def test_every_radius_up_to_47_has_probes_that_miss_nothing(radius: int) -> None:
    """Flips are spread as evenly over the chunks as they can be, in every order of the chunks that matters."""
    stored = np.frombuffer(RANDOM.bytes(32), np.uint8)
    for first in range(16):
        counts = [radius // 16 + ((chunk - first) % 16 < radius % 16) for chunk in range(16)]
        positions = [bit for chunk, count in enumerate(counts) for bit in _places(chunk, count)]
        asked = np.frombuffer(_flipped(stored.tobytes(), positions), np.uint8)
        probes = {int(key) for keys in probes_for(asked[None], radius) for key in keys[0]}
        assert not probes.isdisjoint(keys_of(stored[None])[0].tolist())


def test_other_lengths_and_radii_are_refused() -> None:
    with pytest.raises(FingerprintInvalid, match="8 bytes"):
        chunk_keys(bytes(8))
    with pytest.raises(FingerprintInvalid, match="48 bits"):
        probes_for(np.zeros((1, 32), np.uint8), MOST_PROBED_RADIUS + 1)
