"""The layer that all engines share: a payload as 256 code bits, and soft bits back into a payload with a right tag."""

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import TAG_BYTES, Payload, WatermarkKey, message_bits, open_message
from provenance.watermark.polar import CODE_BITS, decode_list, encode

# Of the list that decoding yields, only the likeliest are compared with the tag: each costs a little certainty.
CANDIDATES_PER_READ = 8


def code_bits(key: WatermarkKey, payload: Payload) -> NDArray[np.uint8]:
    """(256,) code bits of payload and tag."""
    return encode(message_bits(key, payload))


def read_message(soft_bits: NDArray[np.floating], key: WatermarkKey) -> Payload | None:
    """The payload, when one of the 8 likeliest messages carries the right tag for `key`.

    soft_bits: (256,) log-likelihood ratios up to a common factor, positive for 0. Those of several engines,
    segments or frames may be added up before. Raises ValueError on another shape.
    """
    if soft_bits.shape != (CODE_BITS,):
        raise ValueError(f"Soft bits have the shape {soft_bits.shape}; it must be ({CODE_BITS},).")
    for message in decode_list(soft_bits.astype(np.float64))[:CANDIDATES_PER_READ]:
        payload = open_message(key, message)
        if payload is not None:
            return payload
    return None


def p_wrong_message(reads: int) -> float:
    """Bound on the probability that any of `reads` calls of `read_message` on noise finds a right tag by chance."""
    return min(1.0, reads * CANDIDATES_PER_READ / 2.0 ** (8 * TAG_BYTES))
