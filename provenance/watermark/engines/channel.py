"""Lays the 256 code bits onto the bits that one frame of an engine can carry, and collects them again.

Position and sign of every code bit come from the key, so that a public model reads nothing but noise. Where a frame
carries fewer than 256 bits, successive stretches of the clip carry successive parts of the code word, each
frame headed by a keyed word that says which part it holds.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.engines.evidence import agreement, repeatability, spread_reliability
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits
from provenance.watermark.polar import CODE_BITS

_HEADER_BITS = 14  # with 100 bits a frame: 86 for the code word, three parts
_LOGIT_LIMIT = 3.0  # root mean squares
_HEADER_DEVIATIONS = 2.0
_MARKED_FRAME_T = 3.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """What a key sees in the logits of some frames: (256,) soft bits, and how reliable they are (0 to 1)."""

    soft_bits: Floats
    reliability: float


@dataclass(frozen=True)
class Channel:
    """The frame format of one engine whose model carries `width` bits per frame."""

    label: str
    width: int

    @property
    def header_bits(self) -> int:
        """Bits per frame that say which part of the code word it holds."""
        return 0 if self.width >= CODE_BITS else _HEADER_BITS

    @property
    def code_slots(self) -> int:
        """Code bits per frame."""
        return self.width - self.header_bits

    @cached_property
    def parts(self) -> int:
        """Stretches it takes to carry the whole code word."""
        return -(-CODE_BITS // self.code_slots)

    def encode(self, key: WatermarkKey, payload: Payload, part: int) -> NDArray[np.uint8]:
        """(width,) bits for a frame of one part."""
        secret = _secret(key, self)
        code = code_bits(key, payload)[secret.bit_of[part]]
        return np.concatenate([secret.headers[part], code]) ^ secret.flips

    def read(self, key: WatermarkKey, logits: Floats) -> Reading:
        """What `key` sees in (frames, width) logits, positive for 1, of frames in the order of time."""
        turned = self._turned(key, logits)
        weights = self._part_weights(key, turned)
        even, odd = (self._sum(key, turned[start::2], weights[start::2]) for start in (0, 1))
        total = even + odd
        # What a still shot itself shows repeats in every frame, so that repeating alone proves little.
        reliability = spread_reliability(total)
        if len(logits) > 1:
            reliability = min(reliability, repeatability(even, odd))
        return Reading(total, reliability)

    def marked(self, key: WatermarkKey, payload: Payload, logits: Floats) -> NDArray[np.bool_]:
        """(frames,) where this very message is visible in a single frame."""
        expected = [self.encode(key, payload, part) for part in range(self.parts)]
        return np.array([max(agreement(-row, word) for word in expected) > _MARKED_FRAME_T for row in logits])

    def _turned(self, key: WatermarkKey, logits: Floats) -> Floats:
        """Logits with the key's signs taken out, positive for 0, none so large that it outvotes the rest."""
        soft = -logits * (1.0 - 2.0 * _secret(key, self).flips)
        limit = _LOGIT_LIMIT * np.sqrt(np.mean(soft**2)) if soft.size else 0.0
        return np.clip(soft, -limit, limit)

    def _part_weights(self, key: WatermarkKey, turned: Floats) -> Floats:
        """(frames, parts) how likely each frame holds each part, by its header."""
        if self.parts == 1:
            return np.ones((len(turned), 1))
        words = 1.0 - 2.0 * _secret(key, self).headers
        heads = turned[:, : self.header_bits]
        sizes = np.sqrt(np.mean(turned**2, axis=1, keepdims=True)) * np.sqrt(self.header_bits)
        scores = _HEADER_DEVIATIONS * (heads @ words.T) / np.maximum(sizes, 1e-12)
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights: Floats = likely / likely.sum(axis=1, keepdims=True)
        return weights

    def _sum(self, key: WatermarkKey, turned: Floats, weights: Floats) -> Floats:
        total = np.zeros(CODE_BITS)
        for part, bit_of in enumerate(_secret(key, self).bit_of):
            np.add.at(total, bit_of, weights[:, part] @ turned[:, self.header_bits :])
        return total


@dataclass(frozen=True)
class _Secret:
    """A key's arrangement: flips (width,), bit_of (parts, slots) code bit of a slot, headers (parts, header bits)."""

    flips: NDArray[np.uint8]
    bit_of: NDArray[np.intp]
    headers: NDArray[np.uint8]


@lru_cache(maxsize=128)
def _secret(key: WatermarkKey, channel: Channel) -> _Secret:
    label = f"channel {channel.label} {channel.width}"
    flips = (key.stream(f"{label} flips", channel.width) & np.uint64(1)).astype(np.uint8)
    order = np.argsort(key.stream(f"{label} order", CODE_BITS), kind="stable")
    # Slots left over after the last part carry the first bits again.
    slots = np.arange(channel.parts * channel.code_slots) % CODE_BITS
    bit_of = order[slots].reshape(channel.parts, channel.code_slots)
    return _Secret(flips, bit_of, _headers(channel.parts, channel.header_bits))


def _headers(parts: int, bits: int) -> NDArray[np.uint8]:
    """(parts, bits) words of which any two differ in two bits of `parts`: as far apart as that many words can be."""
    return np.array(
        [[int(column % parts == part) for column in range(bits)] for part in range(parts)], np.uint8
    )
