"""Stores files under the SHA-256 of their content; the same bytes are kept once."""

import hashlib
from pathlib import Path

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
