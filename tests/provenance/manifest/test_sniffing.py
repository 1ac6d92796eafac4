"""The container is told from the first bytes of real files and of the kinds that cannot carry credentials."""

from pathlib import Path

import pytest

from provenance.manifest.sniffing import sniff, sniff_bytes


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("bigbuckbunny/bigbuckbunny.mp4", "video/mp4"),
        ("imageio/chelsea.png", "image/png"),
        ("augly-images/dfdc_1.jpg", "image/jpeg"),
        ("augly-audio-mono/test_clip.wav", "audio/wav"),
    ],
)
def test_real_files(real_media: Path, name: str, mime_type: str) -> None:
    container = sniff(real_media / name)
    assert container.mime_type == mime_type
    assert container.carries_credentials
    assert container.is_bmff == (mime_type == "video/mp4")


@pytest.mark.parametrize(
    ("head", "mime_type", "carries"),
    [
        (b"\0\0\0\x14ftypqt  " + bytes(16), "video/quicktime", True),
        (b"\0\0\0\x14ftypavif" + bytes(16), "image/avif", True),
        (b"\0\0\1\0moov" + bytes(16), "video/quicktime", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", True),
        (b"GIF89a" + bytes(16), "image/gif", True),
        (b"\xff\xfb\x90\x00" + bytes(16), "audio/mpeg", True),
        (b"<?xml version='1.0'?><svg xmlns=", "image/svg+xml", True),
        (b"\x1a\x45\xdf\xa3" + bytes(16), "video/x-matroska", False),
        (b"RIFF\0\0\0\0CDDA", None, False),
        (b"plain text", None, False),
        (b"x", None, False),
    ],
)
def test_first_bytes(head: bytes, mime_type: str | None, carries: bool) -> None:
    container = sniff_bytes(head)
    assert (container.mime_type, container.carries_credentials) == (mime_type, carries)
