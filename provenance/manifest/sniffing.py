"""Tells a file's container from its first bytes, never its name, and whether it can carry a credential."""

from dataclasses import dataclass
from pathlib import Path

from provenance.errors import FileEmpty, FileMissing

HEAD_BYTES = 512

_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
}
_RIFF_FORMS = {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
)
# Containers we recognise but for which C2PA defines no embedding that the library can read.
_WITHOUT_CREDENTIALS = (
    (b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (b"OggS", "application/ogg"),
    (b"FLV\x01", "video/x-flv"),
    (b"BM", "image/bmp"),
)


@dataclass(frozen=True)
class Container:
    """`mime_type` is None where the bytes are of no known kind."""

    mime_type: str | None
    carries_credentials: bool

    @property
    def is_bmff(self) -> bool:
        """Whether the file is a sequence of ISO base media boxes, such as MP4 and MOV."""
        return self.mime_type in {"video/mp4", "audio/mp4", *_BRANDS.values()}


def sniff(path: Path) -> Container:
    """The container of the file at `path`; raises FileMissing or FileEmpty."""
    if not path.is_file():
        raise FileMissing(f"There is no file at {path.name!r}.", "Give the path of a regular file.")
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise FileEmpty(f"The file {path.name!r} has no bytes.", "Upload it again, completely.")
    return sniff_bytes(head)


def sniff_bytes(head: bytes) -> Container:
    """The container a file begins with; `head` is its first bytes, 16 or more where the file has them."""
    if head[4:8] == b"ftyp":
        return Container(_BRANDS.get(head[8:12], "video/mp4"), True)
    if head[4:8] in _QUICKTIME_BOXES:
        return Container("video/quicktime", True)
    if head[:4] == b"RIFF" and head[8:12] in _RIFF_FORMS:
        return Container(_RIFF_FORMS[head[8:12]], True)
    for magic, mime_type in _MAGIC:
        if head.startswith(magic):
            return Container(mime_type, True)
    for magic, mime_type in _WITHOUT_CREDENTIALS:
        if head.startswith(magic):
            return Container(mime_type, False)
    if b"<svg" in head:
        return Container("image/svg+xml", True)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # MPEG audio layer III without a tag
        return Container("audio/mpeg", True)
    return Container(None, False)
