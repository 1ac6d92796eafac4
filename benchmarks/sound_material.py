"""Sounds that have nothing to do with each other, in numbers: real ones bent out of shape, and synthetic ones by seed.

Music over few chords, syllables of a voice, rain, and hum: what is most alike among sounds that are no copies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

RATE_HZ = 11_025

Mono = np.ndarray  # (n,) float32 at RATE_HZ


@dataclass(frozen=True)
class Material:
    """A sound; two of the same `origin` may be alike and are not compared."""

    name: str
    origin: str
    sound: Mono


def music(seed: int, seconds: float) -> Mono:
    """Broken triads of one key over a drum, at a tempo of their own."""
    rng = np.random.default_rng(seed)
    total = np.zeros(int(seconds * RATE_HZ))
    root = 110 * 2 ** (rng.integers(0, 12) / 12)
    scale = (0, 2, 4, 5, 7, 9, 11) if rng.random() < 0.5 else (0, 2, 3, 5, 7, 8, 10)
    beat_s, decay = 60 / rng.uniform(70, 150), rng.uniform(2, 6)
    time_s = np.arange(int(1.4 * RATE_HZ)) / RATE_HZ
    at_s, beat, degree = 0.0, 0, 0
    while at_s < seconds - 1.5:
        if beat % 4 == 0:
            degree = int(rng.integers(0, 7))
        steps = [scale[(degree + n) % 7] + 12 * ((degree + n) // 7) for n in (0, 2, 4)]
        struck = np.zeros(len(time_s))
        for step in (*steps, scale[rng.integers(0, 7)] + 12):
            pitch = root * 2 ** (step / 12)
            partials = [n for n in range(1, 12) if n * pitch < 5000]
            tone = sum(np.sin(2 * np.pi * n * pitch * time_s + n) / n**1.2 for n in partials)
            struck += tone * np.exp(-time_s * decay) * rng.uniform(0.3, 1)
        if beat % 2 == 0:
            struck += 2 * rng.standard_normal(len(time_s)) * np.exp(-30 * time_s)
        first = int(at_s * RATE_HZ)
        total[first : first + len(struck)] += struck[: len(total) - first]
        at_s += beat_s * rng.choice([0.5, 1, 1, 2])
        beat += 1
    return _levelled(total)


def voice(seed: int, seconds: float) -> Mono:
    """Syllables of three formants, hisses and pauses."""
    rng = np.random.default_rng(seed)
    pitch, pieces, length = rng.uniform(90, 230), [], 0
    while length < seconds * RATE_HZ:
        kind, count = rng.random(), int(rng.uniform(0.08, 0.4) * RATE_HZ)
        if kind < 0.15:
            piece = np.zeros(count)
        elif kind < 0.35:
            piece = np.diff(rng.standard_normal(count + 1)) * np.hanning(count) * 0.3
        else:
            glide = pitch * 2 ** (rng.normal(0, 0.15) + np.linspace(0, rng.normal(0, 0.2), count))
            phase = 2 * np.pi * np.cumsum(glide) / RATE_HZ
            formants = rng.uniform((250, 800, 2200), (800, 2300, 3200))
            piece = np.zeros(count)
            for n in range(1, int(5000 / glide.max())):
                strength = np.sum(1 / (1 + ((n * glide.mean() - formants) / 90) ** 2))
                piece += strength * np.sin(n * phase)
            piece *= np.hanning(count) ** 0.3
        pieces.append(piece)
        length += count
    said = np.concatenate(pieces)[: int(seconds * RATE_HZ)]
    return _levelled(said + 1e-3 * rng.standard_normal(len(said)))


def rain(seed: int, seconds: float, centre_hz: float) -> Mono:
    """Noise about one pitch."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum = rng.standard_normal(len(hertz)) + 1j * rng.standard_normal(len(hertz))
    return _levelled(np.fft.irfft(spectrum * np.exp(-(((hertz - centre_hz) / 700) ** 2)), count))


def hum(seed: int, seconds: float) -> Mono:
    """The mains and its overtones in a quiet room."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    tones = sum(rng.uniform(0.2, 1) * np.sin(2 * np.pi * 50 * n * time_s) for n in range(1, 8))
    return _levelled(tones + 0.02 * rng.standard_normal(len(time_s)))


def bent(name: str, sound: Mono) -> Iterator[Material]:
    """A real sound, four or seven semitones higher or lower, and each backwards: no copies of each other."""
    for up, down in ((1, 1), (5, 4), (4, 5), (3, 2), (2, 3)):
        changed = resample_poly(sound, up, down).astype(np.float32)
        yield Material(f"{name} x {down}/{up}", f"{name} x {down}/{up}", changed)
        yield Material(f"{name} x {down}/{up} backwards", f"{name} x {down}/{up}", changed[::-1].copy())


def synthetic(seed: int, each: int, seconds: float) -> Iterator[Material]:
    """`each` pieces of music and voices, and a sixth as many of rain and hum."""
    for number in range(each):
        yield Material(
            f"music {seed}.{number}", f"music {seed}.{number}", music(seed * 1000 + number, seconds)
        )
        yield Material(
            f"voice {seed}.{number}", f"voice {seed}.{number}", voice(seed * 1000 + number, seconds)
        )
    for number in range(each // 6):
        shower = rain(seed * 1000 + number, seconds, 600 + 200 * (number % 4))
        yield Material(f"rain {seed}.{number}", f"rain {seed}.{number}", shower)
    for number in range(max(1, each // 12)):
        yield Material(f"hum {seed}.{number}", f"hum {seed}.{number}", hum(seed * 1000 + number, seconds))


def _levelled(sound: np.ndarray) -> Mono:
    return (0.4 * sound / np.abs(sound).max()).astype(np.float32)
