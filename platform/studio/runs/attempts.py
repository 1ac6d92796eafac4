"""Claims runs, keeps attempts alive and ends them; every write is fenced by the attempt's token."""

import logging
import os
import shutil
import socket
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from studio.ledger.services import record
from studio.runs.dispatch import enqueue
from studio.runs.errors import AttemptStale
from studio.runs.models import Attempt, Run
from studio.runs.patience import AWAY

logger = logging.getLogger(__name__)


def machine_name() -> str:
    """This host in its present boot: process ids mean something only within it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = "-"
    return f"{socket.gethostname()}:{boot}"


def worker_name() -> str:
    return f"{machine_name()}:{os.getpid()}"


@dataclass(frozen=True)
class Claim:
    """The right to write a run's outcome, held as long as `token` is the run's current one."""

    run_id: UUID
    token: UUID
    number: int


@transaction.atomic
def claim_run(run_id: UUID, worker: str) -> Claim | None:
    """Take a waiting run for a new attempt; None when somebody else has it or it has ended."""
    # Locked before its state is looked at: whoever is just returning the run to the queue is waited for.
    run = Run.objects.select_for_update().filter(pk=run_id).first()
    if run is None or run.state != Run.State.QUEUED:
        return None
    now = timezone.now()
    token = uuid4()
    run.state = Run.State.RUNNING
    run.stage = "starting"
    run.progress = 0.0
    run.attempt_token = token
    run.attempts_started += 1
    run.heartbeat_at = now
    run.started_at = run.started_at or now
    run.save()
    # Not attempts_started: attempts that were given back do not count, and keep their number all the same.
    number = run.attempts.count() + 1
    Attempt.objects.create(run=run, number=number, token=token, worker=worker, started_at=now)
    record("run.started", subject=run, studio=studio_of(run), attempt=number)
    return Claim(run.pk, token, number)


def studio_of(run: Run) -> Any:
    return run.shot.sequence.production.studio


def write_progress(claim: Claim, stage: str, progress: float) -> None:
    """Raise AttemptStale when the run no longer belongs to this attempt."""
    changed = Run.objects.filter(pk=claim.run_id, attempt_token=claim.token).update(
        stage=stage, progress=min(max(progress, 0.0), 1.0), heartbeat_at=timezone.now()
    )
    if not changed:
        raise AttemptStale(f"Attempt {claim.number} no longer owns run {claim.run_id}.")


@transaction.atomic
def end_attempt(
    claim: Claim,
    state: Run.State,
    outcome: Attempt.Outcome,
    *,
    code: str = "",
    message: str = "",
    hint: str = "",
) -> bool:
    """End a run without a take (failed or cancelled). False when the attempt no longer owned it."""
    changed = Run.objects.filter(pk=claim.run_id, attempt_token=claim.token, state=Run.State.RUNNING).update(
        state=state,
        attempt_token=None,
        ended_at=timezone.now(),
        error_code=code,
        error_message=message,
        error_hint=hint,
    )
    if not changed:
        return False
    _close(claim.token, outcome, message)
    run = Run.objects.get(pk=claim.run_id)
    record(f"run.{state}", subject=run, studio=studio_of(run), attempt=claim.number, code=code)
    return True


@transaction.atomic
def return_to_queue(run_id: UUID, token: UUID, reason: str, *, code: str, counts: bool = True) -> bool:
    """Give a run whose attempt was lost another one, or fail it once it had its share of attempts.

    `counts=False` gives the attempt back (an orderly shutdown is nobody's fault). False when the attempt
    no longer owned the run.
    """
    run = Run.objects.select_for_update().filter(pk=run_id, attempt_token=token).first()
    if run is None:
        return False
    run.attempt_token = None
    run.stage = ""
    run.progress = 0.0
    _close(token, Attempt.Outcome.LOST, reason)
    if run.cancel_requested_at is not None:
        run.state = Run.State.CANCELLED
        run.ended_at = timezone.now()
    elif counts and run.attempts_started >= settings.SLATE_MAX_ATTEMPTS:
        run.state = Run.State.FAILED
        run.ended_at = timezone.now()
        run.error_code = code
        run.error_message = f"Given up after {run.attempts_started} attempts. The last one: {reason}"
        run.error_hint = "Try a shorter or smaller take; the operator finds the cause in the worker's log."
    else:
        run.state = Run.State.QUEUED
        run.attempts_started -= not counts
        enqueue(run.pk)
    run.save()
    event = "run.returned" if run.state == Run.State.QUEUED else f"run.{run.state}"
    record(event, subject=run, studio=studio_of(run), attempt=run.attempts.count(), code=code)
    return True


def _close(token: UUID, outcome: Any, reason: str) -> None:
    Attempt.objects.filter(token=token).update(outcome=outcome, reason=reason, ended_at=timezone.now())


def recover_silent_runs() -> int:
    """Return every run to the queue whose attempt has not been heard of for SLATE_STALLED_AFTER_S."""
    since = timezone.now() - timedelta(seconds=settings.SLATE_STALLED_AFTER_S)
    recovered = 0
    for run_id, token in Run.objects.silent_since(since).values_list("pk", "attempt_token"):
        reason = f"its worker fell silent for more than {settings.SLATE_STALLED_AFTER_S:.0f} s"
        if return_to_queue(run_id, token, reason, code="run.worker_silent"):
            logger.warning("run %s: %s", run_id, reason)
            recovered += 1
    return recovered


def recover_runs_of_dead_workers() -> int:
    """Return runs whose worker was a process of this machine that no longer exists; no need to wait."""
    mine = f"{machine_name()}:"
    recovered = 0
    lost = Attempt.objects.filter(outcome=Attempt.Outcome.RUNNING, worker__startswith=mine)
    for run_id, token, worker in lost.values_list("run_id", "token", "worker"):
        if Path(f"/proc/{worker.removeprefix(mine)}").exists():
            continue
        if return_to_queue(run_id, token, "its worker was killed", code="run.worker_killed"):
            shutil.rmtree(Path(settings.WORK_DIR) / str(token), ignore_errors=True)
            logger.warning("run %s: its worker was killed; it goes back to the queue", run_id)
            recovered += 1
    return recovered


class Heartbeat(threading.Thread):
    """Tells the database every few seconds that an attempt lives, and learns of cancels and lost claims."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(daemon=True)
        self.claim = claim
        self.cancelled = threading.Event()
        self.lost = threading.Event()
        self._over = threading.Event()

    def __enter__(self) -> "Heartbeat":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(timeout=30)

    def run(self) -> None:
        try:
            # Cancels should feel immediate, heartbeats need not: look often, write rarely.
            while not self._over.wait(min(1.0, settings.SLATE_HEARTBEAT_S)):
                try:
                    self.beat()
                except AWAY as error:
                    logger.warning("heartbeat of run %s missed: %s", self.claim.run_id, str(error).strip())
                    connection.close()
        finally:
            connection.close()

    def beat(self) -> None:
        now = timezone.now()
        mine = Run.objects.filter(pk=self.claim.run_id, attempt_token=self.claim.token)
        state = mine.values_list("heartbeat_at", "cancel_requested_at").first()
        if state is None:
            self.lost.set()
            return
        heartbeat_at, cancel_requested_at = state
        if cancel_requested_at is not None:
            self.cancelled.set()
        if heartbeat_at is None or (now - heartbeat_at).total_seconds() >= settings.SLATE_HEARTBEAT_S:
            mine.update(heartbeat_at=now)
