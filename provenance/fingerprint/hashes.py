"""Hashes one frame with public algorithms, packed so that they map onto bit columns of a database.

Canonical decode path: PyAV `VideoFrame.to_ndarray(format="rgb24")` (libswscale, default scaler, the file's own
colour matrix), at full size, turned as the file says it is to be shown. `pdq-256/2` is PDQ of that picture inside its
black bars; a few bits of a picture can differ from version 1, which was computed by pdqhash. `imagehash-phash-64/1` is
`imagehash.phash` of the whole picture, bit by bit. Both are packed most significant bit first, in the order of their
usual hexadecimal text, so that `('x' || hex)::bit(256)` in SQL is the same hash.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.borders import Box, content_box
from provenance.fingerprint.contents import MIN_SEARCHED_QUALITY, PDQ_BYTES, PHASH_BYTES, FrameFingerprint
from provenance.fingerprint.pdq256 import hash_picture
from provenance.fingerprint.phash64 import phash
from provenance.media.picture import require_rgb

if TYPE_CHECKING:
    from imagehash import ImageHash

__all__ = [
    "MIN_SEARCHED_QUALITY",
    "PDQ_ALGORITHM",
    "PDQ_BYTES",
    "PDQ_RADIUS",
    "PHASH_ALGORITHM",
    "PHASH_BYTES",
    "FrameFingerprint",
    "as_imagehash",
    "hamming",
    "hash_frame",
    "mirror_pdq",
    "mirrored_pdq",
    "pdq",
    "phash",
]

PDQ_ALGORITHM = "pdq-256/2"
PHASH_ALGORITHM = "imagehash-phash-64/1"
PDQ_RADIUS = 31

_ODD_COLUMNS = int.from_bytes(b"\x55" * PDQ_BYTES, "big")


def pdq(rgb: NDArray[np.uint8]) -> tuple[bytes, int]:
    """PDQ of (H, W, 3) uint8 RGB exactly as given: 32 bytes and the quality 0 to 100. Raises PictureShape."""
    require_rgb(rgb)
    hashed = hash_picture(rgb)
    return hashed.packed, hashed.quality


def as_imagehash(packed: bytes) -> "ImageHash":
    """A stored pHash as the object of the imagehash library, to be compared with hashes made elsewhere by it.

    `as_imagehash(ours) - imagehash.phash(picture)` counts differing bits. Raises FingerprintInvalid.
    """
    from imagehash import hex_to_hash

    _require(packed, PHASH_BYTES)
    return hex_to_hash(packed.hex())


def hash_frame(
    index: int,
    time_s: float,
    rgb: NDArray[np.uint8],
    box: Box | None = None,
    *,
    is_shot_start: bool = False,
    with_mirrored: bool = False,
) -> FrameFingerprint:
    """Both hashes of one frame, PDQ inside `box` or, without it, inside the bars found. Raises PictureShape."""
    require_rgb(rgb)
    hashed = hash_picture(rgb, box or content_box(rgb))
    return FrameFingerprint(
        frame_index=index,
        time_s=time_s,
        pdq=hashed.packed,
        phash=phash(rgb),
        quality=hashed.quality,
        is_shot_start=is_shot_start,
        mirrored_pdq=hashed.mirrored if with_mirrored else b"",
    )


def mirrored_pdq(frame: FrameFingerprint) -> bytes:
    """The PDQ of the left-right mirrored picture: exact where the frame carries it, else as `mirror_pdq` derives it."""
    return frame.mirrored_pdq or mirror_pdq(frame.pdq)


def mirror_pdq(packed: bytes) -> bytes:
    """The PDQ of the left-right mirrored picture, derived without its pixels; 6 to 22 of the 256 bits are off.

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
