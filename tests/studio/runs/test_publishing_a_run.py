"""A take comes to exist in one piece, by the attempt that owns its run, and by no other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from studio.credentials.models import Credential, GateReport, WatermarkRecord
from studio.ids import uuid7
from studio.ledger.models import Entry
from studio.references.models import Fingerprint
from studio.runs.attempts import Claim, claim_run, end_attempt, return_to_queue
from studio.runs.errors import AttemptStale
from studio.runs.execution import publish
from studio.runs.models import Attempt, Run
from studio.runs.steps import Draft
from studio.takes.models import Rendition, Take
from studio.takes.storage import sha256_of, storage_name
from tests.studio import factories
from tests.studio.finished_take import HOUSE_ID, PublishedTake

pytestmark = pytest.mark.django_db

ROWS_OF_A_TAKE = (Take, Rendition, Credential, WatermarkRecord, GateReport, Fingerprint)


@pytest.fixture
def run() -> Run:
    house = factories.make_studio("house", pk=HOUSE_ID)
    return factories.make_run(factories.make_shot(house), factories.make_person(house))


def own(finished: Draft, run: Run) -> Draft:
    return replace(finished, run=run, studio=run.shot.production.studio)


def claimed(run: Run) -> Claim:
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    return claim


def publish_file(claim: Claim, draft: Draft) -> Take:
    sha256 = sha256_of(draft.path)
    return publish(claim, draft, sha256, storage_name(sha256, ".mp4"))


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in ROWS_OF_A_TAKE}


def test_all_that_proves_the_take_is_written_with_it(published: PublishedTake, finished: Draft) -> None:
    take, run = published.take, Run.objects.get()
    assert (take.shot_id, take.number, take.created_by_id) == (published.shot.pk, 1, published.artist.pk)
    assert take.mark_id == f"{finished.mark_id:016x}"
    assert (run.state, run.take_id, run.attempt_token, run.progress) == ("succeeded", take.pk, None, 1.0)
    master = take.master
    assert master in Rendition.objects.servable()
    assert master.sha256 == sha256_of(published.path)
    assert master.size_bytes == published.path.stat().st_size
    assert (master.width, master.height, master.fps, master.duration_frames) == (512, 288, 24.0, 48)
    assert master.credential.file_sha256 == master.gate.file_sha256 == master.sha256
    assert master.gate.layers["credential"]["state"] == "trusted"
    assert bytes(master.watermark.payload) == finished.rendered.payload
    assert take.fingerprints.count() == len(finished.rendered.fingerprints) == 8
    attempt = Attempt.objects.get()
    assert attempt.outcome == "published"
    assert {"denoise", "decode", "watermark", "encode"} <= set(attempt.timings)


def test_each_part_is_told_in_the_ledger_without_a_word_of_the_prompt(published: PublishedTake) -> None:
    events = Entry.objects.filter(studio=published.studio).values_list("event", flat=True)
    assert {"credential.issued", "gate.passed", "take.published", "run.succeeded"} <= set(events)
    entry = Entry.objects.get(event="take.published")
    assert entry.details["file_sha256"] == published.take.master.sha256
    assert entry.actor_id == published.artist.pk
    for told in Entry.objects.all():
        assert b"red car" not in bytes(told.canonical)
        assert published.artist.name.encode() not in bytes(told.canonical)


def test_publishing_again_after_a_lost_answer_finds_the_take_there(
    published: PublishedTake, finished: Draft
) -> None:
    before, entries = counts(), Entry.objects.count()
    stale = Claim(Run.objects.get().pk, uuid7(), 1)
    again = publish_file(stale, own(finished, Run.objects.get()))
    assert again.pk == published.take.pk
    assert counts() == before
    assert Entry.objects.count() == entries


def test_a_stale_attempt_publishes_nothing(run: Run, finished: Draft) -> None:
    stale = claimed(run)
    assert return_to_queue(run.pk, stale.token, "fell silent", code="run.worker_silent")
    current = claimed(run)
    entries = Entry.objects.count()
    with pytest.raises(AttemptStale):
        publish_file(stale, own(finished, run))
    assert set(counts().values()) == {0}
    assert Entry.objects.count() == entries
    run.refresh_from_db()
    assert (run.state, run.attempt_token) == ("running", current.token)
    assert Attempt.objects.get(token=stale.token).outcome == "lost"


@pytest.mark.parametrize("state", [Run.State.CANCELLED, Run.State.FAILED])
def test_an_attempt_whose_run_has_ended_publishes_nothing(run: Run, finished: Draft, state: Any) -> None:
    claim = claimed(run)
    assert end_attempt(claim, state, Attempt.Outcome.FAILED)
    with pytest.raises(AttemptStale):
        publish_file(claim, own(finished, run))
    assert set(counts().values()) == {0}
    run.refresh_from_db()
    assert (run.state, run.take_id) == (state, None)


def test_two_attempts_make_one_take_whichever_comes_first(run: Run, finished: Draft) -> None:
    slow = claimed(run)
    assert return_to_queue(run.pk, slow.token, "fell silent", code="run.worker_silent")
    quick = claimed(run)
    take = publish_file(quick, own(finished, run))
    late = replace(own(finished, run), take_id=uuid7(), mark_id=finished.mark_id ^ 1, records=[])
    with pytest.raises(AttemptStale):
        publish_file(slow, late)
    factories.check_deferred_constraints()
    assert Take.objects.get().pk == take.pk
    run.refresh_from_db()
    assert (run.state, run.take_id) == ("succeeded", take.pk)
    assert list(Attempt.objects.values_list("number", "outcome")) == [(1, "lost"), (2, "published")]


def test_a_record_that_cannot_be_written_leaves_nothing_of_the_take(run: Run, finished: Draft) -> None:
    class DiskFull(Exception):
        pass

    def fail(_take: Take, _rendition: Rendition) -> None:
        raise DiskFull

    claim = claimed(run)
    broken = replace(own(finished, run), records=[*finished.records, fail])
    with pytest.raises(DiskFull):
        publish_file(claim, broken)
    assert set(counts().values()) == {0}
    run.refresh_from_db()
    assert (run.state, run.attempt_token) == ("running", claim.token)


def test_without_the_gate_s_record_the_database_refuses_the_commit(run: Run, finished: Draft) -> None:
    claim = claimed(run)
    signed_only = replace(own(finished, run), records=finished.records[:1])
    publish_file(claim, signed_only)
    with pytest.raises(IntegrityError, match="cannot be published: no watermark record"):
        factories.check_deferred_constraints()
    transaction.set_rollback(True)


def test_another_file_under_the_same_proofs_is_refused(run: Run, finished: Draft, tmp_path: Path) -> None:
    swapped = tmp_path / "swapped.mp4"
    swapped.write_bytes(finished.path.read_bytes() + b"\0")
    publish_file(claimed(run), replace(own(finished, run), path=swapped))
    with pytest.raises(IntegrityError, match="no credential for these bytes"):
        factories.check_deferred_constraints()
    transaction.set_rollback(True)
