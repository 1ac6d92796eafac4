"""A polar code of 256 bits for 104: encoding, and list decoding from soft bits."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import MESSAGE_BITS

CODE_BITS = 256
LIST_SIZE = 32
_STAGES = 8

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]


@cache
def information_positions() -> NDArray[np.intp]:
    """The 104 most reliable of the 256 positions, ascending.

    Reliability is the polarisation weight of He et al. (2017): the sum of 2^(j/4) over the set bits j of the index.
    """
    index = np.arange(CODE_BITS)
    weights = sum(((index >> j) & 1) * 2.0 ** (j / 4) for j in range(_STAGES))
    best = np.argsort(weights, kind="stable")[-MESSAGE_BITS:]
    return np.sort(best)


@cache
def _is_information() -> NDArray[np.bool_]:
    mask = np.zeros(CODE_BITS, dtype=bool)
    mask[information_positions()] = True
    return mask


def encode(message: Bits) -> Bits:
    """(..., 104) message bits to (..., 256) code bits."""
    source = np.zeros((*message.shape[:-1], CODE_BITS), dtype=np.uint8)
    source[..., information_positions()] = message
    return _transform(source)


def _transform(bits: Bits) -> Bits:
    """The polar transform of (..., 256) bits in natural order; it is its own inverse."""
    coded = bits.copy()
    for stage in range(_STAGES):
        pairs = coded.reshape(-1, 2, 1 << stage)
        pairs[:, 0] ^= pairs[:, 1]
    return coded


def decode_list(soft_bits: Floats) -> list[Bits]:
    """Up to 32 candidate messages of (104,) bits, likeliest first, from (256,) log-likelihood ratios.

    Positive means 0. Only ratios between the values matter. Successive-cancellation list decoding after Tal and
    Vardy, min-sum; rows of every array are the paths on the list.
    """
    codewords, costs, _ = _decode(np.asarray(soft_bits, dtype=np.float64)[None, :], np.zeros(1), 0)
    ranked = codewords[np.argsort(costs, kind="stable")]
    return [_transform(word)[information_positions()] for word in ranked]


def _decode(soft: Floats, costs: Floats, first: int) -> tuple[Bits, Floats, NDArray[np.intp]]:
    """Decodes the sub-code at positions `first`.. for every path: (code bits, costs, row each path came from)."""
    width = soft.shape[1]
    if not _is_information()[first : first + width].any():
        zeros = np.zeros(soft.shape, dtype=np.uint8)
        return zeros, costs - np.minimum(soft, 0).sum(axis=1), np.arange(len(soft))
    if width == 1:
        return _fork(soft[:, 0], costs)
    half = width // 2
    upper, lower = soft[:, :half], soft[:, half:]
    combined = np.sign(upper) * np.sign(lower) * np.minimum(np.abs(upper), np.abs(lower))
    left, costs, from_left = _decode(combined, costs, first)
    upper, lower = upper[from_left], lower[from_left]
    right, costs, from_right = _decode(lower + (1.0 - 2.0 * left) * upper, costs, first + half)
    left = left[from_right]
    return np.concatenate([left ^ right, right], axis=1), costs, from_left[from_right]


def _fork(soft: Floats, costs: Floats) -> tuple[Bits, Floats, NDArray[np.intp]]:
    """Continues every path with 0 and with 1 and keeps the 32 cheapest."""
    both = np.concatenate([costs - np.minimum(soft, 0), costs + np.maximum(soft, 0)])
    kept = np.argsort(both, kind="stable")[:LIST_SIZE]
    paths = len(soft)
    return (kept >= paths).astype(np.uint8)[:, None], both[kept], kept % paths
