"""Tracks of pictures that drift as film does, and what re-encoding and cutting do to them."""

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import Track
from provenance.fingerprint.matching.tracks import Timeline

FPS = 24
CHANGED_PER_STEP = 30
STEP_FRAMES = 6


def moving(seed: int, seconds: float) -> NDArray[np.uint8]:
    """(n, 32) hashes: every quarter of a second another 30 bits have changed, some with every frame."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, 256, np.uint8)
    rows = []
    for _ in range(round(seconds * FPS / STEP_FRAMES)):
        changing = rng.choice(256, CHANGED_PER_STEP, replace=False)
        for part in range(STEP_FRAMES):
            rows.append(bits.copy())
            share = CHANGED_PER_STEP * (part + 1) // STEP_FRAMES
            done = CHANGED_PER_STEP * part // STEP_FRAMES
            bits[changing[done:share]] ^= 1
    return np.packbits(np.stack(rows), axis=1)


def noisy(hashes: NDArray[np.uint8], flips: int, seed: int = 9) -> NDArray[np.uint8]:
    """Every hash with `flips` bits of its own turned over: coding noise."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(hashes, axis=1)
    for row in bits:
        row[rng.choice(256, flips, replace=False)] ^= 1
    return np.packbits(bits, axis=1)


def timeline(hashes: NDArray[np.uint8], fps: float = FPS, quality: int = 100) -> Timeline:
    times_s = np.arange(len(hashes)) / fps
    return Timeline(Track(times_s, hashes, np.full(len(hashes), quality, np.uint8)), len(hashes) / fps)
