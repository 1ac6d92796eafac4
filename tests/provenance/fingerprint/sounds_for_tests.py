"""Real sounds as arrays, edits of them, and their fingerprints; sound is (n, channels) float32 at 48 kHz."""

import importlib
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from provenance.fingerprint.contents import SoundTrack
from provenance.fingerprint.sound import sounds_of
from provenance.media import read_audio

RATE_HZ = 48_000

Sound = np.ndarray


def _has_chromaprint() -> bool:
    try:
        importlib.import_module("chromaprint")
    except ImportError:
        return False
    return True


needs_chromaprint = pytest.mark.skipif(
    not os.environ.get("CI") and not _has_chromaprint(), reason="libchromaprint1 is not installed"
)


def sound_in(path: Path, start_s: float = 0.0, end_s: float = 3600.0) -> Sound:
    """A stretch of a file's first sound track in stereo; of 5.1 its front channels."""
    blocks = [block.samples for block in read_audio(path, sample_rate=RATE_HZ)]
    sound = np.concatenate(blocks)[int(start_s * RATE_HZ) : int(end_s * RATE_HZ), :2]
    return np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound


def write_sound(
    path: Path, sound: Sound, codec: str = "pcm_s16le", bit_rate: int = 0, *, played_at_hz: int = RATE_HZ
) -> Path:
    """Encodes to `path`. played_at_hz: the rate the samples are said to have; more plays them faster and higher."""
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = played_at_hz, 0, Fraction(1, played_at_hz)
        encoder = stream.codec_context
        fit = av.AudioResampler(encoder.format.name, layout, RATE_HZ, frame_size=encoder.frame_size or 1024)
        for piece in [*fit.resample(frame), *fit.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def stretched(sound: Sound, tempo: float) -> Sound:
    """Played faster by `tempo` with its pitch kept, by ffmpeg's atempo."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=RATE_HZ, format="fltp", layout="stereo", time_base=Fraction(1, RATE_HZ)
    )
    steps = [graph.add("atempo", str(tempo)), graph.add("aformat", "sample_fmts=fltp")]
    graph.link_nodes(source, *steps, graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
    graph.push(frame)
    graph.push(None)
    pieces = []
    while True:
        try:
            pieces.append(graph.pull().to_ndarray())
        except (av.error.BlockingIOError, av.error.EOFError):
            return np.concatenate(pieces, axis=1).T


def silence(seconds: float) -> Sound:
    return np.zeros((int(seconds * RATE_HZ), 2), np.float32)


def tone(seconds: float, *hertz: float) -> Sound:
    """Steady sines, as of a hum or a test signal."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    mono = sum(np.sin(2 * np.pi * each * time_s) for each in hertz) * 0.2
    return np.stack([mono, mono], axis=1).astype(np.float32)


def rain(seconds: float, seed: int) -> Sound:
    """Noise with the spectrum of a shower; another seed is another shower that sounds alike."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum = rng.standard_normal(len(hertz)) + 1j * rng.standard_normal(len(hertz))
    mono = np.fft.irfft(spectrum * np.exp(-(((hertz - 900) / 700) ** 2)), count)
    mono *= 0.1 / np.std(mono)
    return np.stack([mono, mono], axis=1).astype(np.float32)


def heard_in(path: Path, sound: Sound, speeds: tuple[float, ...] = (1.0,)) -> tuple[SoundTrack, ...]:
    """The fingerprints of a sound after it was written to a file."""
    return sounds_of(write_sound(path, sound), speeds=speeds)
