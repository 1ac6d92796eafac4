"""Begins ingests, takes uploads in, and says when an ingest is over; the work itself is in `working`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from provenance.media import Limits
from studio.errors import InputRefused, SlateError
from studio.ledger.services import record
from studio.references.files import forget_upload, keep_part
from studio.references.models import Bank, Ingest, IngestFile
from studio.runs.attempts import machine_name
from studio.runs.dispatch import INGEST_QUEUE

TASK = "references.ingest"
# Below every other job: a take never waits for a file of a bank.
PRIORITY = -10
MAX_FILES = 5000
MAX_UPLOAD_BYTES = Limits().max_bytes
NAME_LENGTH = 300


class UploadOutOfStep(SlateError):
    """The part does not follow on what was received; `received_bytes` says where to go on."""

    code = "upload.out_of_step"
    status = 409

    def __init__(self, received_bytes: int) -> None:
        super().__init__(
            f"{received_bytes} bytes of this file were received; the part begins elsewhere.",
            f"Send the part that begins at byte {received_bytes}.",
        )
        self.received_bytes = received_bytes


@dataclass(frozen=True)
class Announced:
    """A file that somebody is going to send."""

    name: str
    size_bytes: int


def enqueue(file_id: UUID) -> None:
    """Write the job of a file, in the caller's transaction."""
    in_transaction = JobManager(DjangoConnector(alias="default"))
    configure_task(name=TASK, job_manager=in_transaction, queue=INGEST_QUEUE, priority=PRIORITY).defer(
        file_id=str(file_id)
    )


@transaction.atomic
def begin_upload(bank: Bank, files: Sequence[Announced], *, actor: Any) -> Ingest:
    """An ingest whose files are still to be sent, in parts. Raises InputRefused."""
    if not 0 < len(files) <= MAX_FILES:
        raise InputRefused(
            f"{len(files)} files were named." if files else "No file was named.",
            f"Send between 1 and {MAX_FILES} at a time.",
            code="ingest.number_of_files",
        )
    ingest = Ingest.objects.create(bank=bank, requested_by=actor, source=Ingest.Source.UPLOAD)
    IngestFile.objects.bulk_create(
        IngestFile(
            ingest=ingest,
            position=position,
            name=printable(one.name),
            size_bytes=max(0, one.size_bytes),
            **_beginning(one),
        )
        for position, one in enumerate(files)
    )
    _record_start(ingest, len(files), actor)
    finish_if_done(ingest)
    return ingest


def _beginning(one: Announced) -> dict[str, Any]:
    """The state a file begins in: being sent, or failed where sending it would be in vain."""
    if one.size_bytes <= 0:
        reason, hint, code = "The file is empty: it has 0 bytes.", "Export or choose it again.", "file_empty"
    elif one.size_bytes > MAX_UPLOAD_BYTES:
        reason = f"The file has {one.size_bytes} bytes; at most {MAX_UPLOAD_BYTES} are read."
        hint, code = "Send a smaller version of it: what it shows counts, not how finely.", "media_too_large"
    else:
        return {"state": IngestFile.State.RECEIVING, "is_kept": True}
    return {"state": IngestFile.State.FAILED, "reason_code": code, "reason": reason, "hint": hint}


def receive_part(file: IngestFile, offset: int, content: IO[bytes]) -> IngestFile:
    """Keep the part of an upload that begins at byte `offset`; the last one lets the file wait for a worker.

    Raises UploadOutOfStep where another part is expected, and InputRefused where more comes than was announced.
    """
    with transaction.atomic():
        current = IngestFile.objects.select_for_update().get(pk=file.pk)
        if current.state != IngestFile.State.RECEIVING or offset != current.received_bytes:
            raise UploadOutOfStep(current.received_bytes)
        current.received_bytes += keep_part(current.pk, offset, content)
        if current.received_bytes > current.size_bytes:
            raise InputRefused(
                f"More than the {current.size_bytes} bytes that were announced have come.",
                "Choose the file again.",
                code="upload.too_long",
            )
        if current.received_bytes == current.size_bytes:
            current.state = IngestFile.State.WAITING
            enqueue(current.pk)
        current.save()
    return current


@transaction.atomic
def begin_command(bank: Bank, paths: Sequence[Path], files: Sequence[Path], *, actor: Any = None) -> Ingest:
    """The ingest of `files` of this machine: an unfinished one of the same `paths` goes on, with what is new."""
    place = ", ".join(str(path.absolute()) for path in paths).encode("utf-8", "replace").decode()[:1000]
    machine = machine_name().rpartition(":")[0]
    ingest = (
        Ingest.objects.select_for_update()
        .filter(bank=bank, source=Ingest.Source.COMMAND, machine=machine, place=place)
        .filter(state=Ingest.State.OPEN)
        .order_by("-started_at")
        .first()
    )
    listed: set[bytes] = set()
    if ingest is None:
        ingest = Ingest.objects.create(
            bank=bank, requested_by=actor, source=Ingest.Source.COMMAND, place=place, machine=machine
        )
        _record_start(ingest, len(files), actor)
    else:
        listed = {bytes(path) for path in ingest.files.values_list("path", flat=True)}
    new = [path for path in files if os.fsencode(path.absolute()) not in listed]
    IngestFile.objects.bulk_create(
        IngestFile(
            ingest=ingest,
            position=position,
            name=printable(path.name.encode("utf-8", "replace").decode()),
            path=os.fsencode(path.absolute()),
        )
        for position, path in enumerate(new, start=len(listed))
    )
    finish_if_done(ingest)
    return ingest


@transaction.atomic
def begin_drawn(bank: Bank, names: Sequence[str], *, dispatch: bool = True, actor: Any = None) -> Ingest:
    """An ingest of content that Slate draws by itself; `dispatch=False` writes no jobs for workers."""
    ingest = Ingest.objects.create(bank=bank, requested_by=actor, source=Ingest.Source.DRAWN)
    files = IngestFile.objects.bulk_create(
        IngestFile(ingest=ingest, position=position, name=name) for position, name in enumerate(names)
    )
    _record_start(ingest, len(files), actor)
    for file in files if dispatch else ():
        enqueue(file.pk)
    finish_if_done(ingest)
    return ingest


@transaction.atomic
def retry_failed(ingest: Ingest, *, actor: Any = None) -> int:
    """Let every failed file wait again whose bytes are still there; how many there were."""
    current = Ingest.objects.select_for_update().get(pk=ingest.pk)
    again = retryable(current)
    for file in again:
        file.state, file.reason_code, file.reason, file.hint = IngestFile.State.WAITING, "", "", ""
        file.attempts_started = 0
        file.save()
        if current.source != Ingest.Source.COMMAND:
            enqueue(file.pk)
    if again:
        Ingest.objects.filter(pk=current.pk).update(state=Ingest.State.OPEN, finished_at=None)
        record("ingest.retried", subject=current, studio=current.bank.studio, actor=actor, files=len(again))
    return len(again)


def retryable(ingest: Ingest) -> list[IngestFile]:
    """The failed files whose bytes can be read again; those of a command only the command reads again."""
    failed = ingest.files.filter(state=IngestFile.State.FAILED)
    if ingest.source == Ingest.Source.UPLOAD:
        failed = failed.filter(is_kept=True)
    return list(failed)


@transaction.atomic
def finish_if_done(ingest: Ingest) -> bool:
    """End the ingest once none of its files is open; whether it has ended."""
    current = Ingest.objects.select_for_update(of=("self",)).select_related("bank__studio").get(pk=ingest.pk)
    if current.state == Ingest.State.FINISHED:
        return True
    if current.files.filter(state__in=IngestFile.OPEN).exists():
        return False
    current.state, current.finished_at = Ingest.State.FINISHED, timezone.now()
    current.save(update_fields=["state", "finished_at"])
    ended = list(current.files.values_list("state", flat=True))
    counts = {str(state): ended.count(state) for state in IngestFile.ENDED}
    record(
        "ingest.finished",
        subject=current,
        studio=current.bank.studio,
        actor=current.requested_by,
        bank_id=str(current.bank_id),
        **counts,
    )
    return True


@transaction.atomic
def abandon_upload(file: IngestFile) -> None:
    """Fail a file of which nothing has come for too long, and forget what did come."""
    current = (
        IngestFile.objects.select_for_update().filter(pk=file.pk, state=IngestFile.State.RECEIVING).first()
    )
    if current is None:
        return
    current.state, current.is_kept = IngestFile.State.FAILED, False
    current.reason_code = "upload.broken_off"
    current.reason = f"Sending it broke off after {current.received_bytes} of {current.size_bytes} bytes."
    current.hint = "Choose the file again."
    current.save()
    finish_if_done(current.ingest)
    transaction.on_commit(lambda: forget_upload(current.pk))


def printable(name: str) -> str:
    """A file's name as a page may show it and a title may keep it."""
    shown = "".join(c if c.isprintable() else "?" for c in name.replace("\\", "/").rpartition("/")[2])
    return shown[-NAME_LENGTH:].strip() or "file"


def _record_start(ingest: Ingest, count: int, actor: Any) -> None:
    record(
        "ingest.started",
        subject=ingest,
        studio=ingest.bank.studio,
        actor=actor,
        bank_id=str(ingest.bank_id),
        source=str(ingest.source),
        files=count,
    )
