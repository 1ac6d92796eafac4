"""Opens an untrusted media file for reading, from the local disk only and within limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition

from provenance.errors import MediaTooLarge, MediaUnreadable, NoVideoStream
from provenance.media.container import sniff
from provenance.media.limits import Limits

PROBE_BYTES = 16 * 1024**2


@contextmanager
def open_media(path: Path, limits: Limits) -> Iterator[tuple[Any, str]]:
    """Yields (PyAV container, demuxer name) for `path` and closes it afterwards.

    Raises what `sniff` raises, MediaTooLarge, and MediaUnreadable when the header cannot be parsed.
    """
    demuxer = sniff(path)
    size_bytes = path.stat().st_size
    if size_bytes > limits.max_bytes:
        raise MediaTooLarge(
            f"{path.name} has {size_bytes} bytes; at most {limits.max_bytes} are read.",
            "Send a shorter excerpt.",
        )
    options = {
        "protocol_whitelist": "file",
        "probesize": str(PROBE_BYTES),
        "max_pixels": str(limits.max_pixels),
    }
    try:
        # The explicit protocol keeps a file called "concat:…" or "subfile,…" from being taken as a URL.
        container = av.open(
            f"file:{path.resolve()}", mode="r", format=demuxer, options=options, metadata_errors="replace"
        )
    except InvalidDataError as error:
        raise MediaUnreadable(
            f"{path.name} looks like {demuxer} media, but its header cannot be read.",
            "The file is probably cut off before its index was written; export or upload it again.",
        ) from error
    except (FFmpegError, ValueError) as error:
        raise MediaUnreadable(
            f"{path.name} cannot be opened as {demuxer} media: {describe(error)}.", "Export the file again."
        ) from error
    try:
        yield container, demuxer
    finally:
        container.close()


def video_stream(container: Any, name: str, limits: Limits) -> Any:
    """The first stream that is a moving picture or a still, not cover art; checked against limits."""
    stream = next(
        (s for s in container.streams.video if not s.disposition & Disposition.attached_pic),
        None,
    )
    if stream is None:
        what = "only sound" if container.streams.audio else "no picture"
        raise NoVideoStream(f"{name} holds {what}.", "Give a file with a video stream, or a still image.")
    if stream.codec_context is None:
        raise MediaUnreadable(
            f"{name} is encoded in a way this installation cannot decode.",
            "Send it as H.264, HEVC, VP9 or AV1.",
        )
    width, height = stream.codec_context.width, stream.codec_context.height
    if width < 1 or height < 1:
        raise MediaUnreadable(f"{name} does not say how large its picture is.", "Export the file again.")
    if width * height > limits.max_pixels:
        raise MediaTooLarge(
            f"{name} has {width}x{height} pixels per frame; at most {limits.max_pixels} are read.",
            "Send a smaller version.",
        )
    return stream


def describe(error: Exception) -> str:
    """What a decoder said, without the file's path."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).split(":")[0].strip().rstrip(".").lower() or "unknown error"
