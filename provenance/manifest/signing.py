"""Signs a file with a credential about its take: either a complete, verified file appears, or none does."""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from c2pa import Builder, C2paError, C2paSigningAlg, Context, Reader, Signer

from provenance.manifest.definition import POSTER_IDENTIFIER, build_definition
from provenance.manifest.errors import AlreadySigned, DefinitionRefused, FormatNotSignable, SigningFailed
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialReport, CredentialState
from provenance.manifest.rubric import Violation, check_crjson, check_definition
from provenance.manifest.sniffing import sniff
from provenance.manifest.statement import TakeStatement
from provenance.manifest.trust import TrustAnchors, reading_settings, signing_settings

SIGNABLE = frozenset({"video/mp4", "video/quicktime", "image/jpeg", "image/png", "image/webp", "image/tiff"})
_JPEG_MAGIC = b"\xff\xd8\xff"
_CHUNK_BYTES = 1 << 20


class ClaimSigner(Protocol):
    """Whoever holds the key: the folder of `pki.Authority`, or a key service behind the same three names.

    `sign` returns an ES256 signature of the data it is given; `chain_pem` is leaf first.
    """

    @property
    def root_pem(self) -> str: ...

    @property
    def chain_pem(self) -> str: ...

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class SignedFile:
    """A signed file: its manifest, ready for a repository, the manifest's urn, and the file's identity."""

    manifest_bytes: bytes
    manifest_id: str
    sha256: str
    size_bytes: int
    mime_type: str
    signer_serial: str


def sign_file(
    source: Path,
    dest: Path,
    statement: TakeStatement,
    authority: ClaimSigner,
    *,
    thumbnail: bytes | None = None,
    timestamp_url: str | None = None,
) -> SignedFile:
    """Write a copy of `source` with a credential that says `statement` to `dest`, replacing what was there.

    `thumbnail` is a JPEG kept in the manifest. With `timestamp_url` the RFC 3161 authority there must answer;
    without one the signature holds only while the signer's certificate does. Nothing appears at `dest` unless
    the written file reads back as trusted and conforming. Raises FileMissing, FileEmpty, FormatNotSignable,
    AlreadySigned (the source has a history that this would erase), DefinitionRefused or SigningFailed.
    """
    definition = build_definition(statement, with_poster=thumbnail is not None)
    spec_version = statement.generator.spec_version
    _require_conforming(check_definition(definition, spec_version=spec_version))
    if thumbnail is not None and not thumbnail.startswith(_JPEG_MAGIC):
        raise SigningFailed("The thumbnail is not a JPEG.", "Give the bytes of a JPEG file, or none.")

    def complete(builder: Builder) -> None:
        if thumbnail is not None:
            builder.add_resource(POSTER_IDENTIFIER, io.BytesIO(thumbnail))

    return sign_definition(
        source, dest, definition, authority, spec_version, complete=complete, timestamp_url=timestamp_url
    )


def sign_definition(
    source: Path,
    dest: Path,
    definition: Mapping[str, Any],
    authority: ClaimSigner,
    spec_version: str,
    *,
    complete: Callable[[Builder], None] = lambda _: None,
    timestamp_url: str | None = None,
) -> SignedFile:
    """Write a copy of the unsigned `source` with the manifest of `definition` to `dest`, all or nothing.

    `complete` may add what a definition only names, such as ingredients. Nothing appears at `dest` unless the
    written file reads back as trusted and conforming. Raises what `sign_file` raises.
    """
    mime_type = _signable_type(source)
    trust = TrustAnchors(authority.root_pem)
    _require_unsigned(source)
    with _scratch_beside(dest) as scratch:
        settings = signing_settings(trust, size_bytes=source.stat().st_size)
        with Context.from_dict(settings) as context, Builder(json.dumps(definition), context) as builder:
            complete(builder)
            manifest_bytes = _sign(builder, authority, mime_type, source, scratch, timestamp_url)
        report = _verify(scratch, mime_type, trust, spec_version)
        sha256, size_bytes = _identity(scratch)
        shutil.copymode(source, scratch)  # scratch files are private; the signed one is as open as its source
        scratch.replace(dest)
    return SignedFile(
        manifest_bytes=manifest_bytes,
        manifest_id=str(report.manifest_id),
        sha256=sha256,
        size_bytes=size_bytes,
        mime_type=mime_type,
        signer_serial=str(report.signer_serial),
    )


def _signable_type(source: Path) -> str:
    mime_type = sniff(source).mime_type
    if mime_type not in SIGNABLE:
        raise FormatNotSignable(
            f"{source.name!r} is {mime_type or 'of no known kind'}, which cannot be signed.",
            f"Deliver one of {', '.join(sorted(SIGNABLE))}.",
        )
    return mime_type


def _require_unsigned(source: Path) -> None:
    found = read_credential(source, TrustAnchors(""))
    if found.state is CredentialState.ABSENT and found.remote_url is None:
        return
    if found.state is CredentialState.UNREADABLE:
        raise SigningFailed(
            f"It cannot be told whether {source.name!r} is signed already. {found.note}",
            "Check that the file is complete and not damaged.",
        )
    raise AlreadySigned(
        f"{source.name!r} already carries a credential ({found.manifest_id or found.remote_url}), and "
        "signing it as a new work would erase that history.",
        "Sign the unsigned master, or treat the signed file as a reference.",
    )


def _require_conforming(violations: list[Violation]) -> None:
    if violations:
        raise DefinitionRefused(
            f"The manifest breaks {len(violations)} conformance rule(s), first {violations[0]}.",
            "Correct the statement; nothing is signed that does not conform.",
            violations=tuple(map(str, violations)),
        )


@contextmanager
def _scratch_beside(dest: Path) -> Iterator[Path]:
    """A new file in the folder of `dest`, gone afterwards unless it was moved into place."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{dest.name}.", suffix=".part", dir=dest.parent)
    except OSError as error:
        raise SigningFailed(
            f"Nothing can be written beside {dest.name!r}: {error.strerror}.",
            "Check the folder and its free space.",
        ) from error
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _sign(
    builder: Builder,
    authority: ClaimSigner,
    mime_type: str,
    source: Path,
    scratch: Path,
    timestamp_url: str | None,
) -> bytes:
    raised: list[Exception] = []

    def callback(data: bytes) -> bytes:
        try:
            return authority.sign(data)
        except Exception as error:
            # The library reports any failure in here as a bad signature, so the cause is carried around it.
            raised.append(error)
            raise

    try:
        with (
            Signer.from_callback(
                callback, C2paSigningAlg.ES256, authority.chain_pem, timestamp_url
            ) as signer,
            source.open("rb") as reading,
            scratch.open("w+b") as writing,
        ):
            manifest_bytes: bytes = builder.sign(signer, mime_type, reading, writing)
            os.fsync(writing.fileno())
    except (C2paError, OSError) as error:
        cause = raised[0] if raised else error
        raise SigningFailed(
            f"{source.name!r} could not be signed: {' '.join(str(cause).split())[:300]}",
            "Check the signing key, its certificate, the time-stamp authority and the free space.",
        ) from cause
    if not manifest_bytes:
        raise SigningFailed(f"Signing {source.name!r} gave no manifest.", "Check that the file is complete.")
    return manifest_bytes


def _verify(scratch: Path, mime_type: str, trust: TrustAnchors, spec_version: str) -> CredentialReport:
    report = read_credential(scratch, trust)
    if report.state is not CredentialState.TRUSTED:
        raise SigningFailed(
            f"The signed file reads back as {report.state}. {report.note}",
            "Check that the signer's certificate comes from the authority's root and is within its dates.",
        )
    with (
        scratch.open("rb") as stream,
        Context.from_dict(reading_settings(trust)) as context,
        Reader(mime_type, stream, context=context) as reader,
    ):
        _require_conforming(check_crjson(reader.crjson(), spec_version=spec_version))
    return report


def _identity(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
