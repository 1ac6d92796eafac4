"""Refuses a file asked for with --out that cannot be written, before any work is done for it."""

from pathlib import Path

from studio.errors import InputRefused


def require_writable(out: Path, example: str) -> None:
    """Raises InputRefused for a folder, advising a file named as in `example`, and where the folder is missing."""
    if out.is_dir():
        raise InputRefused(f"{out} is a folder.", f"Name a file, such as {out / example}.")
    if not out.absolute().parent.is_dir():
        raise InputRefused(f"The folder {out.absolute().parent} does not exist.", "Make it first.")
