"""An invisible, keyed mark of 72 bits in the luma of a clip; only a key holder can make or find it."""

from provenance.watermark.detect import Detection, Detector, detect
from provenance.watermark.embed import Embedder, default_psnr_db, embed
from provenance.watermark.geometry import Geometry
from provenance.watermark.keys import (
    ALGORITHM,
    KIND_CAPTURED,
    KIND_EDITED,
    KIND_GENERATED,
    KIND_TEST,
    Payload,
    WatermarkKey,
)

__all__ = [
    "ALGORITHM",
    "KIND_CAPTURED",
    "KIND_EDITED",
    "KIND_GENERATED",
    "KIND_TEST",
    "Detection",
    "Detector",
    "Embedder",
    "Geometry",
    "Payload",
    "WatermarkKey",
    "default_psnr_db",
    "detect",
    "embed",
]
