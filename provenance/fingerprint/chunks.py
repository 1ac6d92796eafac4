"""Keys for exact search by multi-index hashing: two PDQ hashes within 31 bits always share a key.

A hash is cut into 16 chunks of 16 bits, most significant first. If two hashes differ in at most 31 bits, some chunk
differs in at most one: otherwise all 16 would differ in two or more, which makes at least 32 (generalised
pigeonhole, Norouzi, Punjani and Fleet, 2012). So the stored side keeps its 16 chunks, and the asking side probes
every value within one bit of its own: 16 x (1 + 16) = 272 keys.
"""

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.hashes import PDQ_BYTES

CHUNKS = 16
CHUNK_BITS = 16
EXACT_RADIUS = 2 * CHUNKS - 1


def chunk_keys(pdq: bytes) -> list[int]:
    """The 16 keys to store: chunk number (0 first) shifted left by 16, or'ed with the chunk's value."""
    if len(pdq) != PDQ_BYTES:
        raise FingerprintInvalid(f"A PDQ hash of {len(pdq)} bytes was given.", f"It must have {PDQ_BYTES}.")
    return [number << CHUNK_BITS | pdq[2 * number] << 8 | pdq[2 * number + 1] for number in range(CHUNKS)]


def probe_keys(pdq: bytes) -> list[int]:
    """The 272 keys to ask for: every stored hash within 31 bits has at least one of them."""
    keys = chunk_keys(pdq)
    return keys + [key ^ 1 << bit for key in keys for bit in range(CHUNK_BITS)]
