"""Derives the seed of every window from the shot's."""

from __future__ import annotations

import hashlib


def window_seed(seed: int, window: int) -> int:
    """The seed of one window: the shot's own for the first, a hash of both after that."""
    if window == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{window}".encode()).digest()[:8], "big") >> 1
