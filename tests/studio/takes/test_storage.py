"""Files lie under the digest of their content: the same bytes once, damaged leftovers replaced."""

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from studio.takes.storage import sha256_of, storage_name, store


@pytest.fixture
def clip(real_media: Path) -> Path:
    return real_media / "imageio" / "realshort.mp4"


def stored_files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_DIR).rglob("*") if path.is_file()}


def test_a_file_is_stored_under_its_content_s_name(clip: Path) -> None:
    sha256 = sha256_of(clip)
    assert sha256 == hashlib.sha256(clip.read_bytes()).hexdigest()
    name = store(clip, sha256)
    assert name == storage_name(sha256, ".mp4")
    assert name == f"{sha256[:2]}/{sha256[2:4]}/{sha256}.mp4"
    kept = Path(settings.MEDIA_DIR) / name
    assert kept.read_bytes() == clip.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0, "only the platform itself may read stored takes"


def test_the_same_bytes_are_kept_once(clip: Path, tmp_path: Path) -> None:
    sha256 = sha256_of(clip)
    first = store(clip, sha256)
    before = stored_files()
    copy = tmp_path / "another name.mp4"
    copy.write_bytes(clip.read_bytes())
    assert store(copy, sha256) == first
    assert stored_files() == before


def test_a_half_written_leftover_is_replaced(clip: Path) -> None:
    sha256 = sha256_of(clip)
    kept = Path(settings.MEDIA_DIR) / store(clip, sha256)
    kept.chmod(0o600)
    kept.write_bytes(clip.read_bytes()[:1000])
    before = stored_files()
    assert store(clip, sha256) == storage_name(sha256, ".mp4")
    assert kept.read_bytes() == clip.read_bytes()
    assert stored_files() == before
