"""The cells that carry a mark in sound: slots of 16 ms by bands of 250 Hz, and how samples are read as cells."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.errors import SoundShape

SLOT_S = 0.016
SLOTS = 160  # of one tile, which is repeated for as long as the sound lasts
TILE_S = SLOTS * SLOT_S
BANDS = 24
LOWEST_HZ, BAND_HZ = 400.0, 250.0
HIGHEST_HZ = LOWEST_HZ + BANDS * BAND_HZ
FRAME_S = 0.016
LOWEST_RATE, HIGHEST_RATE = 8000, 192_000
MAX_CHANNELS = 32

Sound = NDArray[np.float32]


def frame_samples(sample_rate: int) -> int:
    """The even number of samples nearest to 16 ms."""
    return 2 * round(FRAME_S * sample_rate / 2)


def check_rate(sample_rate: int) -> None:
    """Raises SoundShape for a rate outside of 8 to 192 kHz."""
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise SoundShape(
            f"Sound of {sample_rate} samples per second cannot be marked.",
            f"It must have from {LOWEST_RATE} to {HIGHEST_RATE}.",
        )


def check_sound(samples: Sound, channels: int | None) -> None:
    """Raises SoundShape unless `samples` is finite float32 of shape (n, channels)."""
    if samples.ndim != 2 or samples.dtype != np.float32 or not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise SoundShape(
            f"An array of shape {samples.shape} and type {samples.dtype} is not sound.",
            f"It must be float32 (samples, channels) with 1 to {MAX_CHANNELS} channels.",
        )
    if channels is not None and samples.shape[1] != channels:
        raise SoundShape(
            f"{samples.shape[1]} channels follow {channels}.", "Use one number of channels per track."
        )
    if not np.isfinite(samples).all():
        raise SoundShape("The sound holds values that are no numbers.", "Every sample must be finite.")


@lru_cache(maxsize=32)
def shares(
    sample_rate: int, samples: int, lowest_hz: float, band_hz: float, bands: int
) -> NDArray[np.float32]:
    """(bands, samples // 2 + 1) share of each bin of a spectrum that lies in each band; 0 above half the rate."""
    bin_hz = sample_rate / samples
    centre_hz = np.arange(samples // 2 + 1) * bin_hz
    lower_hz = lowest_hz + band_hz * np.arange(bands)[:, None]
    top = np.minimum(centre_hz + bin_hz / 2, lower_hz + band_hz)
    bottom = np.maximum(centre_hz - bin_hz / 2, lower_hz)
    inside: NDArray[np.float32] = np.clip((top - bottom) / bin_hz, 0, 1).astype(np.float32)
    return inside


@lru_cache(maxsize=32)
def hann(samples: int) -> NDArray[np.float32]:
    """The periodic Hann window."""
    window: NDArray[np.float32] = np.hanning(samples + 1)[:samples].astype(np.float32)
    return window
