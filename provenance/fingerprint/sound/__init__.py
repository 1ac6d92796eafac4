"""Recognising clips by what they sound like: a Chromaprint over time, extracted in one pass and without the picture.

What compares two of them is in `matching`, which is compiled when first imported and not needed to extract.
"""

from provenance.fingerprint.sound.extraction import (
    QUERY_SPEEDS,
    SOUND_ALGORITHM,
    SoundFingerprinter,
    SoundUnavailable,
    sound_of,
    sounds_of,
)

__all__ = [
    "QUERY_SPEEDS",
    "SOUND_ALGORITHM",
    "SoundFingerprinter",
    "SoundUnavailable",
    "sound_of",
    "sounds_of",
]
