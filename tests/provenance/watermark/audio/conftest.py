"""Real sound, marked once per run, and the codecs it is put through."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.audio_watermark import through_codec
from provenance.media import read_audio
from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.audio import AudioDetection, AudioDetector, mark_sound

RATE = 48_000
Sound = np.ndarray
Hear = Callable[..., list[AudioDetection]]


@pytest.fixture(scope="session")
def film(real_media: Path) -> Sound:
    """12 s of film sound, the front left and right of 5.1, at 48 kHz."""
    blocks = read_audio(real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4")
    sound = np.concatenate([block.samples for block in blocks])[8 * RATE : 20 * RATE]
    return np.ascontiguousarray(sound[:, :2] + 0.7 * sound[:, 2:3])


@pytest.fixture(scope="session")
def room(real_media: Path) -> Sound:
    """10 s of a quiet room with hand noises, stereo, 48 kHz."""
    blocks = read_audio(real_media / "threatexchange" / "videos" / "chair-orig-22-sd-bar.mp4")
    return np.concatenate([block.samples for block in blocks])[: 10 * RATE]


@pytest.fixture(scope="session")
def marked_film(film: Sound, key: WatermarkKey, payload: Payload) -> Sound:
    return mark_sound(film, RATE, key, payload)


@pytest.fixture(scope="session")
def marked_room(room: Sound, key: WatermarkKey, payload: Payload) -> Sound:
    return mark_sound(room, RATE, key, payload)


@pytest.fixture(scope="session")
def hear(key: WatermarkKey) -> Hear:
    """hear(sound, rate, keys) is all that a detector finds; changed speeds are tried only where asked for."""

    def run(sound: Sound, rate: int = RATE, keys: list[WatermarkKey] | None = None, *, speeds: bool = False):
        detector = AudioDetector(rate, None if speeds else 0.0)
        detector.add(np.ascontiguousarray(sound, dtype=np.float32))
        return detector.detect([key] if keys is None else keys)

    return run


@pytest.fixture(scope="session")
def through() -> Callable[..., tuple[Sound, int]]:
    """through(sound, codec, bit_rate, container) is the sound after encoding and decoding, and its rate."""

    def run(sound: Sound, codec: str, bit_rate: int, container: str, rate: int = RATE) -> tuple[Sound, int]:
        return through_codec(sound, rate, codec, bit_rate, container)

    return run
