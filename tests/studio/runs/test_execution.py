"""Whatever becomes of an attempt, its run ends or waits with a reason, and its folder is gone.

The renderers here are stand-ins that only fail, each in one way; the real one is tested in test_renderer.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from studio.errors import SlateError
from studio.runs.attempts import claim_run, return_to_queue
from studio.runs.errors import RendererDied, RunCancelled
from studio.runs.execution import execute_run
from studio.runs.models import Attempt, Run
from studio.runs.rendering import RenderJob
from studio.takes.models import Take
from tests.studio import factories
from tests.studio.runs.jobs import queued_run_ids

pytestmark = pytest.mark.django_db


class StandInPool:
    """Stands in for a RendererPool: its renderer writes half a file and raises what it was given."""

    def __init__(self, fail: Callable[..., None]) -> None:
        self.fail = fail
        self.jobs: list[RenderJob] = []

    def get(self, model: str) -> "StandInPool":
        assert model == "draft"
        return self

    def render(self, job: RenderJob, **callbacks: Any) -> None:
        self.jobs.append(job)
        Path(job.output).write_bytes(b"half a file")
        self.fail(**callbacks)


def raising(error: Exception) -> StandInPool:
    def fail(**_: Any) -> None:
        raise error

    return StandInPool(fail)


@pytest.fixture
def run() -> Run:
    studio = factories.make_studio()
    return factories.make_run(factories.make_shot(studio), factories.make_person(studio))


def execute(run: Run, pool: Any, **options: Any) -> Run:
    ended = execute_run(run.pk, pool=pool, worker="worker", **options)
    assert list(Path(settings.WORK_DIR).iterdir()) == [], "an attempt's folder goes with it"
    assert not Take.objects.exists()
    return ended


def test_a_killed_child_sends_the_run_back_to_the_queue(run: Run) -> None:
    ended = execute(run, raising(RendererDied("It was killed.", "Try a smaller take.")))
    assert (ended.state, ended.attempt_token) == ("queued", None)
    assert queued_run_ids() == [str(run.pk)]
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.reason) == ("lost", "It was killed. Try a smaller take.")


def test_a_child_that_always_dies_fails_the_run_after_three_attempts(run: Run) -> None:
    pool = raising(RendererDied("It was killed.", "Try a smaller take."))
    states = [execute(run, pool).state for _ in range(4)]
    assert states == ["queued", "queued", "failed", "failed"]
    assert len(pool.jobs) == 3, "the fourth call finds nothing to do"
    run.refresh_from_db()
    assert "3 attempts" in run.error_message
    assert "It was killed." in run.error_message


def test_a_refusal_fails_the_run_with_its_own_words(run: Run) -> None:
    ended = execute(run, raising(SlateError("Too dark.", "Add light.", code="render.too_dark")))
    assert (ended.state, ended.error_code) == ("failed", "render.too_dark")
    assert (ended.error_message, ended.error_hint) == ("Too dark.", "Add light.")
    assert queued_run_ids() == []


def test_a_full_disk_fails_the_run_and_says_so(run: Run) -> None:
    ended = execute(run, raising(OSError(28, "No space left on device")))
    assert (ended.state, ended.error_code) == ("failed", "storage.failed")
    assert "No space left" in ended.error_message
    assert ended.error_hint


def test_a_bug_fails_the_run_without_showing_its_insides(run: Run) -> None:
    ended = execute(run, raising(RuntimeError("secret /srv/path")))
    assert (ended.state, ended.error_code) == ("failed", "run.internal")
    assert "secret" not in ended.error_message
    assert "RuntimeError" in ended.error_message
    assert ended.error_hint


def test_a_cancelled_run_ends_as_cancelled(run: Run) -> None:
    ended = execute(run, raising(RunCancelled("The run was cancelled.")))
    assert (ended.state, ended.attempt_token) == ("cancelled", None)
    assert Attempt.objects.get().outcome == "cancelled"


def test_a_worker_that_shuts_down_gives_the_run_back_without_counting(run: Run) -> None:
    pool = raising(RunCancelled("The run was cancelled."))
    for _ in range(4):
        ended = execute(run, pool, worker_stopping=lambda: True)
        assert ended.state == "queued"
    assert Attempt.objects.count() == 4
    assert ended.attempts_started == 0


def test_an_attempt_that_lost_its_run_leaves_it_to_the_other(run: Run) -> None:
    def lose(*, on_progress: Callable[[str, float], None], **_: Any) -> None:
        token = Run.objects.get(pk=run.pk).attempt_token
        assert return_to_queue(run.pk, token, "fell silent", code="run.worker_silent")
        assert claim_run(run.pk, "another worker") is not None
        on_progress("denoising", 0.5)

    ended = execute(run, StandInPool(lose))
    assert (ended.state, ended.attempts_started, ended.stage) == ("running", 2, "starting")
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["lost", "running"]


def test_a_run_that_somebody_else_has_is_left_alone(run: Run) -> None:
    claim = claim_run(run.pk, "another worker")
    assert claim is not None
    pool = raising(AssertionError("must not be asked"))
    ended = execute(run, pool)
    assert (ended.state, ended.attempt_token) == ("running", claim.token)
    assert pool.jobs == []


def test_the_job_carries_the_run_and_the_studio_s_own_key(run: Run) -> None:
    pool = raising(RendererDied("It was killed.", ""))
    execute(run, pool)
    execute(run, pool)
    one, two = pool.jobs
    studio = run.shot.production.studio
    assert (one.prompt, one.seed, one.width, one.height) == (run.prompt, run.seed, 512, 288)
    assert (one.fps, one.duration_frames) == ("24", 48)
    assert one.watermark_key_id == f"{studio.pk}/1"
    assert one.mark_id != two.mark_id, "each attempt marks with a number of its own"
    assert one.output != two.output, "and writes where no other attempt does"
