"""The database publishes a rendition only beside all its proofs, and then lets nobody change any of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.utils import timezone

from studio.ids import uuid7
from studio.takes.models import Rendition, Take
from studio.takes.services import publish_rendition
from tests.studio import factories

pytestmark = pytest.mark.django_db

PROOFS: dict[str, Callable[..., Any]] = {
    "credential": factories.add_credential,
    "watermark": factories.add_watermark_record,
    "gate": factories.add_gate_report,
}
OTHER_BYTES = "0" * 64


@pytest.fixture
def rendition() -> Rendition:
    studio = factories.make_studio()
    artist = factories.make_person(studio)
    return factories.make_rendition(factories.make_take(factories.make_shot(studio), artist))


def commit(rendition: Rendition) -> None:
    publish_rendition(rendition)
    factories.check_deferred_constraints()


def is_servable(rendition: Rendition) -> bool:
    return Rendition.objects.servable().filter(pk=rendition.pk).exists()


def test_with_all_three_proofs_it_is_published(rendition: Rendition) -> None:
    for add in PROOFS.values():
        add(rendition)
    assert not is_servable(rendition)
    commit(rendition)
    assert is_servable(rendition)


def test_the_proofs_may_be_written_after_it_in_the_same_transaction(rendition: Rendition) -> None:
    publish_rendition(rendition)
    for add in PROOFS.values():
        add(rendition)
    factories.check_deferred_constraints()
    assert is_servable(rendition)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("credential", "no credential for these bytes"),
        ("watermark", "no watermark record"),
        ("gate", "no passing gate for these bytes"),
    ],
)
def test_without_one_proof_the_commit_is_refused(rendition: Rendition, missing: str, reason: str) -> None:
    for name, add in PROOFS.items():
        if name != missing:
            add(rendition)
    with pytest.raises(IntegrityError, match=reason), transaction.atomic():
        commit(rendition)
    assert not is_servable(rendition)


@pytest.mark.parametrize(
    ("proof", "fields", "reason"),
    [
        ("credential", {"file_sha256": OTHER_BYTES}, "no credential for these bytes"),
        ("gate", {"file_sha256": OTHER_BYTES}, "no passing gate for these bytes"),
        ("gate", {"passed": False}, "no passing gate for these bytes"),
    ],
)
def test_a_proof_of_something_else_does_not_count(
    rendition: Rendition, proof: str, fields: dict[str, Any], reason: str
) -> None:
    for name, add in PROOFS.items():
        add(rendition, **(fields if name == proof else {}))
    with pytest.raises(IntegrityError, match=reason), transaction.atomic():
        commit(rendition)
    assert not is_servable(rendition)


def test_the_proofs_of_another_rendition_do_not_count(rendition: Rendition) -> None:
    artist = rendition.take.created_by
    other = factories.make_rendition(factories.make_take(rendition.take.shot, artist))
    for add in PROOFS.values():
        add(other)
    with pytest.raises(IntegrityError, match="no credential"), transaction.atomic():
        commit(rendition)


def test_inserting_it_published_from_the_start_is_no_way_around(rendition: Rendition) -> None:
    take = factories.make_take(rendition.take.shot, rendition.take.created_by)
    copy = Rendition.objects.filter(pk=rendition.pk).values().get()
    with pytest.raises(IntegrityError, match="no credential"), transaction.atomic():
        insert_and_commit({**copy, "id": uuid7(), "take_id": take.pk, "published_at": timezone.now()})


def insert_and_commit(fields: dict[str, Any]) -> None:
    Rendition.objects.create(**fields)
    factories.check_deferred_constraints()


@pytest.mark.parametrize("p_false_positive", [1e-5, 1.0, -1e-9])
def test_a_mark_that_was_not_read_back_for_sure_is_no_record(
    rendition: Rendition, p_false_positive: float
) -> None:
    with pytest.raises(IntegrityError, match="watermark_read_back_for_sure"), transaction.atomic():
        factories.add_watermark_record(rendition, p_false_positive=p_false_positive)


@pytest.fixture
def published() -> Rendition:
    studio = factories.make_studio()
    take = factories.make_published_take(factories.make_shot(studio), factories.make_person(studio))
    factories.check_deferred_constraints()
    return take.master


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE takes_rendition SET sha256 = repeat('0', 64)",
        "UPDATE takes_rendition SET storage_name = 'elsewhere.mp4'",
        "UPDATE takes_rendition SET published_at = NULL",
        "UPDATE takes_rendition SET published_at = now()",
        "DELETE FROM takes_rendition",
    ],
)
def test_once_published_a_rendition_never_changes(published: Rendition, change: str) -> None:
    with (
        pytest.raises(IntegrityError, match="is published and can no longer change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
    before = (published.sha256, published.storage_name, published.published_at)
    published.refresh_from_db()
    assert (published.sha256, published.storage_name, published.published_at) == before


@pytest.mark.parametrize(
    "table", ["credentials_credential", "credentials_watermarkrecord", "credentials_gatereport"]
)
@pytest.mark.parametrize(
    "verb", ["DELETE FROM {}", "UPDATE {} SET rendition_id = rendition_id", "TRUNCATE {}"]
)
def test_its_proofs_never_change_either(published: Rendition, table: str, verb: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():  # noqa: SIM117
        with connection.cursor() as cursor:
            cursor.execute(verb.format(table))


def test_before_it_is_published_a_rendition_may_be_removed(rendition: Rendition) -> None:
    rendition.delete()
    assert not Rendition.objects.exists()


def test_a_take_is_numbered_after_the_shot_s_last_one() -> None:
    studio = factories.make_studio()
    artist = factories.make_person(studio)
    one, two = factories.make_shot(studio), factories.make_shot(studio)
    numbers = [factories.make_take(shot, artist).number for shot in (one, one, two, one)]
    assert numbers == [1, 2, 1, 3]
    assert Take.objects.filter(shot=one).first().version == "v003"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"number": 0}, "take_number_from_one"),
        ({"number": 1}, "take_number_once_per_shot"),
        ({"mark_id": "not hex"}, "take_mark_id_is_64_bit_hex"),
        ({"mark_id": "ABCDEF0123456789"}, "take_mark_id_is_64_bit_hex"),
        ({"state": "published"}, "take_state_known"),
    ],
)
def test_a_take_that_cannot_be_is_refused(fields: dict[str, Any], constraint: str) -> None:
    studio = factories.make_studio()
    take = factories.make_take(factories.make_shot(studio), factories.make_person(studio))
    values = {
        "shot": take.shot,
        "number": 2,
        "mark_id": "f" * 16,
        "recipe": {},
        "recipe_sha256": OTHER_BYTES,
        "created_by": take.created_by,
        "created_at": timezone.now(),
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Take.objects.create(**{**values, **fields})


def test_two_takes_never_carry_the_same_mark() -> None:
    studio = factories.make_studio()
    shot, artist = factories.make_shot(studio), factories.make_person(studio)
    factories.make_take(shot, artist, mark_id=5)
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.make_take(shot, artist, mark_id=5)
