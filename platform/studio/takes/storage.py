"""Stores files under the SHA-256 of their content; the same bytes are kept once."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def storage_name(sha256: str, suffix: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}{suffix}"


def store(path: Path, sha256: str) -> str:
    """Copy the file to the storage under its content's name; returns that name."""
    name = storage_name(sha256, path.suffix)
    if default_storage.exists(name) and default_storage.size(name) == path.stat().st_size:
        return name
    if default_storage.exists(name):
        default_storage.delete(name)
    with path.open("rb") as handle:
        return str(default_storage.save(name, File(handle)))


@contextmanager
def stored_file(name: str) -> Iterator[Path]:
    """A stored file as one on this machine: itself where the storage keeps it here, else a copy for a while."""
    here = _local_path(name)
    if here is not None:
        yield here
        return
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=Path(name).suffix) as copy:
        with default_storage.open(name, "rb") as stored:
            while chunk := stored.read(CHUNK_BYTES):
                copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _local_path(name: str) -> Path | None:
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None
