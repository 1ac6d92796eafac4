"""Hashes one frame with public algorithms, packed so that they map onto bit columns of a database.

Canonical decode path: PyAV `VideoFrame.to_ndarray(format="rgb24")` (libswscale, default scaler, the file's own
colour matrix, display rotation ignored), at full size. `pdq-256/1` is PDQ of that picture inside its black bars.
`imagehash-phash-64/1` is `imagehash.phash` of the whole picture. Both are packed most significant bit first, in
the order of their usual hexadecimal text, so that `('x' || hex)::bit(256)` in SQL is the same hash.
"""

from dataclasses import dataclass

import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.borders import without_borders
from provenance.media.picture import require_rgb

PDQ_ALGORITHM = "pdq-256/1"
PHASH_ALGORITHM = "imagehash-phash-64/1"
PDQ_BYTES = 32
PHASH_BYTES = 8
MIN_SEARCHED_QUALITY = 50
PDQ_RADIUS = 31

_ODD_COLUMNS = int.from_bytes(b"\x55" * PDQ_BYTES, "big")


@dataclass(frozen=True)
class FrameFingerprint:
    """The hashes of one frame; quality is PDQ's 0 to 100, and below 50 a frame is kept but never searched."""

    frame_index: int
    time_s: float
    pdq: bytes
    phash: bytes
    quality: int

    @property
    def is_searchable(self) -> bool:
        """False for flat or nearly black frames, whose hash says little."""
        return self.quality >= MIN_SEARCHED_QUALITY


def pdq(rgb: NDArray[np.uint8]) -> tuple[bytes, int]:
    """PDQ of (H, W, 3) uint8 RGB exactly as given: 32 bytes and the quality 0 to 100. Raises PictureShape."""
    require_rgb(rgb)
    bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)


def phash(rgb: NDArray[np.uint8]) -> bytes:
    """`imagehash.phash` of (H, W, 3) uint8 RGB: 8 bytes whose hex is the text imagehash prints. Raises PictureShape."""
    require_rgb(rgb)
    return np.packbits(imagehash.phash(Image.fromarray(rgb)).hash.reshape(-1)).tobytes()


def hash_frame(index: int, time_s: float, rgb: NDArray[np.uint8]) -> FrameFingerprint:
    """Both hashes of one frame. Raises PictureShape."""
    require_rgb(rgb)
    packed, quality = pdq(without_borders(rgb))
    return FrameFingerprint(index, time_s, packed, phash(rgb), quality)


def mirror_pdq(packed: bytes) -> bytes:
    """The PDQ of the left-right mirrored picture, derived without it; 6 to 16 of the 256 bits are off.

    Mirroring changes the sign of every second horizontal frequency; PDQ compares with a median close to zero.
    """
    _require(packed, PDQ_BYTES)
    return (int.from_bytes(packed, "big") ^ _ODD_COLUMNS).to_bytes(PDQ_BYTES, "big")


def hamming(a: bytes, b: bytes) -> int:
    """How many bits differ between two hashes of the same length. Raises FingerprintInvalid."""
    _require(b, len(a))
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def _require(packed: bytes, size_bytes: int) -> None:
    if len(packed) != size_bytes:
        raise FingerprintInvalid(f"A hash of {len(packed)} bytes was given.", f"It must have {size_bytes}.")
