"""Keys and payloads of the watermark, and the tag that ties a payload to a key."""

import hashlib
import hmac
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from provenance.errors import KeyInvalid

ALGORITHM = "tilemark/1"
SECRET_BYTES = 32
PAYLOAD_BYTES = 9
TAG_BYTES = 4
MESSAGE_BITS = 8 * (PAYLOAD_BYTES + TAG_BYTES)

KIND_GENERATED, KIND_EDITED, KIND_CAPTURED, KIND_TEST = range(4)


@dataclass(frozen=True)
class WatermarkKey:
    """A named secret of 32 bytes; whoever holds it can mark and detect, nobody else can. Raises KeyInvalid."""

    key_id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise KeyInvalid(
                f"The watermark key {self.key_id!r} has {len(self.secret)} bytes.",
                f"It must have {SECRET_BYTES}.",
            )

    def subkey(self, label: str) -> bytes:
        """32 bytes for one purpose: HMAC-SHA256(secret, label)."""
        return hmac.digest(self.secret, label.encode(), hashlib.sha256)

    def stream(self, label: str, count: int) -> NDArray[np.uint64]:
        """`count` uniform 64-bit numbers for one purpose, little-endian from SHAKE-256 of the subkey."""
        raw = hashlib.shake_256(self.subkey(label)).digest(8 * count)
        return np.frombuffer(raw, dtype="<u8").astype(np.uint64)


@dataclass(frozen=True)
class Payload:
    """The 72 bits a mark carries: asset id 0..2^64-1, kind 0..3, segment 0..7, layout 0..7. Raises KeyInvalid."""

    asset_id: int
    kind: int = KIND_GENERATED
    segment: int = 0
    layout: int = 0

    def __post_init__(self) -> None:
        for name, bits in (("asset_id", 64), ("kind", 2), ("segment", 3), ("layout", 3)):
            value = getattr(self, name)
            if not 0 <= value < 1 << bits:
                raise KeyInvalid(f"{name} is {value}.", f"It must be from 0 to {(1 << bits) - 1}.")

    def to_bytes(self) -> bytes:
        """9 bytes: layout (3 bits), kind (2), segment (3), asset id (64, most significant byte first)."""
        return bytes([self.layout << 5 | self.kind << 3 | self.segment]) + self.asset_id.to_bytes(8, "big")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Payload":
        """The inverse of `to_bytes`. Raises KeyInvalid unless there are 9 bytes."""
        if len(data) != PAYLOAD_BYTES:
            raise KeyInvalid(f"A payload of {len(data)} bytes was given.", f"It must have {PAYLOAD_BYTES}.")
        head = data[0]
        return cls(int.from_bytes(data[1:], "big"), head >> 3 & 3, head & 7, head >> 5)


def tag_of(key: WatermarkKey, data: bytes) -> bytes:
    """4 bytes that only the key holder can make for these payload bytes."""
    return hmac.digest(key.subkey("tag"), ALGORITHM.encode() + b"\0" + data, hashlib.sha256)[:TAG_BYTES]


def message_bits(key: WatermarkKey, payload: Payload) -> NDArray[np.uint8]:
    """(104,) bits, payload then tag, most significant bit of each byte first."""
    data = payload.to_bytes()
    return np.unpackbits(np.frombuffer(data + tag_of(key, data), dtype=np.uint8))


def open_message(key: WatermarkKey, bits: NDArray[np.uint8]) -> Payload | None:
    """The payload of (104,) decoded bits when its tag is right for this key, else None; compared in constant time."""
    raw = np.packbits(bits).tobytes()
    data, tag = raw[:PAYLOAD_BYTES], raw[PAYLOAD_BYTES:]
    return Payload.from_bytes(data) if hmac.compare_digest(tag, tag_of(key, data)) else None
