"""Copies the coded streams of a file into a new container without any metadata, as reposting sites do."""

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
    except FFmpegError as error:
        raise MediaUnreadable(f"{source.name} cannot be copied: {describe(error)}.", "") from error
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
        for packet in reader.demux(streams):
            if packet.dts is None:
                continue
            packet.stream = copies[packet.stream.index]
            writer.mux(packet)
