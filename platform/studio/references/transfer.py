"""Takes banks out of the database as hashes, and hashes in as works without media; all of a file or nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from django.db import transaction

from studio.errors import InputRefused
from studio.ledger.services import record
from studio.references.exchange import rows_of, writer_for
from studio.references.hashlists import ImportedWork, read_works
from studio.references.models import Bank, Work
from studio.references.storing import load_fingerprint, store_works
from studio.takes.storage import sha256_of


@dataclass(frozen=True)
class Counts:
    """How much went over; `known` works were in the bank already and stayed as they were."""

    works: int
    frames: int
    known: int = 0


def export_bank(bank: Bank, kind: str, out: TextIO, *, actor: Any = None) -> Counts:
    """Write the hashes of every work of the bank to `out`, withdrawn ones left out.

    Hashes let somebody who has them test whether a film is in the bank, so the export enters the ledger.
    """
    frames = 0
    works = 0
    write = writer_for(kind, out)
    for work, row in exported_rows(bank):
        works += work is not None
        frames += 1
        write(row)
    note_export(bank, kind, works=works, frames=frames, actor=actor)
    return Counts(works, frames)


def exported_rows(bank: Bank) -> Iterator[tuple[Work | None, dict[str, Any]]]:
    """Every row of the export; with the first one of a work comes the work itself."""
    for work in bank.works.searchable().order_by("title", "pk").iterator(chunk_size=200):
        clip = load_fingerprint(work=work)
        if clip is None:
            continue
        first: Work | None = work
        for row in rows_of(work.title, work.sha256, clip):
            yield first, row
            first = None


@transaction.atomic
def note_export(bank: Bank, kind: str, *, actor: Any = None, **counts: int) -> None:
    record("bank.exported", subject=bank, studio=bank.studio, actor=actor, format=kind, **counts)


def import_file(bank: Bank, path: Path, *, name: str, actor: Any = None) -> Counts:
    """Read the hashes of a file into the bank. Raises InputRefused; a refused file changes nothing."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            works = read_works(lines, name)
    except OSError as error:
        raise InputRefused(
            f"{path} cannot be opened: {error.strerror}.", "Give a file that can be read."
        ) from error
    return import_works(bank, works, file_sha256=sha256_of(path), actor=actor)


@transaction.atomic
def import_works(bank: Bank, works: Iterable[ImportedWork], *, file_sha256: str, actor: Any = None) -> Counts:
    """Keep the works that the bank does not have, in one transaction."""
    known = set(bank.works.values_list("sha256", flat=True))
    new: dict[str, ImportedWork] = {}
    skipped = 0
    for one in works:
        if one.sha256 in known or one.sha256 in new:
            skipped += 1
        else:
            new[one.sha256] = one
    rows = Work.objects.bulk_create(
        (
            Work(
                bank=bank,
                title=one.title,
                sha256=one.sha256,
                duration_seconds=one.clip.duration_s,
                origin=Work.Origin.IMPORT,
                added_by=actor if getattr(actor, "pk", None) is not None else None,
            )
            for one in new.values()
        ),
        batch_size=1000,
    )
    store_works([(work, one.clip) for work, one in zip(rows, new.values(), strict=True)])
    added, frames = len(rows), sum(len(one.clip.frames) for one in new.values())
    record(
        "bank.imported",
        subject=bank,
        studio=bank.studio,
        actor=actor,
        file_sha256=file_sha256,
        works=added,
        frames=frames,
        known=skipped,
    )
    return Counts(added, frames, skipped)
