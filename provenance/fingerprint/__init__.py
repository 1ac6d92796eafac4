"""Recognising clips by what they show: hashes of frames, exact search, segments in time, and judgement.

Each name is loaded from its module when first asked for: who only extracts fingerprints, as a confined child does, must
not wait for the compiled kernels of the search.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provenance.fingerprint.contents import (
        MIN_SEARCHED_QUALITY,
        ClipFingerprint,
        FrameFingerprint,
        Keyframe,
        SoundTrack,
        Track,
    )
    from provenance.fingerprint.extraction import Fingerprinter, fingerprint_file
    from provenance.fingerprint.hashes import (
        PDQ_ALGORITHM,
        PDQ_RADIUS,
        PHASH_ALGORITHM,
        as_imagehash,
        hamming,
        hash_frame,
        mirror_pdq,
        mirrored_pdq,
        pdq,
        phash,
    )
    from provenance.fingerprint.index.chunks import EXACT_RADIUS, chunk_keys, probe_keys
    from provenance.fingerprint.matching.segment import Box, Evidence, Segment
    from provenance.fingerprint.sampling import DEFAULT_RATE_HZ, Sampler

__all__ = [
    "DEFAULT_RATE_HZ",
    "EXACT_RADIUS",
    "MIN_SEARCHED_QUALITY",
    "PDQ_ALGORITHM",
    "PDQ_RADIUS",
    "PHASH_ALGORITHM",
    "Box",
    "ClipFingerprint",
    "Evidence",
    "Fingerprinter",
    "FrameFingerprint",
    "Keyframe",
    "Sampler",
    "Segment",
    "SoundTrack",
    "Track",
    "as_imagehash",
    "chunk_keys",
    "fingerprint_file",
    "hamming",
    "hash_frame",
    "mirror_pdq",
    "mirrored_pdq",
    "pdq",
    "phash",
    "probe_keys",
]

_NAMES_BY_MODULE = {
    "contents": (
        "MIN_SEARCHED_QUALITY",
        "ClipFingerprint",
        "FrameFingerprint",
        "Keyframe",
        "SoundTrack",
        "Track",
    ),
    "extraction": ("Fingerprinter", "fingerprint_file"),
    "hashes": (
        "PDQ_ALGORITHM",
        "PDQ_RADIUS",
        "PHASH_ALGORITHM",
        "as_imagehash",
        "hamming",
        "hash_frame",
        "mirror_pdq",
        "mirrored_pdq",
        "pdq",
        "phash",
    ),
    "index.chunks": ("EXACT_RADIUS", "chunk_keys", "probe_keys"),
    "matching.segment": ("Box", "Evidence", "Segment"),
    "sampling": ("DEFAULT_RATE_HZ", "Sampler"),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
