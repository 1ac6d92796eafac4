"""Copies the coded streams of a file into a new container without any metadata, as reposting sites do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from provenance.errors import MediaUnreadable
from provenance.media.limits import Limits
from provenance.media.opening import describe, open_media

_EXTENSION_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".ts": "mpegts"}


def strip_metadata_copy(source: Path | str, dest: Path | str, limits: Limits | None = None) -> None:
    """Writes `dest` with the same coded picture and sound as `source`, and no titles, credentials or dates.

    The container is chosen by the extension of `dest` (mp4 where it is unknown). Raises what `probe` raises;
    nothing is left at `dest` on failure.
    """
    source, dest = Path(source), Path(dest)
    partial = dest.with_name(dest.name + ".partial")
    container_format = _EXTENSION_FORMATS.get(dest.suffix.lower(), "mp4")
    try:
        with open_media(source, limits or Limits()) as (reader, _):
            _copy_streams(reader, partial, container_format)
        partial.replace(dest)
    except (FFmpegError, ValueError) as error:
        # ValueError is how PyAV says that a container does not hold a codec.
        raise MediaUnreadable(
            f"{source.name} cannot be copied into {container_format}: {describe(error)}.",
            "Copy it into .mkv, which holds any codec, or export it again.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _copy_streams(reader: Any, partial: Path, container_format: str) -> None:
    streams = [s for s in reader.streams if s.type in ("video", "audio")]
    target = f"file:{partial.resolve()}"
    with av.open(target, "w", format=container_format, container_options={"fflags": "+bitexact"}) as writer:
        copies = {}
        for stream in streams:
            copy = writer.add_stream_from_template(stream)
            copy.metadata.clear()
            copies[stream.index] = copy
        for packet in coded_packets(reader, streams):
            packet.stream = copies[packet.stream.index]
            writer.mux(packet)


def coded_packets(reader: Any, streams: list[Any]) -> Iterator[Any]:
    """The packets of these streams in the order of the file, every one with a decoding time.

    Matroska and AVI state none for the first packets of a picture with reordered frames; those get the times that
    lead up to the first that is stated.
    """
    waiting: dict[int, list[Any]] = {stream.index: [] for stream in streams}
    is_timed: set[int] = set()
    for packet in reader.demux(streams):
        index = packet.stream.index
        if not packet.size:
            continue
        if packet.dts is None and index not in is_timed:
            waiting[index].append(packet)
            continue
        if index not in is_timed:
            is_timed.add(index)
            yield from _timed_before(packet, waiting.pop(index))
        if packet.dts is not None:
            yield packet
    for untimed in waiting.values():
        for packet in untimed:
            packet.dts = packet.pts
            yield packet


def _timed_before(packet: Any, earlier: list[Any]) -> Iterator[Any]:
    """Packets that come before one whose decoding time is known, a duration apart."""
    step = packet.duration or 1
    for distance, one in zip(range(len(earlier), 0, -1), earlier, strict=True):
        one.dts = packet.dts - distance * step
        yield one
