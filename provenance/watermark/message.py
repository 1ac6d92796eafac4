"""The layer that all engines share: a payload as 256 code bits, and soft bits back into a payload with a right tag."""

from collections.abc import Sequence
from functools import cached_property
from math import exp

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import TAG_BYTES, Payload, WatermarkKey, message_bits, open_message
from provenance.watermark.polar import CODE_BITS, decode_list, encode

# Of the list that decoding yields, only the likeliest are compared with the tag: each costs a little certainty.
CANDIDATES_PER_READ = 8
_WORDS_AT_ONCE = 4096


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


class IssuedMessages:
    """The payloads known to have been issued under one key, to recognise one of them where no message can be decoded.

    Telling one of 100,000 known messages from the others takes a third of the power that decoding 104 unknown bits
    does, and stays as certain.
    """

    def __init__(self, key: WatermarkKey, payloads: Sequence[Payload]) -> None:
        self._key = key
        self._payloads = list(dict.fromkeys(payloads))

    @cached_property
    def _words(self) -> NDArray[np.int8]:
        """(n, 256), 1 for a 0 and -1 for a 1: 256 MB for a million. Made when first needed, 0.6 s for 100,000."""
        messages = [message_bits(self._key, payload) for payload in self._payloads]
        return 1 - 2 * encode(np.stack(messages)).astype(np.int8)

    def __len__(self) -> int:
        return len(self._payloads)

    def likeliest(
        self, soft_bits: NDArray[np.floating], energy: NDArray[np.floating], chosen_from: int
    ) -> tuple[Payload | None, float]:
        """The payload that agrees best with any row of soft bits, and a bound on the probability of as much by chance.

        soft_bits: (n, 256), each a sum of values to which the key gave random signs; energy: (n,) the sum of the
        squares of these values; chosen_from: how many rows there were before these were chosen by their
        values. For a picture without the mark the correlation t of a row with a given message is a
        Rademacher sum, so that P(t >= x) <= exp(-x^2 / (2 energy)) (Hoeffding), whatever the picture.
        """
        if not self._payloads:
            return None, 1.0
        best, best_exponent = None, 0.0
        scaled = (soft_bits / np.sqrt(np.maximum(energy, 1e-300))[:, None]).astype(np.float32)
        for first in range(0, len(self._words), _WORDS_AT_ONCE):
            z = self._words[first : first + _WORDS_AT_ONCE].astype(np.float32) @ scaled.T
            word = int(z.max(axis=1).argmax())
            height = max(float(z[word].max()), 0.0)
            if height**2 / 2 > best_exponent:
                best, best_exponent = self._payloads[first + word], height**2 / 2
        return best, min(1.0, len(self._words) * chosen_from * exp(-best_exponent))
