"""Tells from a file's first bytes which demuxer may open it, so that no file chooses a demuxer for itself."""

from pathlib import Path

from provenance.errors import FileEmpty, FileMissing, FormatNotAllowed, MediaUnreadable

SNIFF_BYTES = 4096
SUPPORTED = (
    "MP4, MOV, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, FLV, Ogg, MXF, Y4M, GIF, PNG, JPEG, WebP, BMP, TIFF"
)

STILL_DEMUXERS = frozenset({"png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"})

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "mxf"),
    (b"YUV4MPEG2", "yuv4mpegpipe"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"BM", "bmp_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xff\xf2", "mp3"),
)
_RIFF_KINDS = {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp_pipe"}
_MP4_FIRST_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"uuid", b"pnot"}
)
_POINTERS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"<SmoothStreamingMedia", b"[playlist]", b"[Reference]")
_TS_PACKET_BYTES = 188


def demuxer_for(head: bytes) -> str | None:
    """The name of the demuxer for a file that begins with `head`, or None when the kind is unknown."""
    for magic, demuxer in _MAGIC:
        if head.startswith(magic):
            return demuxer
    if head.startswith(b"RIFF"):
        return _RIFF_KINDS.get(head[8:12])
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mov"
    sync = head[: 3 * _TS_PACKET_BYTES : _TS_PACKET_BYTES]
    return "mpegts" if len(sync) == 3 and set(sync) == {0x47} else None


def sniff(path: Path) -> str:
    """The demuxer for the file at `path`, and nothing is parsed beyond its first bytes.

    Raises FileMissing, FileEmpty, FormatNotAllowed (a playlist, which names other files) or MediaUnreadable.
    """
    if not path.is_file():
        raise FileMissing(f"There is no file called {path.name}.", "Give the path of an ordinary file.")
    with path.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    if not head:
        raise FileEmpty(f"{path.name} is empty: it has 0 bytes.", "Upload or export the file again.")
    if any(pointer in head[:1024] for pointer in _POINTERS):
        raise FormatNotAllowed(
            f"{path.name} is a playlist that points at other files.", "Give the video file itself."
        )
    demuxer = demuxer_for(head)
    if demuxer is None:
        raise MediaUnreadable(
            f"{path.name} does not begin like any media file this installation reads.",
            f"It reads {SUPPORTED}.",
        )
    return demuxer
