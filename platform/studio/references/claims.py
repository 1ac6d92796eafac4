"""Hands each waiting file to one worker at a time, and takes back what a killed worker held."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from studio.errors import SlateError
from studio.references.models import Ingest, IngestFile
from studio.runs.attempts import machine_name
from studio.runs.patience import AWAY

logger = logging.getLogger(__name__)

# A file that took this many workers with it is not tried again by itself.
MAX_ATTEMPTS = 3
GIVEN_UP = "ingest.given_up"


class ClaimLost(SlateError):
    """Somebody else has the file by now; whatever was found out about it is thrown away."""

    code = "ingest.claim_lost"
    status = 409


@dataclass(frozen=True)
class Claim:
    """The right to say what became of a file, held as long as `token` is the file's current one."""

    file_id: UUID
    token: UUID


def claim_file(file_id: UUID, worker: str) -> Claim | None:
    """Take this file, if it still waits."""
    return _claim(IngestFile.objects.filter(pk=file_id), worker)


def claim_next(ingest: Ingest, worker: str) -> Claim | None:
    """Take the next waiting file of an ingest; None when none waits."""
    return _claim(IngestFile.objects.filter(ingest=ingest), worker)


@transaction.atomic
def _claim(files: Any, worker: str) -> Claim | None:
    waiting = files.filter(state=IngestFile.State.WAITING).order_by("position")
    file = waiting.select_for_update(skip_locked=True).first()
    if file is None:
        return None
    file.state = IngestFile.State.WORKING
    file.claim_token = uuid4()
    file.claimed_by = worker
    file.claimed_until = _lease_end()
    file.attempts_started += 1
    file.save()
    return Claim(file.pk, file.claim_token)


@transaction.atomic
def give_back(claim: Claim, *, counts: bool = True, reason: str = "its worker stopped") -> bool:
    """Let the file wait again; False where the claim was lost already.

    `counts=False` gives the attempt back: an orderly stop is nobody's fault. A file whose attempts are used up fails
    instead.
    """
    file = IngestFile.objects.select_for_update().filter(pk=claim.file_id, claim_token=claim.token).first()
    if file is None:
        return False
    file.claim_token = None
    file.claimed_until = None
    file.attempts_started -= not counts
    if file.attempts_started < MAX_ATTEMPTS:
        file.state = IngestFile.State.WAITING
    else:
        file.state = IngestFile.State.FAILED
        file.reason_code = GIVEN_UP
        file.reason = f"Given up after {file.attempts_started} attempts. The last time {reason}."
        file.hint = "Export the file again, smaller if it is very large; the log says what ended the workers."
    file.save()
    return True


def recover_lost_files() -> list[IngestFile]:
    """Give back every file whose lease ran out, or whose worker was a process of this machine that is gone.

    Returns the files as they are now, waiting or given up.
    """
    mine = f"{machine_name()}:"
    recovered = []
    for file in IngestFile.objects.filter(state=IngestFile.State.WORKING):
        is_dead = file.claimed_by.startswith(mine) and not _is_alive(file.claimed_by.removeprefix(mine))
        if not is_dead and file.claimed_until >= timezone.now():
            continue
        reason = "its worker was killed" if is_dead else "its worker fell silent"
        if give_back(Claim(file.pk, file.claim_token), reason=reason):
            logger.warning("file %s of ingest %s: %s", file.pk, file.ingest_id, reason)
            file.refresh_from_db()
            recovered.append(file)
    return recovered


def _is_alive(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def _lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.SLATE_STALLED_AFTER_S)


class Lease(threading.Thread):
    """Renews a claim while the file is worked on."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(daemon=True, name=f"lease-{claim.file_id}")
        self.claim = claim
        self._over = threading.Event()

    def __enter__(self) -> "Lease":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(timeout=30)

    def run(self) -> None:
        try:
            while not self._over.wait(settings.SLATE_STALLED_AFTER_S / 6):
                try:
                    IngestFile.objects.filter(pk=self.claim.file_id, claim_token=self.claim.token).update(
                        claimed_until=_lease_end()
                    )
                except AWAY as error:
                    logger.warning("lease of file %s not renewed: %s", self.claim.file_id, str(error).strip())
                    connection.close()
        finally:
            connection.close()
