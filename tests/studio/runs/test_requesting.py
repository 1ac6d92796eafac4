"""A run is asked for with its job in one transaction; what cannot work is refused and leaves nothing."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from studio.accounts.models import User
from studio.errors import NotAllowed, SlateError
from studio.ledger.models import Entry
from studio.productions.models import Shot
from studio.runs.errors import RunEnded
from studio.runs.models import Run
from studio.runs.services import cancel_run, frames_for, request_run
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.runs.jobs import queued_run_ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def shot() -> Shot:
    return factories.make_shot(factories.make_studio())


@pytest.fixture
def artist(shot: Shot) -> User:
    return factories.make_person(shot.production.studio)


def ask(shot: Shot, actor: User, **fields: Any) -> Run:
    return request_run(shot, actor=actor, **{"prompt": "a red car", "seconds": 2.0, **fields})


def assert_nothing_was_written(entries_before: int) -> None:
    assert not Run.objects.exists()
    assert queued_run_ids() == []
    assert Entry.objects.count() == entries_before


def test_a_run_waits_with_a_job_and_a_ledger_entry(shot: Shot, artist: User) -> None:
    run = ask(shot, artist, prompt="  a red car \n", seconds=4.5, seed=11)
    run.refresh_from_db()
    assert (run.state, run.prompt, run.seed) == ("queued", "a red car", 11)
    assert (run.width, run.height) == (512, 288), "the production's delivery raster"
    assert run.duration_frames == 108
    assert queued_run_ids() == [str(run.pk)]
    entry = Entry.objects.get(event="run.queued")
    assert (entry.subject_id, entry.actor_id) == (str(run.pk), artist.pk)
    assert b"red car" not in bytes(entry.canonical)


def test_rolling_back_leaves_neither_run_nor_job(shot: Shot, artist: User) -> None:
    before = Entry.objects.count()
    with transaction.atomic():
        run = ask(shot, artist)
        assert queued_run_ids() == [str(run.pk)]
        transaction.set_rollback(True)
    assert_nothing_was_written(before)


def test_a_run_that_is_not_dispatched_has_no_job(shot: Shot, artist: User) -> None:
    ask(shot, artist, dispatch=False)
    assert Run.objects.count() == 1
    assert queued_run_ids() == []


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (4096, 4096)])
def test_the_smallest_and_the_largest_size_are_allowed(
    shot: Shot, artist: User, size: tuple[int, int]
) -> None:
    run = ask(shot, artist, size=size, dispatch=False)
    assert (run.width, run.height) == size


def test_without_a_seed_each_run_gets_its_own(shot: Shot, artist: User) -> None:
    assert len({ask(shot, artist, dispatch=False).seed for _ in range(5)}) == 5


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "empty prompt": ({"prompt": ""}, "empty"),
    "white space": ({"prompt": " \n\t\u2003"}, "empty"),
    "over-long prompt": ({"prompt": "a " * 1001}, "2001 characters"),
    "more tokens than the model reads": ({"prompt": "word " * 390}, "tokens"),
    "NUL": ({"prompt": "a red\0car"}, "U+0000"),
    "escape character": ({"prompt": "a red\x1b[2Jcar"}, "U+001B"),
    "lone surrogate": ({"prompt": "a red \ud83d car"}, "U+D83D"),
    "NUL in what to leave out": ({"negative_prompt": "\0"}, "U+0000"),
    "over-long negative prompt": ({"negative_prompt": "b" * 2001}, "2001 characters"),
    "no width": ({"size": (0, 288)}, "0x288"),
    "no height": ({"size": (512, 0)}, "512x0"),
    "negative size": ({"size": (-512, 288)}, "-512"),
    "odd width": ({"size": (513, 288)}, "odd"),
    "odd height": ({"size": (512, 289)}, "odd"),
    "too wide": ({"size": (5000, 288)}, "5000"),
    "too narrow for a mark": ({"size": (318, 180)}, "318x180"),
    "too low for a mark": ({"size": (320, 178)}, "320x178"),
    "no seconds": ({"seconds": 0.0}, "0.0 seconds"),
    "negative seconds": ({"seconds": -1.0}, "-1.0 seconds"),
    "not a number": ({"seconds": float("nan")}, "nan seconds"),
    "infinity": ({"seconds": float("inf")}, "inf seconds"),
    "negative infinity": ({"seconds": float("-inf")}, "-inf seconds"),
    "thirty years": ({"seconds": 1e9}, "1000000000.0 seconds"),
    "longer than the model goes": ({"seconds": 61.0}, "1464 frames"),
    "seed over 64 bits": ({"seed": 2**64}, "18446744073709551616"),
    "seed of 64 bits, unsigned": ({"seed": 2**63}, "9223372036854775808"),
    "negative seed": ({"seed": -1}, "-1"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_made_is_refused_with_what_would_be_right(shot: Shot, artist: User, case: str) -> None:
    fields, told = REFUSALS[case]
    before = Entry.objects.count()
    with pytest.raises(SlateError) as refusal:
        ask(shot, artist, **fields)
    error = refusal.value
    assert told in error.message
    assert error.hint
    assert error.code != SlateError.code
    assert error.status in (400, 422)
    error.render().encode()  # a page, a terminal and a log must be able to show it
    assert_nothing_was_written(before)


def test_a_production_s_own_raster_may_be_too_odd_for_a_video(artist: User, shot: Shot) -> None:
    studio = shot.production.studio
    odd = factories.make_production(studio, "odd", raster=(513, 289))
    sequence = factories.get_or_create_sequence(odd, "S")
    with pytest.raises(SlateError, match="odd"):
        ask(factories.create_shot(sequence), artist)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (None, "no folder"),
        ({}, "model_index.json"),
        ({"model_index.json": "not json"}, "cannot be read"),
        ({"model_index.json": "[]"}, "cannot be read"),
        ({"model_index.json": json.dumps({"_class_name": "StableDiffusionPipeline"})}, "makes no video"),
        (
            {"model_index.json": json.dumps({"_class_name": "LTXPipeline", "vae": ["os", "system"]})},
            "not loaded for a checkpoint",
        ),
    ],
)
def test_a_model_that_is_none_is_refused(
    shot: Shot, artist: User, settings: Any, tmp_path: Path, files: dict[str, str] | None, told: str
) -> None:
    folder = tmp_path / "model"
    if files is not None:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
    settings.SLATE_MODEL = str(folder)
    before = Entry.objects.count()
    with pytest.raises(SlateError, match=told) as refusal:
        ask(shot, artist)
    assert refusal.value.hint
    assert_nothing_was_written(before)


def test_a_hub_id_that_is_not_on_this_machine_is_refused(shot: Shot, artist: User, settings: Any) -> None:
    settings.SLATE_MODEL = "nobody-here/no-such-checkpoint"
    with pytest.raises(SlateError, match="not on this machine") as refusal:
        ask(shot, artist)
    assert "hf download" in refusal.value.hint


def test_an_auditor_may_not_ask_for_a_run(shot: Shot) -> None:
    auditor = factories.make_person(shot.production.studio, Role.AUDITOR)
    before = Entry.objects.count()
    with pytest.raises(NotAllowed) as refusal:
        ask(shot, auditor)
    assert refusal.value.message
    assert refusal.value.hint
    assert_nothing_was_written(before)


def test_somebody_of_another_studio_may_not_either(shot: Shot) -> None:
    outsider = factories.make_person(factories.make_studio("south"), Role.OPERATOR)
    with pytest.raises(NotAllowed):
        ask(shot, outsider)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [
        (2.0, Fraction(24), 48),
        (1e-6, Fraction(24), 1),
        (1.0, Fraction(24000, 1001), 24),
        (10.0, Fraction(30000, 1001), 300),
    ],
)
def test_seconds_become_whole_frames_and_at_least_one(seconds: float, fps: Fraction, frames: int) -> None:
    assert frames_for(seconds, fps) == frames


class TestCancelling:
    def test_a_waiting_run_ends_at_once(self, shot: Shot, artist: User) -> None:
        run = ask(shot, artist)
        cancel_run(run, actor=artist)
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
        assert run.ended_at is not None
        assert Entry.objects.filter(event="run.cancelled", subject_id=str(run.pk)).count() == 1

    def test_a_running_one_is_asked_to_stop_and_keeps_its_attempt(self, shot: Shot, artist: User) -> None:
        from studio.runs.attempts import claim_run

        run = ask(shot, artist)
        claim = claim_run(run.pk, "worker")
        assert claim is not None
        cancel_run(run, actor=artist)
        cancel_run(run, actor=artist)
        run.refresh_from_db()
        assert (run.state, run.attempt_token) == (Run.State.RUNNING, claim.token)
        assert run.cancel_requested_at is not None
        assert Entry.objects.filter(event="run.cancel_requested").count() == 1, "asking twice is one event"

    @pytest.mark.parametrize("state", ["failed", "cancelled", "succeeded"])
    def test_an_ended_run_cannot_be_cancelled(self, shot: Shot, artist: User, state: str) -> None:
        run = ask(shot, artist)
        take = factories.make_take(shot, artist) if state == "succeeded" else None
        Run.objects.filter(pk=run.pk).update(state=state, take=take)
        with pytest.raises(RunEnded) as refusal:
            cancel_run(run, actor=artist)
        assert refusal.value.status == 409
        assert refusal.value.hint
        run.refresh_from_db()
        assert (run.state, run.cancel_requested_at) == (state, None)

    def test_an_auditor_may_not_cancel(self, shot: Shot, artist: User) -> None:
        run = ask(shot, artist)
        with pytest.raises(NotAllowed):
            cancel_run(run, actor=factories.make_person(shot.production.studio, Role.AUDITOR))
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED
