"""The codes of a Chromaprint: their place in time, the one that stands for silence, and the keys they are found by."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 11_025
STEP_SAMPLES = 1365
INTERVAL_S = STEP_SAMPLES / RATE_HZ
# A code looks at 20 spectra of three steps each, of which each begins a step after the one before.
WINDOW_STEPS = 22
# Where within it a code changes when the sound does, the median of 150 cuts: most of its filters are short.
CENTRE_STEPS = 8
CODE_BITS = 32
# What Chromaprint itself gives for digital silence; also set where there is next to nothing to hear.
SILENT_CODE = 627_964_279

KEY_BITS = 24
# Longer queries have so many codes that some of them keep every bit of their key.
_FLIPPED_UP_TO_CODES = 160
# What a hum or a loop says over and over leads nowhere.
_MOST_PLACES_OF_KEY = 50

Codes = NDArray[np.uint32]


def reference_keys(codes: Codes) -> list[int]:
    """The keys a track is kept under, rising: the first 24 bits of its codes, each value once, without silence."""
    keys, _ = _keys(codes)
    found: list[int] = np.unique(keys).tolist()
    return found


def query_keys(codes: Codes) -> list[int]:
    """The keys to look a track up by, rising: of short ones (22 s) also those that differ by one bit.

    Measured on excerpts of 5 s, 18 codes each: a key is shared with the original by all those through AAC, MP3 and
    Opus, by 93 % through a telephone or with echo; unrelated sounds share one at 5e-6 per pair of codes.
    """
    keys, _ = _keys(codes)
    found: list[int] = np.unique(keys[:, None] ^ _flips(codes)).tolist()
    return found


def shared_places(query: Codes, reference: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a query key is a reference key: code numbers in the query and, of the same length, in the reference."""
    query_values, query_at = _keys(query)
    reference_values, reference_at = _keys(reference)
    flips = _flips(query)
    asked = (query_values[:, None] ^ flips).ravel()
    order = np.argsort(asked, kind="stable")
    asked = asked[order]
    first = np.searchsorted(asked, reference_values, "left")
    is_shared = np.append(asked, -1)[first] == reference_values
    first, reference_at = first[is_shared], reference_at[is_shared]
    counts = np.searchsorted(asked, reference_values[is_shared], "right") - first
    counts[counts > _MOST_PLACES_OF_KEY] = 0
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    on_query = query_at[order[np.repeat(first, counts) + within] // len(flips)]
    return on_query, np.repeat(reference_at, counts)


def _keys(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys of all codes that are not silent and not the repetition of the one before, and their numbers."""
    keys = (codes >> (CODE_BITS - KEY_BITS)).astype(np.int64)
    is_kept = codes != SILENT_CODE
    is_kept[1:] &= keys[1:] != keys[:-1]
    at = np.flatnonzero(is_kept)
    return keys[at], at


def _flips(codes: Codes) -> NDArray[np.int64]:
    bits = KEY_BITS if len(codes) <= _FLIPPED_UP_TO_CODES else 0
    return np.concatenate([[0], np.int64(1) << np.arange(bits)]).astype(np.int64)
