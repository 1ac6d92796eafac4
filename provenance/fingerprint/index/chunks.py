"""Keys for exact search by multi-index hashing in a database that can look numbers up.

A hash is cut into 16 chunks of 16 bits, in the order of `words.bit_order`. If two hashes differ in at most 31 bits,
some chunk differs in at most one: otherwise all 16 would differ in two or more, which makes at least 32 (see
`layout`). So the stored side keeps its 16 chunks, and the asking side probes every value within one bit of its own:
16 x (1 + 16) = 272 keys. Smaller radii take fewer keys, and up to 47 bits two per chunk may differ (2192 keys).
"""

import numpy as np
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.index.contract import HASH_BYTES, require_question
from provenance.fingerprint.index.layout import masks_within
from provenance.fingerprint.index.words import bit_order

CHUNKS = 16
CHUNK_BITS = 16
EXACT_RADIUS = 2 * CHUNKS - 1
# At three bits per chunk a sixth of all rows are candidates: comparing every row costs less.
MOST_PROBED_RADIUS = 3 * CHUNKS - 1


def chunk_keys(pdq: bytes) -> list[int]:
    """The 16 keys to store: chunk number (0 first) shifted left by 16, or'ed with the chunk's value."""
    keys: list[int] = keys_of(_hash(pdq))[0].tolist()
    return keys


def probe_keys(pdq: bytes) -> list[int]:
    """The 272 keys to ask for: every stored hash within 31 bits has at least one of them."""
    return [key for keys in probes_for(_hash(pdq), EXACT_RADIUS) for key in keys[0].tolist()]


def keys_of(hashes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(q, 16): the keys of (q, 32) uint8 hashes."""
    bits = np.unpackbits(hashes, axis=1)[:, bit_order()]
    values = np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u2")
    return values.astype(np.int32) + (np.arange(CHUNKS, dtype=np.int32) << CHUNK_BITS)


def probes_for(hashes: NDArray[np.uint8], radius: int) -> list[NDArray[np.int32]]:
    """Per chunk the keys to ask for, (q, keys) of (q, 32) uint8 hashes: one of them has every hash within `radius`.

    Chunks that need not be looked into are left out. Raises FingerprintInvalid beyond 47 bits.
    """
    require_question(hashes, radius)
    if radius > MOST_PROBED_RADIUS:
        raise FingerprintInvalid(
            f"A radius of {radius} bits cannot be probed.", f"Up to {MOST_PROBED_RADIUS} it can; scan beyond."
        )
    keys = keys_of(hashes)
    lowest, wider = divmod(radius + 1, CHUNKS)
    probes = []
    for chunk in range(CHUNKS):
        reach = lowest - (0 if chunk < wider else 1)
        if reach >= 0:
            probes.append(keys[:, chunk, None] ^ masks_within(CHUNK_BITS, reach).astype(np.int32))
    return probes


def _hash(pdq: bytes) -> NDArray[np.uint8]:
    if len(pdq) != HASH_BYTES:
        raise FingerprintInvalid(f"A PDQ hash of {len(pdq)} bytes was given.", f"It must have {HASH_BYTES}.")
    return np.frombuffer(pdq, np.uint8)[None]
