"""Keeps a signing authority in a folder: made whole or not at all, readable by its owner only, renewable from
its root.

The folder holds `root.pem` (public), `root-key.pem` (may be moved offline: only renewal needs it) and
`claim-signer.pem` (the leaf's private key and certificate in one file, so that a renewal replaces both at
once).
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provenance.manifest import certificates
from provenance.manifest.errors import (
    AuthorityExists,
    AuthorityExpired,
    AuthorityMissing,
    AuthorityUnreadable,
    KeyMismatch,
    KeyPermissionsOpen,
    RootKeyAbsent,
)

ROOT_FILE = "root.pem"
ROOT_KEY_FILE = "root-key.pem"
SIGNER_FILE = "claim-signer.pem"
RENEW_WITHIN = timedelta(days=30)
# X.520 bounds O and CN at 64 characters, and the CN is the organisation plus " Slate development root".
MAX_ORGANISATION_LENGTH = 40


@dataclass(frozen=True)
class Authority:
    """A root to be trusted and the key that signs claims under it.

    `chain_pem` is what a signature carries, leaf first; the root is not part of it. `leaf_serial` is decimal,
    as C2PA readers report it. `expires_at` is the end of the leaf's validity, in UTC.
    """

    organisation: str
    root_pem: str
    chain_pem: str
    leaf_serial: str
    expires_at: datetime
    _key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """The ES256 signature of `data`, DER encoded."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def create_authority(directory: Path, organisation: str, *, now: datetime | None = None) -> Authority:
    """Make a root and a claim signer in `directory`, which must not exist yet or be empty.

    Raises AuthorityExists where something is there already, AuthorityUnreadable where it cannot be written.
    """
    moment = now or datetime.now(UTC)
    if not 0 < len(organisation.strip()) <= MAX_ORGANISATION_LENGTH:
        raise AuthorityUnreadable(
            f"The organisation {organisation!r} cannot be put into a certificate.",
            f"Give a name of 1 to {MAX_ORGANISATION_LENGTH} characters.",
        )
    with _locked(directory):
        _create(directory, organisation.strip(), moment)
        return _load(directory, moment)


def load_authority(directory: Path, *, now: datetime | None = None) -> Authority:
    """Read the authority in `directory` and check that its keys, certificates and dates fit together.

    Raises AuthorityMissing, AuthorityUnreadable, KeyPermissionsOpen, KeyMismatch or AuthorityExpired.
    """
    if not directory.is_dir():
        raise AuthorityMissing(
            f"There is no signing authority at {directory}.",
            "Create one, or correct the setting that names it.",
        )
    return _load(directory, now or datetime.now(UTC))


def ensure_authority(directory: Path, organisation: str, *, now: datetime | None = None) -> Authority:
    """The authority in `directory`: created if there is none, its leaf renewed if it ends within 30 days.

    Safe when several processes start at once: one creates or renews, the others load what it made. An
    existing authority keeps the organisation it was created with. Where the root key is kept offline, an
    ending leaf is used until it has expired.
    """
    moment = now or datetime.now(UTC)
    if _is_vacant(directory):
        try:
            return create_authority(directory, organisation, now=moment)
        except AuthorityExists:
            return load_authority(directory, now=moment)
    if _is_ending(directory, moment):
        with _locked(directory):
            if _is_ending(directory, moment):  # another process may have renewed it while this one waited
                _renew(directory, moment)
    return load_authority(directory, now=moment)


def renew(directory: Path, *, now: datetime | None = None) -> Authority:
    """Replace the claim signer by a new key and certificate from the same root, expired or not.

    Files signed before stay verifiable: each carries its own certificate. Raises RootKeyAbsent without a root
    key.
    """
    moment = now or datetime.now(UTC)
    if not directory.is_dir():
        raise AuthorityMissing(f"There is no signing authority at {directory}.", "Create one first.")
    with _locked(directory):
        _renew(directory, moment)
        return _load(directory, moment)


def _create(directory: Path, organisation: str, now: datetime) -> None:
    if not _is_vacant(directory):
        raise AuthorityExists(
            f"{directory} already holds files, and an authority is never overwritten.",
            "Load it, or name another folder.",
        )
    staging = directory.parent / f".{directory.name}.new"
    try:
        if staging.exists():  # a crash left it: whoever makes one holds the lock
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        root_key = certificates.new_root_key()
        root = certificates.build_root(root_key, organisation, now)
        _write(staging / ROOT_KEY_FILE, _key_pem(root_key), 0o600)
        _write(staging / ROOT_FILE, root.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(staging / SIGNER_FILE, _new_signer(root, root_key, organisation, now), 0o600)
        staging.rename(directory)
    except OSError as error:
        if staging.exists():
            shutil.rmtree(staging)
        raise AuthorityUnreadable(
            f"The authority could not be written to {directory}: {error.strerror}.",
            "The folder above it must exist and be writable.",
        ) from error
    _sync_directory(directory.parent)


def _renew(directory: Path, now: datetime) -> None:
    root = _read_certificate(directory / ROOT_FILE)
    key_path = directory / ROOT_KEY_FILE
    if not key_path.exists():
        raise RootKeyAbsent(
            f"The claim signer in {directory} cannot be renewed: {ROOT_KEY_FILE} is not there.",
            "Bring the root key back for the renewal, then take it offline again.",
        )
    root_key = _read_key(key_path)
    _require_match(root_key, root, key_path)
    if now >= root.not_valid_after_utc:
        raise AuthorityExpired(
            f"The root in {directory} ended on {root.not_valid_after_utc:%Y-%m-%d}.",
            "Create a new authority.",
        )
    fresh = directory / f".{SIGNER_FILE}.new"
    fresh.unlink(missing_ok=True)
    _write(fresh, _new_signer(root, root_key, certificates.organisation_of(root), now), 0o600)
    fresh.replace(directory / SIGNER_FILE)
    _sync_directory(directory)


def _new_signer(
    root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey, organisation: str, now: datetime
) -> bytes:
    key = certificates.new_leaf_key()
    leaf = certificates.build_leaf(key.public_key(), root, root_key, organisation, now)
    return _key_pem(key) + leaf.public_bytes(serialization.Encoding.PEM)


def _load(directory: Path, now: datetime) -> Authority:
    _require_private(directory, 0o022, "no one but its owner may write to it")
    root = _read_certificate(directory / ROOT_FILE)
    signer_path = directory / SIGNER_FILE
    key = _read_key(signer_path)
    leaf = _read_certificate(signer_path)
    _require_match(key, leaf, signer_path)
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise AuthorityUnreadable(
            f"The claim signer in {directory} was not issued by the root beside it.",
            "Restore the folder from one backup, or renew the claim signer.",
        ) from error
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        raise AuthorityExpired(
            f"The claim signer in {directory} is valid from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and it is now {now:%Y-%m-%d %H:%M}.",
            "Renew it, and check the clock of this machine.",
        )
    return Authority(
        organisation=certificates.organisation_of(leaf),
        root_pem=root.public_bytes(serialization.Encoding.PEM).decode(),
        chain_pem=leaf.public_bytes(serialization.Encoding.PEM).decode(),
        leaf_serial=str(leaf.serial_number),
        expires_at=leaf.not_valid_after_utc,
        _key=key,
    )


def _is_ending(directory: Path, now: datetime) -> bool:
    """Whether the leaf ends soon and the root key is at hand to issue another."""
    return (directory / ROOT_KEY_FILE).exists() and (
        _read_certificate(directory / SIGNER_FILE).not_valid_after_utc - now < RENEW_WITHIN
    )


def _is_vacant(directory: Path) -> bool:
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory.parent / f".{directory.name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise AuthorityUnreadable(
            f"The folder above {directory} cannot be written: {error.strerror}.",
            "Name a place this process may write to.",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityUnreadable(
            f"{path.name} of the authority at {path.parent} cannot be read: {error.strerror}.",
            "Restore the folder from a backup.",
        ) from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    content = _read(path)
    _require_private(path, 0o077, "a private key is for its owner only")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityUnreadable(
            f"{path} holds no readable private key.", "Restore the file from a backup."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityUnreadable(f"The key in {path} is not an elliptic-curve key.", "Use P-256 or P-384.")
    return key


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError as error:
        raise AuthorityUnreadable(
            f"{path} holds no readable certificate.", "Restore the file from a backup."
        ) from error


def _require_match(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, path: Path) -> None:
    if key.public_key() != certificate.public_key():
        raise KeyMismatch(
            f"The private key in {path} does not belong to its certificate.",
            "Restore both from the same backup, or renew the claim signer.",
        )


def _require_private(path: Path, forbidden: int, why: str) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        raise KeyPermissionsOpen(
            f"{path} has the permissions {mode:04o}, but {why}.",
            f"chmod go-rwx {path}, and consider the key known.",
        )
