"""An invisible, keyed mark of 72 bits in the luma of a clip; only a key holder can make or find it."""

from provenance.watermark.carrier import SEGMENT_S, canonical_scale
from provenance.watermark.detect import Detector, detect
from provenance.watermark.embed import Embedder, default_psnr_db, embed
from provenance.watermark.findings import Detection, Geometry, Span
from provenance.watermark.keys import (
    ALGORITHM,
    KIND_CAPTURED,
    KIND_EDITED,
    KIND_GENERATED,
    KIND_TEST,
    Payload,
    WatermarkKey,
)
from provenance.watermark.message import IssuedMessages, code_bits, read_message
from provenance.watermark.profiles import ARCHIVE, CLEAN, PROFILES, ROBUST, Profile

__all__ = [
    "ALGORITHM",
    "ARCHIVE",
    "CLEAN",
    "KIND_CAPTURED",
    "KIND_EDITED",
    "KIND_GENERATED",
    "KIND_TEST",
    "PROFILES",
    "ROBUST",
    "SEGMENT_S",
    "Detection",
    "Detector",
    "Embedder",
    "Geometry",
    "IssuedMessages",
    "Payload",
    "Profile",
    "Span",
    "WatermarkKey",
    "canonical_scale",
    "code_bits",
    "default_psnr_db",
    "detect",
    "embed",
    "read_message",
]
