"""A run's row never says two things at once; SQL sees to it."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.utils import DataError, IntegrityError

from studio.runs.models import Attempt, Run
from studio.takes.models import Take
from tests.studio import factories

pytestmark = pytest.mark.django_db

TAKE, TOKEN = "a take", "a token"
HAS_TAKE = "run_has_a_take_exactly_when_it_succeeded"
HAS_TOKEN = "run_has_a_token_exactly_while_it_runs"


@pytest.fixture
def run() -> Run:
    studio = factories.make_studio()
    return factories.make_run(factories.make_shot(studio), factories.make_person(studio))


@pytest.fixture
def take(run: Run) -> Take:
    return factories.make_take(run.shot, run.requested_by)


def write(run: Run, take: Take, fields: dict[str, Any]) -> None:
    stand_ins = {TAKE: take, TOKEN: uuid4()}
    values = {name: stand_ins.get(value, value) for name, value in fields.items()}
    Run.objects.filter(pk=run.pk).update(**values)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "succeeded"}, HAS_TAKE),
        ({"state": "queued", "take": TAKE}, HAS_TAKE),
        ({"state": "failed", "take": TAKE}, HAS_TAKE),
        ({"state": "cancelled", "take": TAKE}, HAS_TAKE),
        ({"state": "running", "attempt_token": TOKEN, "take": TAKE}, HAS_TAKE),
        ({"state": "running"}, HAS_TOKEN),
        ({"state": "queued", "attempt_token": TOKEN}, HAS_TOKEN),
        ({"state": "succeeded", "take": TAKE, "attempt_token": TOKEN}, HAS_TOKEN),
        ({"state": "failed", "attempt_token": TOKEN}, HAS_TOKEN),
        ({"state": "waiting"}, "run_state_known"),
        ({"progress": -0.01}, "run_progress_is_a_share"),
        ({"progress": 1.01}, "run_progress_is_a_share"),
        ({"progress": float("nan")}, "run_progress_is_a_share"),
        ({"width": 0}, "run_asks_for_something"),
        ({"height": 0}, "run_asks_for_something"),
        ({"duration_frames": 0}, "run_asks_for_something"),
        ({"fps_numerator": 0}, "run_asks_for_something"),
    ],
)
def test_a_contradictory_row_is_refused(
    run: Run, take: Take, fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        write(run, take, fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "running", "attempt_token": TOKEN},
        {"state": "succeeded", "take": TAKE},
        {"state": "failed"},
        {"state": "cancelled"},
    ],
)
def test_a_consistent_row_is_accepted(run: Run, take: Take, fields: dict[str, Any]) -> None:
    write(run, take, fields)
    run.refresh_from_db()
    assert run.state == fields["state"]


def test_one_take_answers_one_run(run: Run, take: Take) -> None:
    write(run, take, {"state": "succeeded", "take": TAKE})
    other = factories.make_run(run.shot, run.requested_by)
    with pytest.raises(IntegrityError), transaction.atomic():
        write(other, take, {"state": "succeeded", "take": TAKE})


def test_two_runs_never_share_a_token(run: Run) -> None:
    other = factories.make_run(run.shot, run.requested_by)
    token = uuid4()
    Run.objects.filter(pk=run.pk).update(state="running", attempt_token=token)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=other.pk).update(state="running", attempt_token=token)


def test_an_attempt_s_number_is_used_once(run: Run) -> None:
    fields = {"run": run, "number": 1, "worker": "w", "started_at": run.created_at}
    Attempt.objects.create(token=uuid4(), **fields)
    with pytest.raises(IntegrityError, match="attempt_number_once_per_run"), transaction.atomic():
        Attempt.objects.create(token=uuid4(), **fields)


def test_a_seed_beyond_64_bits_does_not_fit(run: Run) -> None:
    with pytest.raises((DataError, IntegrityError, OverflowError)), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(seed=2**63)
