"""Encodes sound as the AAC track of an MP4 that is being written, in step with its picture."""

from fractions import Fraction
from typing import Any

import av
import numpy as np

from provenance.media.audio import LAYOUTS, AudioFormat, AudioNotSupported, Samples

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_BITS_PER_CHANNEL = 128_000
_MOST_BITS_PER_SAMPLE = 6  # per channel; more does not fit into an AAC frame


class AacTrack:
    """Takes samples in blocks of any length and muxes AAC packets into a container. Raises AudioNotSupported."""

    def __init__(self, container: Any, sound: AudioFormat) -> None:
        require_encodable(sound)
        layout = LAYOUTS[sound.channels]
        self.format = sound
        self._container = container
        self._stream = container.add_stream("aac", rate=sound.sample_rate, layout=layout)
        per_channel = min(_BITS_PER_CHANNEL, _MOST_BITS_PER_SAMPLE * sound.sample_rate)
        self._stream.bit_rate = per_channel * sound.channels
        # Without this flag the encoder writes its name and version into the first packet.
        self._stream.codec_context.options = {"flags": "+bitexact"}
        self._stream.codec_context.open()
        context = self._stream.codec_context
        self._fit = av.AudioResampler(
            context.format.name, layout, sound.sample_rate, frame_size=context.frame_size
        )
        self._layout = layout
        self.samples_written = 0

    def write(self, samples: Samples) -> None:
        """Appends (n, channels) float32. Raises AudioNotSupported for another shape or type."""
        if samples.ndim != 2 or samples.dtype != np.float32 or samples.shape[1] != self.format.channels:
            raise AudioNotSupported(
                f"Sound of shape {samples.shape} and type {samples.dtype} does not fit.",
                f"It must be float32 (samples, {self.format.channels}).",
            )
        if not len(samples):
            return
        # Interleaved, because PyAV makes planar frames of fewer than eight channels only.
        interleaved = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=self._layout)
        frame.sample_rate, frame.time_base = self.format.sample_rate, Fraction(1, self.format.sample_rate)
        frame.pts = self.samples_written
        self.samples_written += len(samples)
        self._encode(self._fit.resample(frame))

    def finish(self) -> None:
        """Encodes what is left."""
        if self.samples_written:
            self._encode(self._fit.resample(None))
        self._container.mux(self._stream.encode(None))

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            self._container.mux(self._stream.encode(frame))


def require_encodable(sound: AudioFormat) -> None:
    """Raises AudioNotSupported unless AAC knows this sample rate and this number of channels."""
    if sound.sample_rate not in AAC_RATES:
        raise AudioNotSupported(
            f"A sound track of {sound.sample_rate} samples per second cannot be written.",
            f"It must have one of {', '.join(map(str, AAC_RATES))}; 48000 is usual.",
        )
    if sound.channels not in LAYOUTS:
        raise AudioNotSupported(
            f"A sound track of {sound.channels} channels cannot be written.",
            f"It must have one of {', '.join(map(str, LAYOUTS))}.",
        )
