"""One attempt at a time owns a run; whoever lost it writes nothing, and no run is tried for ever."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from studio.ledger.models import Entry
from studio.runs.attempts import (
    Claim,
    Heartbeat,
    claim_run,
    end_attempt,
    machine_name,
    recover_runs_of_dead_workers,
    recover_silent_runs,
    return_to_queue,
    worker_name,
    write_progress,
)
from studio.runs.errors import AttemptStale
from studio.runs.models import Attempt, Run
from tests.studio import factories
from tests.studio.runs.jobs import queued_run_ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    studio = factories.make_studio()
    return factories.make_run(factories.make_shot(studio), factories.make_person(studio))


def claimed(run: Run, worker: str = "worker") -> Claim:
    claim = claim_run(run.pk, worker)
    assert claim is not None
    run.refresh_from_db()
    return claim


def row(run: Run) -> dict[str, object]:
    return Run.objects.filter(pk=run.pk).values().get()


class TestClaiming:
    def test_a_waiting_run_is_claimed_once(self, run: Run) -> None:
        claim = claimed(run)
        assert (run.state, run.attempt_token, run.attempts_started) == ("running", claim.token, 1)
        assert run.heartbeat_at is not None
        assert claim_run(run.pk, "another worker") is None
        assert Attempt.objects.get().token == claim.token

    @pytest.mark.parametrize("state", ["failed", "cancelled"])
    def test_an_ended_run_is_not_claimed(self, run: Run, state: str) -> None:
        Run.objects.filter(pk=run.pk).update(state=state)
        assert claim_run(run.pk, "worker") is None
        assert not Attempt.objects.exists()

    def test_a_run_that_does_not_exist_is_not_claimed(self, run: Run) -> None:
        assert claim_run(uuid4(), "worker") is None

    def test_the_first_start_is_remembered_when_a_run_is_claimed_again(self, run: Run) -> None:
        first = claimed(run)
        started_at = run.started_at
        return_to_queue(run.pk, first.token, "lost", code="x")
        second = claimed(run)
        assert (second.number, run.started_at) == (2, started_at)


class TestFencing:
    @pytest.fixture
    def stale(self, run: Run) -> Claim:
        """A claim whose run went on to another attempt."""
        stale = claimed(run)
        assert return_to_queue(run.pk, stale.token, "it fell silent", code="run.worker_silent")
        claimed(run)
        return stale

    def test_a_stale_attempt_s_progress_is_refused(self, run: Run, stale: Claim) -> None:
        before = row(run)
        with pytest.raises(AttemptStale):
            write_progress(stale, "denoising", 0.5)
        assert row(run) == before

    def test_a_stale_attempt_cannot_end_the_run(self, run: Run, stale: Claim) -> None:
        before, entries = row(run), Entry.objects.count()
        assert not end_attempt(stale, Run.State.FAILED, Attempt.Outcome.FAILED, message="mine")
        assert not end_attempt(stale, Run.State.CANCELLED, Attempt.Outcome.CANCELLED)
        assert row(run) == before
        assert Entry.objects.count() == entries
        assert Attempt.objects.get(token=stale.token).outcome == Attempt.Outcome.LOST

    def test_a_stale_attempt_cannot_return_the_run(self, run: Run, stale: Claim) -> None:
        before, jobs = row(run), queued_run_ids()
        assert not return_to_queue(run.pk, stale.token, "mine", code="x")
        assert row(run) == before
        assert queued_run_ids() == jobs

    def test_a_stale_heartbeat_learns_that_it_lost(self, run: Run, stale: Claim) -> None:
        before = row(run)
        heartbeat = Heartbeat(stale)
        heartbeat.beat()
        assert heartbeat.lost.is_set()
        assert row(run) == before


class TestBeating:
    def test_a_heartbeat_keeps_the_run_alive(self, run: Run) -> None:
        claim = claimed(run)
        long_ago = timezone.now() - timedelta(seconds=settings.SLATE_HEARTBEAT_S + 1)
        Run.objects.filter(pk=run.pk).update(heartbeat_at=long_ago)
        heartbeat = Heartbeat(claim)
        heartbeat.beat()
        run.refresh_from_db()
        assert run.heartbeat_at is not None
        assert run.heartbeat_at > long_ago
        assert not heartbeat.lost.is_set()
        assert not heartbeat.cancelled.is_set()

    def test_a_heartbeat_learns_of_a_cancel(self, run: Run) -> None:
        claim = claimed(run)
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())
        heartbeat = Heartbeat(claim)
        heartbeat.beat()
        assert heartbeat.cancelled.is_set()

    def test_progress_outside_the_bar_is_kept_within(self, run: Run) -> None:
        claim = claimed(run)
        for given, kept in ((-1.0, 0.0), (0.25, 0.25), (7.0, 1.0)):
            write_progress(claim, "denoising", given)
            run.refresh_from_db()
            assert (run.stage, run.progress) == ("denoising", kept)


class TestEnding:
    def test_a_failed_run_says_why(self, run: Run) -> None:
        claim = claimed(run)
        assert end_attempt(
            claim, Run.State.FAILED, Attempt.Outcome.FAILED, code="c", message="It broke.", hint="Mend it."
        )
        run.refresh_from_db()
        assert (run.state, run.attempt_token) == ("failed", None)
        assert (run.error_code, run.error_message, run.error_hint) == ("c", "It broke.", "Mend it.")
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.reason) == ("failed", "It broke.")
        assert attempt.ended_at is not None
        assert Entry.objects.get(event="run.failed").details == {"attempt": 1, "code": "c"}

    def test_a_lost_attempt_gives_the_run_another_job(self, run: Run) -> None:
        claim = claimed(run)
        write_progress(claim, "rendering", 0.7)
        assert return_to_queue(run.pk, claim.token, "it was killed", code="run.renderer_died")
        run.refresh_from_db()
        assert (run.state, run.attempt_token, run.stage, run.progress) == ("queued", None, "", 0.0)
        assert queued_run_ids() == [str(run.pk)]
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.reason) == ("lost", "it was killed")

    def test_after_three_lost_attempts_the_run_fails_with_the_reason(self, run: Run) -> None:
        for number in (1, 2, 3):
            claim = claimed(run)
            assert claim.number == number
            assert return_to_queue(run.pk, claim.token, f"loss {number}", code="run.renderer_died")
        run.refresh_from_db()
        assert (run.state, run.error_code) == ("failed", "run.renderer_died")
        assert "3 attempts" in run.error_message
        assert "loss 3" in run.error_message
        assert run.error_hint
        assert len(queued_run_ids()) == 2, "the third loss queues nothing"
        assert claim_run(run.pk, "worker") is None
        assert Entry.objects.filter(event="run.failed").count() == 1

    def test_an_orderly_shutdown_costs_no_attempt(self, run: Run) -> None:
        for _ in range(5):
            claim = claimed(run)
            assert return_to_queue(run.pk, claim.token, "stopping", code="run.worker_stopping", counts=False)
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED
        for number in (1, 2):
            claim = claimed(run)
            assert return_to_queue(run.pk, claim.token, "killed", code="run.renderer_died"), number
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED, "two losses and five shutdowns are not three losses"

    def test_a_lost_run_that_was_to_be_cancelled_is_cancelled(self, run: Run) -> None:
        claim = claimed(run)
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())
        assert return_to_queue(run.pk, claim.token, "killed", code="run.renderer_died")
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
        assert queued_run_ids() == []


class TestRecovery:
    def test_a_silent_run_goes_back_to_the_queue_and_a_live_one_stays(self, run: Run) -> None:
        live = factories.make_run(run.shot, run.requested_by)
        claimed(run)
        live_claim = claimed(live)
        silent_since = timezone.now() - timedelta(seconds=settings.SLATE_STALLED_AFTER_S + 1)
        Run.objects.filter(pk=run.pk).update(heartbeat_at=silent_since)
        assert recover_silent_runs() == 1
        run.refresh_from_db()
        live.refresh_from_db()
        assert (run.state, live.state) == ("queued", "running")
        assert live.attempt_token == live_claim.token
        assert "silent" in Attempt.objects.get(run=run).reason
        assert recover_silent_runs() == 0

    def test_the_run_of_a_killed_worker_comes_back_at_once(self, run: Run) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        claimed(run, f"{machine_name()}:{gone.pid}")
        assert recover_runs_of_dead_workers() == 1
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED
        assert queued_run_ids() == [str(run.pk)]

    def test_runs_of_living_workers_and_of_other_machines_are_left_alone(self, run: Run) -> None:
        elsewhere = factories.make_run(run.shot, run.requested_by)
        assert worker_name() == f"{machine_name()}:{os.getpid()}"
        claimed(run, worker_name())
        claimed(elsewhere, "another-host:0badf00d:1")
        assert recover_runs_of_dead_workers() == 0
        for one in (run, elsewhere):
            one.refresh_from_db()
            assert one.state == Run.State.RUNNING


def test_a_run_returned_by_a_worker_gets_its_job_in_the_same_transaction(run: Run) -> None:
    """Seen before its run is queued again, the job would end with nothing done, and the run wait for ever."""
    claim = claimed(run)
    worker_connector: Any = app.connector
    with app.replace_connector(worker_connector.get_worker_connector()), transaction.atomic():
        assert return_to_queue(run.pk, claim.token, "its worker is gone", code="run.lost")
        assert queued_run_ids() == [str(run.pk)]
        transaction.set_rollback(True)
    assert queued_run_ids() == []
    assert row(run)["state"] == Run.State.RUNNING
