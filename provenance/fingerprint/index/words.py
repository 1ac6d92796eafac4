"""Hashes as four 64-bit words in a frozen order of their bits, the form in which they are searched.

The bits of a PDQ hash stand for 16 x 16 frequencies, and neighbours change together: chunks of neighbouring bits
coincide by chance far more often than bits drawn from everywhere. So each chunk of sixteen takes one bit of every row
and every column of the grid: the bit of row i and column j becomes bit j of chunk (i + j) mod 16. On unrelated
frames of real films that halves the candidates (0.85 % of pairs share a chunk within one bit, 1.84 % without), as
a random order does, and SQL computes it in four rotations. Its name is written into every segment.
"""

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index.contract import HASH_BITS, HASH_BYTES

BIT_ORDER = "diagonal/1"
WORDS = 4
_SIDE = 16


def bit_order() -> NDArray[np.intp]:
    """(256,) for every bit of the new order which bit of the hash it is, the most significant being 0."""
    chunk, column = np.divmod(np.arange(HASH_BITS), _SIDE)
    return ((chunk - column) % _SIDE * _SIDE + column).astype(np.intp)


def _byte_tables() -> NDArray[np.uint64]:
    """(32, 256, 4): what each value of each byte contributes to the four words."""
    bits = np.zeros((HASH_BYTES, 256, HASH_BITS), np.uint8)
    values = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    for byte in range(HASH_BYTES):
        bits[byte, :, 8 * byte : 8 * byte + 8] = values
    packed = np.packbits(bits[:, :, bit_order()], axis=2, bitorder="little")
    return packed.view("<u8").astype(np.uint64)


TABLES = _byte_tables()
TABLES.flags.writeable = False
