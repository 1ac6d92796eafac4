"""Keeps secrets in files that only their owner can read, made once and never half-written."""

import os
import secrets
from pathlib import Path

from studio.errors import SlateError


class KeyFileUnsafe(SlateError):
    code = "keys.unsafe"


def read_or_create_secret(path: Path, size_bytes: int = 32) -> bytes:
    """The secret in `path`, made from the system's random source on first use (mode 0600).

    Two processes that start together agree: the file is linked into place whole, and the loser of that
    race reads the winner's.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(secrets.token_bytes(size_bytes).hex().encode())
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if path.stat().st_mode & 0o077:
        raise KeyFileUnsafe(
            f"The key file {path} can be read by other users (mode {path.stat().st_mode & 0o777:o}).",
            f"Run: chmod 600 '{path}'",
        )
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != size_bytes:
        raise KeyFileUnsafe(
            f"The key file {path} does not hold {size_bytes} bytes in hexadecimal.",
            "Restore it from a backup; without it, marks made with it can no longer be read.",
        )
    return secret
