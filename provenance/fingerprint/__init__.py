"""Recognising clips by what they show: hashes of frames, exact search keys, and alignment in time."""

from provenance.fingerprint.alignment import Segment, align
from provenance.fingerprint.chunks import EXACT_RADIUS, chunk_keys, probe_keys
from provenance.fingerprint.evidence import Hit
from provenance.fingerprint.hashes import (
    MIN_SEARCHED_QUALITY,
    PDQ_ALGORITHM,
    PDQ_RADIUS,
    PHASH_ALGORITHM,
    FrameFingerprint,
    hamming,
    hash_frame,
    mirror_pdq,
    pdq,
    phash,
)
from provenance.fingerprint.sampling import DEFAULT_RATE_HZ, Fingerprinter, Sampler, fingerprint_file

__all__ = [
    "DEFAULT_RATE_HZ",
    "EXACT_RADIUS",
    "MIN_SEARCHED_QUALITY",
    "PDQ_ALGORITHM",
    "PDQ_RADIUS",
    "PHASH_ALGORITHM",
    "Fingerprinter",
    "FrameFingerprint",
    "Hit",
    "Sampler",
    "Segment",
    "align",
    "chunk_keys",
    "fingerprint_file",
    "hamming",
    "hash_frame",
    "mirror_pdq",
    "pdq",
    "phash",
    "probe_keys",
]
