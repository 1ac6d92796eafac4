"""Bounds on what is read from an untrusted file; every reader in this package keeps to them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds; a file beyond any of them is refused with `MediaTooLarge` before or while it is read."""

    max_bytes: int = 8 * 1024**3
    max_pixels: int = 8192 * 4320
    max_seconds: float = 4 * 3600.0
    max_frames: int = 1_000_000
