"""Marks the sound of a track block by block, as it comes."""

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.carrier import carriers, tile
from provenance.watermark.audio.grid import (
    BAND_HZ,
    BANDS,
    LOWEST_HZ,
    SLOT_S,
    Sound,
    check_rate,
    check_sound,
    frame_samples,
    hann,
    shares,
)
from provenance.watermark.audio.steering import Steering
from provenance.watermark.keys import Payload, WatermarkKey

_FRAMES_AT_ONCE = 128


class AudioEmbedder:
    """Turns the level of each cell of 16 ms x 250 Hz up or down a little, the same in all channels.

    What is marked this way stays marked in any mix of the channels, at any volume and through any codec that keeps
    the levels; where there is silence there is nothing to turn, and none is added. `strength` multiplies the moves
    (1.0 lies about 22 to 30 dB below the sound). Holds a fiftieth of a second of sound, whatever the length.
    """

    def __init__(
        self, key: WatermarkKey, payload: Payload, sample_rate: int, *, strength: float = 1.0
    ) -> None:
        check_rate(sample_rate)
        self.sample_rate = sample_rate
        self._samples = frame_samples(sample_rate)
        self._hop = self._samples // 2
        self._window = np.sqrt(hann(self._samples))
        self._shares = shares(sample_rate, self._samples, LOWEST_HZ, BAND_HZ, BANDS)
        self._steering = Steering(carriers(key), tile(key, payload), strength)
        self._channels: int | None = None
        self._waiting: Sound = np.zeros((0, 0), dtype=np.float32)
        self._overlap: Sound = np.zeros((0, 0), dtype=np.float32)
        self._frames = 0
        self._owed = 0
        self._slot = 0
        self._moves = self._steering.moves(0)
        self._energy = np.zeros(BANDS)

    def mark(self, samples: Sound) -> Sound:
        """Takes (n, channels) float32 and returns what is ready of the marked sound: up to 16 ms less than was taken.

        All returned blocks and that of `finish` together have the shape of all that was taken, in sync with it.
        Raises SoundShape.
        """
        check_sound(samples, self._channels)
        if self._channels is None:
            self._start(samples.shape[1])
        self._owed += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        done = self._ready()
        self._owed -= len(done)
        return done

    def finish(self) -> Sound:
        """The rest of the marked sound; nothing may be marked afterwards."""
        if self._channels is None:
            return np.zeros((0, 1), dtype=np.float32)
        silence = np.zeros((2 * self._samples, self._channels), dtype=np.float32)
        self._waiting = np.concatenate([self._waiting, silence])
        rest = self._ready()[: self._owed]
        self._owed = 0
        return rest

    def _start(self, channels: int) -> None:
        self._channels = channels
        # The first frame is centred on the first sample, so half of it lies before the beginning.
        self._waiting = np.zeros((self._hop, channels), dtype=np.float32)
        self._overlap = np.zeros((self._hop, channels), dtype=np.float32)

    def _ready(self) -> Sound:
        """Marks all whole frames that wait."""
        blocks = [self._waiting[:0]]
        while (frames := min((len(self._waiting) - self._hop) // self._hop, _FRAMES_AT_ONCE)) > 0:
            is_first = self._frames == 0
            marked = self._mark_frames(self._waiting[: (frames + 1) * self._hop], frames)
            self._waiting = self._waiting[frames * self._hop :]
            blocks.append(marked[self._hop :] if is_first else marked)
        return np.concatenate(blocks)

    def _mark_frames(self, sound: Sound, frames: int) -> Sound:
        overlapping = np.lib.stride_tricks.sliding_window_view(sound, self._samples, axis=0)[:: self._hop]
        spectra = np.fft.rfft(overlapping * self._window, axis=2)
        power = np.square(spectra.real) + np.square(spectra.imag)
        energies = (power.sum(axis=1) @ self._shares.T).astype(np.float64) / self._samples**2
        gains = np.exp(self._walk(energies) @ self._shares)
        marked = np.fft.irfft(spectra * gains[:, None, :], self._samples, axis=2) * self._window
        pieces = marked.astype(np.float32).transpose(0, 2, 1)
        head, tail = pieces[:, : self._hop], pieces[:, self._hop :]
        before = np.concatenate([self._overlap[None], tail[:-1]])
        self._overlap = tail[-1]
        whole: Sound = (head + before).reshape(frames * self._hop, -1)
        return whole

    def _walk(self, energies: NDArray[np.float64]) -> NDArray[np.float32]:
        """(frames, BANDS) moves for frames of these energies, learning slot by slot from how they come out."""
        moves = np.empty(energies.shape, dtype=np.float32)
        for index, energy in enumerate(energies):
            slot = int(self._frames * self._hop / (SLOT_S * self.sample_rate) + 1e-9)
            if slot != self._slot:
                self._steering.heard(self._slot, self._energy)
                self._slot, self._moves, self._energy = slot, self._steering.moves(slot), np.zeros(BANDS)
            moves[index] = self._moves
            self._energy += energy * np.exp(2 * self._moves)
            self._frames += 1
        return moves


def mark_sound(
    samples: Sound, sample_rate: int, key: WatermarkKey, payload: Payload, *, strength: float = 1.0
) -> Sound:
    """Marks (n, channels) float32 held in memory; the result has the same shape. Raises SoundShape."""
    embedder = AudioEmbedder(key, payload, sample_rate, strength=strength)
    return np.concatenate([embedder.mark(samples), embedder.finish()])
