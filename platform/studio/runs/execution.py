"""Carries one attempt from claim to published take, and cleans up after every other ending."""

import logging
import secrets
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studio.errors import SlateError
from studio.ids import uuid7
from studio.ledger.services import record
from studio.runs import attempts
from studio.runs.attempts import Claim, Heartbeat
from studio.runs.errors import AttemptStale, RendererDied, RunCancelled
from studio.runs.models import Attempt, Run
from studio.runs.patience import patiently
from studio.runs.renderer import RendererPool
from studio.runs.rendering import RENDER_ENDS_AT, RenderJob
from studio.runs.steps import Draft, steps
from studio.takes.models import Take
from studio.takes.services import add_master, add_take, publish_rendition
from studio.takes.storage import sha256_of, store
from studio.tenancy.secrets import watermark_key_id, watermark_secret

logger = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.5
OnProgress = Callable[[str, float], None]
ShouldStop = Callable[[], bool]


class WorkerStopping(SlateError):
    """The worker shuts down in an orderly way; the run waits for the next one."""

    code = "run.worker_stopping"


class Progress:
    """Writes stage and progress to the run, at most twice a second, and to a listener each time."""

    def __init__(self, claim: Claim, listener: OnProgress | None) -> None:
        self.claim = claim
        self.listener = listener
        self._stage = ""
        self._written_at = 0.0

    def __call__(self, stage: str, progress: float) -> None:
        if self.listener is not None:
            self.listener(stage, progress)
        now = time.monotonic()
        if stage == self._stage and now - self._written_at < PROGRESS_INTERVAL_S:
            return
        self._stage, self._written_at = stage, now
        patiently(lambda: attempts.write_progress(self.claim, stage, progress), what="writing progress")


def execute_run(
    run_id: UUID,
    *,
    pool: RendererPool,
    worker: str,
    on_progress: OnProgress | None = None,
    worker_stopping: ShouldStop = lambda: False,
) -> Run:
    """Make one attempt at a waiting run. Returns the run as it stands afterwards; a run that somebody else
    has, or that has ended, is returned untouched. Never leaves a file behind without a row that owns it.
    """
    claim = patiently(lambda: attempts.claim_run(run_id, worker), what="claiming a run")
    if claim is None:
        return Run.objects.get(pk=run_id)
    directory = Path(settings.WORK_DIR) / str(claim.token)
    try:
        with Heartbeat(claim) as heartbeat:
            try:
                directory.mkdir(parents=True)
                _attempt(claim, directory, pool, heartbeat, Progress(claim, on_progress), worker_stopping)
            except (AttemptStale, RunCancelled) as error:
                _end_quietly(claim, error)
            except WorkerStopping as error:
                _give_back(claim, error.message, error.code, counts=False)
            except RendererDied as error:
                _give_back(claim, f"{error.message} {error.hint}", error.code, counts=True)
            except SlateError as error:
                _fail(claim, error)
            except OSError as error:
                message = f"A file could not be written: {error}"
                _fail(claim, SlateError(message, "Free some disk space.", code="storage.failed"))
            except Exception as error:
                logger.exception("run %s failed", claim.run_id)
                message = f"Something went wrong inside Slate ({type(error).__name__})."
                hint = "Try again; if it happens again, the operator finds the details in the worker's log."
                _fail(claim, SlateError(message, hint, code="run.internal"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return patiently(lambda: Run.objects.get(pk=run_id), what="reading a run")


def _fail(claim: Claim, error: SlateError) -> None:
    logger.warning("run %s failed: %s %s", claim.run_id, error.code, error.message)
    patiently(
        lambda: attempts.end_attempt(
            claim,
            Run.State.FAILED,
            Attempt.Outcome.FAILED,
            code=error.code,
            message=error.message,
            hint=error.hint,
        ),
        what="failing a run",
    )


def _give_back(claim: Claim, reason: str, code: str, *, counts: bool) -> None:
    logger.warning("run %s goes back to the queue: %s", claim.run_id, reason)
    patiently(
        lambda: attempts.return_to_queue(claim.run_id, claim.token, reason, code=code, counts=counts),
        what="returning a run to the queue",
    )


def _end_quietly(claim: Claim, error: SlateError) -> None:
    if isinstance(error, RunCancelled):
        patiently(
            lambda: attempts.end_attempt(claim, Run.State.CANCELLED, Attempt.Outcome.CANCELLED),
            what="cancelling a run",
        )
    else:
        logger.warning("attempt %s of run %s threw its work away: %s", claim.number, claim.run_id, error)


def _attempt(
    claim: Claim,
    directory: Path,
    pool: RendererPool,
    heartbeat: Heartbeat,
    progress: Progress,
    worker_stopping: ShouldStop,
) -> None:
    run = patiently(
        lambda: Run.objects.select_related("shot__sequence__production__studio").get(pk=claim.run_id),
        what="reading a run",
    )
    studio = attempts.studio_of(run)

    def stopping() -> bool:
        return heartbeat.cancelled.is_set() or heartbeat.lost.is_set() or worker_stopping()

    def check() -> None:
        if heartbeat.lost.is_set():
            raise AttemptStale("Another attempt owns the run.")
        if heartbeat.cancelled.is_set():
            raise RunCancelled("The run was cancelled.")
        if worker_stopping():
            raise WorkerStopping("The worker was shut down.")

    mark_id = secrets.randbits(64)
    job = RenderJob(
        prompt=run.prompt,
        negative_prompt=run.negative_prompt,
        duration_frames=run.duration_frames,
        fps=str(run.fps),
        width=run.width,
        height=run.height,
        seed=run.seed,
        output=str(directory / "master.mp4"),
        watermark_key_id=watermark_key_id(studio),
        watermark_secret_hex=watermark_secret(studio).hex(),
        mark_id=mark_id,
        mark_profile=run.shot.sequence.production.mark_profile,
    )
    try:
        rendered = pool.get(run.model).render(job, on_progress=progress, should_stop=stopping)
    except RunCancelled:
        check()
        raise
    draft = Draft(
        run=run,
        studio=studio,
        directory=directory,
        path=directory / "master.mp4",
        take_id=uuid7(),
        mark_id=mark_id,
        created_at=timezone.now(),
        rendered=rendered,
        timings=dict(rendered.timings),
    )
    names = steps()
    for index, (stage, step) in enumerate(names):
        check()
        progress(stage, RENDER_ENDS_AT + (0.98 - RENDER_ENDS_AT) * index / len(names))
        started = time.perf_counter()
        patiently(partial(step, draft), what=stage)
        draft.timings[stage] = time.perf_counter() - started
    check()
    progress("publishing", 0.98)
    sha256 = sha256_of(draft.path)
    name = store(draft.path, sha256)
    patiently(lambda: publish(claim, draft, sha256, name), what="publishing a take")


def publish(claim: Claim, draft: Draft, sha256: str, storage_name: str) -> Take:
    """Make the take exist, with everything that proves it, in one transaction that only the current attempt
    can commit. Repeating it after a lost connection finds the take already there."""
    existing = Take.objects.filter(pk=draft.take_id).first()
    if existing is not None:
        return existing
    with transaction.atomic():
        take = add_take(
            draft.run.shot_id,
            take_id=draft.take_id,
            mark_id=draft.mark_id,
            state=draft.state,
            recipe=draft.rendered.recipe,
            created_by_id=draft.run.requested_by_id,
            created_at=draft.created_at,
        )
        rendition = add_master(
            take,
            sha256=sha256,
            storage_name=storage_name,
            size_bytes=draft.path.stat().st_size,
            size=(draft.run.width, draft.run.height),
            fps=draft.run.fps,
            duration_frames=draft.rendered.duration_frames,
        )
        for write in draft.records:
            write(take, rendition)
        publish_rendition(rendition)
        won = Run.objects.filter(
            pk=claim.run_id, attempt_token=claim.token, state=Run.State.RUNNING, take__isnull=True
        ).update(
            state=Run.State.SUCCEEDED,
            take=take,
            attempt_token=None,
            stage="",
            progress=1.0,
            ended_at=timezone.now(),
        )
        if not won:
            raise AttemptStale(f"Attempt {claim.number} no longer owns run {claim.run_id}.")
        Attempt.objects.filter(token=claim.token).update(
            outcome=Attempt.Outcome.PUBLISHED, ended_at=timezone.now(), timings=draft.timings
        )
        actor = draft.run.requested_by
        record(
            "take.published",
            subject=take,
            studio=draft.studio,
            actor=actor,
            run_id=str(claim.run_id),
            shot_id=str(take.shot_id),
            number=take.number,
            state=str(draft.state),
            file_sha256=sha256,
            recipe_sha256=take.recipe_sha256,
        )
        record("run.succeeded", subject=draft.run, studio=draft.studio, attempt=claim.number)
    return take
