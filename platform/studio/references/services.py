"""Fills banks with works; each work enters whole, once per content, with its ledger entry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from provenance.errors import ProvenanceError
from provenance.fingerprint import FrameFingerprint
from provenance.inspect import inspect_file
from studio.errors import InputRefused
from studio.ledger.services import record
from studio.references.models import Bank, Fingerprint, Work
from studio.takes.models import Take
from studio.takes.storage import sha256_of
from studio.tenancy.models import Studio

MEDIA_SUFFIXES = frozenset(
    {
        *(
            ".mp4",
            ".m4v",
            ".mov",
            ".mkv",
            ".webm",
            ".avi",
            ".mpg",
            ".mpeg",
            ".ts",
            ".mts",
            ".mxf",
            ".wmv",
            ".flv",
        ),
        *(".gif", ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"),
    }
)


@dataclass(frozen=True)
class Added:
    """What became of one file: "added", "known" (the bank has these bytes already) or "unreadable"."""

    path: Path
    outcome: str
    reason: str = ""
    frames: int = 0
    seconds: float = 0.0


@transaction.atomic
def get_or_create_bank(studio: Studio, name: str, *, actor: Any = None) -> Bank:
    name = name.strip()
    if not name or len(name) > 120 or not name.isprintable():
        raise InputRefused(
            f"{name!r} cannot be the name of a bank.",
            "Give 1 to 120 printable characters, such as 'Studio films'.",
        )
    bank, created = Bank.objects.get_or_create(studio=studio, name=name)
    if created:
        record("bank.created", subject=bank, studio=studio, actor=actor)
    return bank


def media_files(paths: Iterable[Path]) -> list[Path]:
    """The files to fingerprint: given files as they are, folders walked for media by suffix, sorted.

    Raises InputRefused for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputRefused(f"There is nothing at {path}.", "Give existing files or folders.")
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in MEDIA_SUFFIXES)
            files.extend(sorted(inside))
        else:
            files.append(path)
    return files


def add_work(bank: Bank, path: Path, *, actor: Any = None) -> Added:
    """Fingerprint one file into `bank`. Repeating it changes nothing: a work is known by its content.

    The file is parsed in a confined child process; the work and all its fingerprints are one transaction.
    """
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        return Added(path, "unreadable", f"It cannot be opened: {error.strerror}.")
    if Work.objects.filter(bank=bank, sha256=sha256).exists():
        return Added(path, "known")
    try:
        seen = inspect_file(
            path, keys=[], trust_pem="", want=("fingerprint",), timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S
        )
    except ProvenanceError as error:
        return Added(path, "unreadable", f"{error.message} {error.hint}".strip())
    for problem in seen.errors.values():
        # Half a film in a bank would pass for the whole: a file that breaks off is not added.
        return Added(path, "unreadable", f"{problem.message} {problem.hint}".strip())
    if not seen.fingerprints or seen.media is None:
        return Added(path, "unreadable", "It has no picture that could be fingerprinted.")
    title = path.name.encode("utf-8", "replace").decode()[:300]
    with transaction.atomic():
        work, created = Work.objects.get_or_create(
            bank=bank,
            sha256=sha256,
            defaults={
                "title": title,
                "duration_seconds": seen.media["duration_s"] or 0.0,
                "width": seen.media["width"],
                "height": seen.media["height"],
            },
        )
        if not created:
            return Added(path, "known")
        store_fingerprints(seen.fingerprints, work=work)
        record(
            "work.added",
            subject=work,
            studio=bank.studio,
            actor=actor,
            bank_id=str(bank.pk),
            file_sha256=sha256,
            frames=len(seen.fingerprints),
        )
    return Added(path, "added", frames=len(seen.fingerprints), seconds=seen.media["duration_s"] or 0.0)


def add_works(
    bank: Bank, files: Sequence[Path], *, actor: Any = None, on_file: Callable[[Added], None] = lambda _: None
) -> list[Added]:
    results = []
    for path in files:
        results.append(add_work(bank, path, actor=actor))
        on_file(results[-1])
    return results


def store_fingerprints(
    frames: Sequence[FrameFingerprint], *, work: Work | None = None, take: Take | None = None
) -> None:
    Fingerprint.objects.bulk_create(
        (
            Fingerprint(
                work=work,
                take=take,
                frame_index=frame.frame_index,
                time_s=frame.time_s,
                quality=frame.quality,
                pdq=frame.pdq,
                phash=frame.phash,
            )
            for frame in frames
        ),
        batch_size=500,
    )
