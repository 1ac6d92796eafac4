"""Reads the sound of a file as a stream of blocks, sample by sample in step with the picture."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from numpy.typing import NDArray

from provenance.errors import MediaTooLarge, MediaUnreadable, ProvenanceError
from provenance.media.limits import Limits
from provenance.media.opening import describe, open_media
from provenance.media.probing import picture_duration_of

# By number of channels, in ffmpeg's names; for 3, 4, 5 and 7 the number does not tell which loudspeaker is which.
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_LARGEST_JITTER_S = 0.1
_SILENCE_AT_ONCE_S = 1.0
_MAX_RATE = 768_000
_MAX_CHANNELS = 32

Samples = NDArray[np.float32]


class NoAudioStream(ProvenanceError):
    """The file is media, but holds no sound."""

    code = "no_audio_stream"


class AudioNotSupported(ProvenanceError):
    """Sound of this rate or number of channels cannot be written."""

    code = "audio_not_supported"


@dataclass(frozen=True)
class AudioFormat:
    """Samples per second and number of channels."""

    sample_rate: int
    channels: int


@dataclass(frozen=True)
class AudioInfo:
    """What a header says about the first sound track. `duration_s` 0.0 means unknown."""

    codec: str
    format: AudioFormat
    duration_s: float


@dataclass(frozen=True)
class AudioBlock:
    """A stretch of sound: samples (n, channels) float32, -1 to 1 at full scale, from `time_s` on.

    Time counts from the first picture of the file, or from the beginning of the sound where there is none.
    """

    time_s: float
    format: AudioFormat
    samples: Samples


def probe_audio(path: Path | str, limits: Limits | None = None) -> AudioInfo | None:
    """What the header says about the first sound track, None where there is none. Raises what `read_audio` raises."""
    path, limits = Path(path), limits or Limits()
    with open_media(path, limits) as (container, _):
        stream = _audio_stream(container, path.name)
        if stream is None:
            return None
        sound = _format_of(stream, path.name)
        return AudioInfo(stream.codec_context.name, sound, _duration_of(container, stream))


def read_audio(
    path: Path | str, *, sample_rate: int | None = None, limits: Limits | None = None
) -> Generator[AudioBlock, None, None]:
    """Yields the first sound track block by block, without gaps and of one format; a block is held at a time.

    sample_rate converts; None keeps the track's own. The first block begins with the first picture: sound from before
    it is left out, and silence stands where a track begins later or pauses. Raises FileMissing, FileEmpty,
    FormatNotAllowed, MediaUnreadable (also where the track breaks off), MediaTooLarge or NoAudioStream.
    """
    path, limits = Path(path), limits or Limits()
    with open_media(path, limits) as (container, _):
        stream = _audio_stream(container, path.name)
        if stream is None:
            raise NoAudioStream(f"{path.name} holds no sound.", "Give a file with a sound track.")
        sound = _format_of(stream, path.name)
        yield from _Track(
            container, stream, path.name, limits, sound, sample_rate or sound.sample_rate
        ).blocks()


class _Track:
    """One pass over the sound of one open file."""

    def __init__(
        self, container: Any, stream: Any, name: str, limits: Limits, source: AudioFormat, sample_rate: int
    ) -> None:
        self._container, self._stream, self._name, self._limits = container, stream, name, limits
        self._source = source
        self.format = AudioFormat(sample_rate, source.channels)
        self._origin_s = _origin_s(container)
        self._stated_s = picture_duration_of(stream) or 0.0
        self._converter: Any = None
        self._read = 0  # samples given out, after conversion
        self._heard_until_s: float | None = None

    def blocks(self) -> Iterator[AudioBlock]:
        for decoded in self._decoded():
            yield from self._in_step(decoded)
        if self._converter is not None:
            for rest in self._converter.resample(None):
                yield from self._give(_samples_of(rest))
        if self._heard_until_s is None:
            raise self._broken("holds no sound that can be decoded")
        missing_s = self._stated_s - self._heard_until_s
        if self._stated_s and missing_s > max(0.5, 0.05 * self._stated_s):
            raise self._broken(f"ends {missing_s:.1f} s before the length its header states")

    def _decoded(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise self._broken("is damaged or cut off")
                yield from packet.decode()
        except FFmpegError as error:
            raise self._broken(f"cannot be decoded further: {describe(error)}") from error

    def _in_step(self, decoded: Any) -> Iterator[AudioBlock]:
        """A decoded frame as blocks: what lies before the first picture cut off, a pause before it filled."""
        found = AudioFormat(decoded.sample_rate, len(decoded.layout.channels))
        if found != self._source:
            raise self._broken(f"changes to {found.sample_rate} Hz and {found.channels} channels")
        until_s = self._heard_until_s
        if decoded.time is not None and self._is_apart(decoded.time - self._origin_s, until_s):
            until_s = decoded.time - self._origin_s
            yield from self._silence(until_s)
        start_s = 0.0 if until_s is None else until_s
        self._heard_until_s = start_s + decoded.samples / decoded.sample_rate
        early = min(max(0, round(-start_s * decoded.sample_rate)), decoded.samples)
        for converted in self._convert(decoded) if early < decoded.samples else ():
            yield from self._give(_samples_of(converted)[round(early * self._rate_factor) :])

    @staticmethod
    def _is_apart(time_s: float, until_s: float | None) -> bool:
        """Whether a pause lies before a frame; containers round times, so a little does not count."""
        return until_s is None or time_s - until_s > _LARGEST_JITTER_S

    @property
    def _rate_factor(self) -> float:
        return self.format.sample_rate / self._source.sample_rate

    def _convert(self, decoded: Any) -> list[Any]:
        if self._converter is None:
            self._converter = av.AudioResampler(
                format="flt", layout=decoded.layout, rate=self.format.sample_rate
            )
        decoded.pts = None
        converted: list[Any] = self._converter.resample(decoded)
        return converted

    def _silence(self, until_s: float) -> Iterator[AudioBlock]:
        missing = round(min(until_s, self._limits.max_seconds + 1) * self.format.sample_rate) - self._read
        at_once = round(_SILENCE_AT_ONCE_S * self.format.sample_rate)
        while missing > 0:
            count = min(missing, at_once)
            yield from self._give(np.zeros((count, self.format.channels), dtype=np.float32))
            missing -= count

    def _give(self, samples: Samples) -> Iterator[AudioBlock]:
        if not len(samples):
            return
        time_s = self._read / self.format.sample_rate
        self._read += len(samples)
        if time_s > self._limits.max_seconds:
            raise MediaTooLarge(
                f"The sound of {self._name} goes on after {self._limits.max_seconds:g} s.",
                "Send a shorter excerpt.",
            )
        yield AudioBlock(time_s, self.format, samples)

    def _broken(self, what: str) -> MediaUnreadable:
        seconds = self._read / self.format.sample_rate
        return MediaUnreadable(
            f"The sound of {self._name} {what}, after {seconds:.2f} s.",
            "Export or upload the file again; what came before this point is intact.",
            seconds_read=seconds,
        )


def _audio_stream(container: Any, name: str) -> Any:
    stream = next(iter(container.streams.audio), None)
    if stream is not None and stream.codec_context is None:
        raise MediaUnreadable(
            f"The sound of {name} is encoded in a way this installation cannot decode.",
            "Send it as AAC, MP3, Opus, FLAC or PCM.",
        )
    return stream


def _format_of(stream: Any, name: str) -> AudioFormat:
    rate, channels = stream.codec_context.sample_rate or 0, stream.codec_context.channels or 0
    if not 1 <= rate <= _MAX_RATE or not 1 <= channels <= _MAX_CHANNELS:
        raise MediaUnreadable(
            f"The sound of {name} states {rate} samples per second and {channels} channels.",
            "Export the file again.",
        )
    return AudioFormat(rate, channels)


def _duration_of(container: Any, stream: Any) -> float:
    stated_s = picture_duration_of(stream)
    if stated_s is None and container.duration is not None:
        return float(container.duration / av.time_base)
    return stated_s or 0.0


def _origin_s(container: Any) -> float:
    """When the first picture is shown, or where there is none, when the sound begins."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    for stream in (*moving[:1], *container.streams.audio[:1]):
        if stream.start_time is not None:
            return float(stream.start_time * stream.time_base)
    return 0.0


def _samples_of(frame: Any) -> Samples:
    """(n, channels) of an interleaved float frame."""
    samples: Samples = (
        frame.to_ndarray().reshape(-1, len(frame.layout.channels)).astype(np.float32, copy=False)
    )
    return samples
