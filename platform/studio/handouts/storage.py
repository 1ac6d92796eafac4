"""Keeps the files of pairs and copies apart from renditions, under the SHA-256 of their content."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from studio.credentials.comparison import stored_file
from studio.handouts.errors import CopyUnavailable
from studio.takes.storage import sha256_of

# Outside the folders that are swept of files without a rendition.
FOLDER = "copies"


def keep(path: Path) -> tuple[str, str]:
    """Put a file into the storage; its name there and its SHA-256."""
    sha256 = sha256_of(path)
    name = f"{FOLDER}/{sha256[:2]}/{sha256}{path.suffix}"
    if default_storage.exists(name):
        default_storage.delete(name)
    with path.open("rb") as handle:
        return str(default_storage.save(name, File(handle))), sha256


def forget(name: str) -> None:
    """Remove a file that no row came to own."""
    default_storage.delete(name)


@contextmanager
def checked_file(name: str, sha256: str, what: str) -> Iterator[Path]:
    """A stored file as one on this machine, seen to have the bytes it should. Raises CopyUnavailable."""
    try:
        with stored_file(name) as path:
            if sha256_of(path) != sha256:
                raise CopyUnavailable(
                    f"The file of {what} in the storage is damaged.", "Bring it back from a backup."
                )
            yield path
    except FileNotFoundError as error:
        raise CopyUnavailable(
            f"The file of {what} is not in the storage.", "Bring it back from a backup."
        ) from error


def copy_out(name: str, sha256: str, what: str, dest: Path) -> None:
    """Write a stored file to `dest`, whole or not at all. Raises CopyUnavailable."""
    partial = dest.with_name(f".{dest.name}.partial")
    try:
        with checked_file(name, sha256, what) as path:
            shutil.copyfile(path, partial)
        if sha256_of(partial) != sha256:
            raise CopyUnavailable(
                f"The file at {dest} came out damaged and was removed.", "Check the disk, then try again."
            )
        partial.replace(dest)
    except OSError as error:
        raise CopyUnavailable(
            f"{dest} cannot be written: {error.strerror}.", "Choose another place."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
