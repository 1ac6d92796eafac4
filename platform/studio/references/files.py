"""Keeps proxies and posters under the SHA-256 of their content, and uploads in parts until they are works."""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from studio.references.models import IngestFile, WorkFile
from studio.takes.storage import sha256_of

# Outside the folders that are swept of files without a rendition.
FOLDER = "references"
KEPT = f"{FOLDER}/files"
INCOMING = f"{FOLDER}/incoming"
# Long enough for any file being stored to have become a row.
LEFTOVER_AFTER_S = 3600.0


def keep_file(path: Path) -> tuple[str, str]:
    """Put a file into the storage; its name there and its SHA-256."""
    sha256 = sha256_of(path)
    name = f"{KEPT}/{sha256[:2]}/{sha256}{path.suffix}"
    if default_storage.exists(name):
        if default_storage.size(name) == path.stat().st_size:
            return name, sha256
        default_storage.delete(name)
    with path.open("rb") as handle:
        return str(default_storage.save(name, File(handle))), sha256


def forget_unowned(names: Iterable[str]) -> None:
    """Remove the stored files that no work has any more."""
    for name in names:
        if not WorkFile.objects.filter(storage_name=name).exists():
            default_storage.delete(name)


def keep_part(file_id: UUID, offset: int, content: IO[bytes]) -> int:
    """Put a part of an upload that begins at byte `offset` into the storage; how many bytes it has.

    A part that was sent before replaces the earlier one.
    """
    name = _part_name(file_id, offset)
    if default_storage.exists(name):
        default_storage.delete(name)
    return int(default_storage.size(default_storage.save(name, File(content))))


def forget_upload(file_id: UUID) -> None:
    """Remove everything that was received of an upload."""
    folder = f"{INCOMING}/{file_id}"
    for name in _parts(file_id):
        default_storage.delete(f"{folder}/{name}")
    # On a file system an empty folder is left; other storages have none.
    default_storage.delete(folder)


@contextmanager
def received_file(file: IngestFile) -> Iterator[Path]:
    """The upload as one file of this machine, under the name it was sent with, for as long as the block lasts.

    Raises FileNotFoundError where parts of it are missing.
    """
    with TemporaryDirectory(dir=settings.UPLOAD_DIR, prefix="ingest-") as directory:
        path = Path(directory) / local_name(file.name)
        with path.open("wb") as whole:
            for name in _parts(file.pk):
                with default_storage.open(f"{INCOMING}/{file.pk}/{name}", "rb") as part:
                    shutil.copyfileobj(part, whole, 1 << 20)
            if whole.tell() != file.size_bytes:
                raise FileNotFoundError(f"{whole.tell()} of {file.size_bytes} bytes are stored")
        yield path


def local_name(name: str) -> str:
    """`name` as one that any file system takes; its end, which says the kind of file, is kept."""
    cleaned = "".join("_" if c in "/\\" or not c.isprintable() else c for c in name)[-80:].lstrip(".")
    return cleaned or "file"


def sweep_leftovers() -> int:
    """Remove stored files and uploads that no row owns, and what killed processes left; returns how many."""
    now = time.time()
    removed = 0
    root = Path(settings.MEDIA_DIR)
    for path in (root / KEPT).glob("??/*"):
        name = str(path.relative_to(root))
        if _is_old(path, now) and not WorkFile.objects.filter(storage_name=name).exists():
            path.unlink(missing_ok=True)
            removed += 1
    for folder in (root / INCOMING).glob("*"):
        if _is_old(folder, now) and not _is_awaited(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    for folder in Path(settings.UPLOAD_DIR).glob("ingest-*"):
        if _is_old(folder, now, settings.SLATE_INGEST_TIMEOUT_S):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _is_awaited(name: str) -> bool:
    try:
        return bool(IngestFile.objects.filter(pk=UUID(name), is_kept=True).exists())
    except ValueError:
        return False


def _is_old(path: Path, now: float, after_s: float = LEFTOVER_AFTER_S) -> bool:
    try:
        return now - path.stat().st_mtime > after_s
    except FileNotFoundError:
        return False


def _part_name(file_id: UUID, offset: int) -> str:
    # Fixed width, so that names in order are bytes in order.
    return f"{INCOMING}/{file_id}/{offset:020d}"


def _parts(file_id: UUID) -> list[str]:
    try:
        found: Any = default_storage.listdir(f"{INCOMING}/{file_id}")[1]
    except FileNotFoundError:
        return []
    return sorted(found)
