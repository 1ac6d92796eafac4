"""Marks the sound track of a file or of a take that is being rendered, and finds marks in the track of a file."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from provenance.errors import EncodingFailed
from provenance.media.audio import AudioFormat, NoAudioStream, probe_audio, read_audio
from provenance.media.limits import Limits
from provenance.media.opening import describe, open_media
from provenance.media.remuxing import coded_packets
from provenance.media.track import AAC_RATES, AacTrack, require_encodable
from provenance.media.writing import VideoWriter
from provenance.watermark.audio.detect import AudioDetector
from provenance.watermark.audio.embed import AudioEmbedder
from provenance.watermark.audio.findings import AudioDetection
from provenance.watermark.audio.grid import HIGHEST_RATE, LOWEST_RATE, Sound
from provenance.watermark.audio.quality import QualityMeter, SoundQuality
from provenance.watermark.keys import Payload, WatermarkKey

_USUAL_RATE = 48_000


@dataclass(frozen=True)
class TrackMark:
    """What marking did to a track. `quality` compares it with the original before encoding."""

    sample_rate: int
    channels: int
    duration_s: float
    strength: float
    quality: SoundQuality

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, flat."""
        flat = asdict(self)
        quality = flat.pop("quality")
        return {**flat, **quality}


class TrackMarker:
    """Marks the sound of a take while its frames are written, in one pass.

    writer: opened with `audio` of the format of `blocks`, which are float32 (n, channels). Holds one block.
    """

    def __init__(
        self,
        writer: VideoWriter,
        blocks: Iterable[Sound],
        sound: AudioFormat,
        key: WatermarkKey,
        payload: Payload,
        *,
        strength: float = 1.0,
    ) -> None:
        self._writer, self._blocks = writer, iter(blocks)
        self._marking = _Marking(sound, key, payload, strength)

    def advance(self, time_s: float) -> None:
        """Marks and writes sound until it has reached `time_s` or is over. Raises what writer and `blocks` raise."""
        while self._writer.audio_seconds_written < time_s:
            block = next(self._blocks, None)
            if block is None:
                return
            self._writer.write_audio(self._marking.mark(block))

    def finish(self) -> TrackMark:
        """Marks and writes the rest; to be called before the writer is closed."""
        for block in self._blocks:
            self._writer.write_audio(self._marking.mark(block))
        self._writer.write_audio(self._marking.finish())
        return self._marking.result()


def mark_track(
    source: Path | str,
    dest: Path | str,
    key: WatermarkKey,
    payload: Payload,
    *,
    strength: float = 1.0,
    limits: Limits | None = None,
) -> TrackMark:
    """Writes `dest`, an MP4 with the coded picture of `source` as it is and its sound marked and encoded as AAC.

    Both stay in step. Other tracks and all metadata are left out; sound of a rate that AAC does not know becomes
    48 kHz. Raises what `read_audio` raises, NoAudioStream, AudioNotSupported and EncodingFailed; nothing is left at
    `dest` on failure.
    """
    source, dest, limits = Path(source), Path(dest), limits or Limits()
    info = probe_audio(source, limits)
    if info is None:
        raise NoAudioStream(f"{source.name} holds no sound.", "Give a file with a sound track.")
    rate = info.format.sample_rate if info.format.sample_rate in AAC_RATES else _USUAL_RATE
    sound = AudioFormat(rate, info.format.channels)
    require_encodable(sound)
    marking = _Marking(sound, key, payload, strength)
    partial = dest.with_name(dest.name + ".partial")
    try:
        with open_media(source, limits) as (reader, _):
            _copy_with_sound(reader, source, partial, marking, limits)
        partial.replace(dest)
    except (FFmpegError, OSError, ValueError) as error:
        # ValueError is how PyAV says that MP4 does not hold the codec of the picture.
        raise EncodingFailed(
            f"{source.name} cannot be written anew: {describe(error)}.", "Use H.264 or HEVC for the picture."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return marking.result()


def detect_in_file(
    path: Path | str,
    keys: Sequence[WatermarkKey],
    *,
    limits: Limits | None = None,
    budget_s: float | None = None,
) -> list[AudioDetection]:
    """The marks in the first sound track of a file, best first; empty where it is not marked, or silent.

    budget_s bounds the search, not the decoding. Raises what `read_audio` raises, NoAudioStream among it.
    """
    info = probe_audio(path, limits)
    is_usual = info is None or LOWEST_RATE <= info.format.sample_rate <= HIGHEST_RATE
    detector: AudioDetector | None = None
    for block in read_audio(path, sample_rate=None if is_usual else _USUAL_RATE, limits=limits):
        if detector is None:
            detector = AudioDetector(block.format.sample_rate, budget_s)
        detector.add(block.samples)
    return [] if detector is None else detector.detect(keys)


class _Marking:
    """An embedder with a meter beside it."""

    def __init__(self, sound: AudioFormat, key: WatermarkKey, payload: Payload, strength: float) -> None:
        self.format = sound
        self._embedder = AudioEmbedder(key, payload, sound.sample_rate, strength=strength)
        self._meter = QualityMeter(sound.sample_rate)
        self._strength = strength
        self._samples = 0

    def mark(self, samples: Sound) -> Sound:
        marked = self._embedder.mark(samples)
        self._meter.add(samples, marked)
        self._samples += len(samples)
        return marked

    def finish(self) -> Sound:
        rest = self._embedder.finish()
        self._meter.add(rest[:0], rest)
        return rest

    def result(self) -> TrackMark:
        rate = self.format.sample_rate
        return TrackMark(
            rate, self.format.channels, self._samples / rate, self._strength, self._meter.result()
        )


def _copy_with_sound(reader: Any, source: Path, partial: Path, marking: _Marking, limits: Limits) -> None:
    """Copies the packets of the picture, if there is one, and puts the marked sound beside them."""
    rate = marking.format.sample_rate
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with (
        closing(read_audio(source, sample_rate=rate, limits=limits)) as blocks,
        av.open(f"file:{partial.resolve()}", "w", format="mp4", container_options=options) as writer,
    ):
        picture = next(
            (s for s in reader.streams.video if not s.disposition & Disposition.attached_pic), None
        )
        copy = None if picture is None else writer.add_stream_from_template(picture)
        track = AacTrack(writer, marking.format)
        for packet, time_s in _from_zero(reader, picture):
            while track.samples_written < time_s * rate and (block := next(blocks, None)) is not None:
                track.write(marking.mark(block.samples))
            packet.stream = copy
            writer.mux(packet)
        for block in blocks:
            track.write(marking.mark(block.samples))
        track.write(marking.finish())
        track.finish()


def _from_zero(reader: Any, picture: Any) -> Iterator[tuple[Any, float]]:
    """The packets of a stream and when each is decoded; moved so that the first picture is shown at time 0."""
    for packet in () if picture is None else coded_packets(reader, [picture]):
        packet.pts -= picture.start_time or 0
        packet.dts -= picture.start_time or 0
        yield packet, float(packet.dts * packet.time_base)
