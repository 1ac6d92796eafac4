"""Productions, sequences and shots: numbered, within their limits, each change in the ledger."""

from fractions import Fraction
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DataError, IntegrityError

from studio.ledger.models import Entry
from studio.productions.models import Production, Shot
from studio.productions.services import create_production, create_shot, get_or_create_sequence
from tests.studio import factories

pytestmark = pytest.mark.django_db

# What the column's type refuses is a DataError or its own check (unsigned), the rest are ours.
REFUSED = (IntegrityError, DataError)


@pytest.mark.parametrize("raster", [(63, 720), (1280, 63), (4097, 720), (1280, 4097), (0, 0), (-2, 720)])
def test_a_raster_outside_64_to_4096_is_refused_by_the_database(raster: tuple[int, int]) -> None:
    studio = factories.make_studio()
    with pytest.raises(IntegrityError), transaction.atomic():
        create_production(studio, "p", "P", raster=raster)
    assert not Production.objects.exists()
    assert not Entry.objects.filter(event="production.created").exists()


@pytest.mark.parametrize("raster", [(64, 64), (4096, 4096)])
def test_the_limits_themselves_are_allowed(raster: tuple[int, int]) -> None:
    production = create_production(factories.make_studio(), "p", "P", raster=raster)
    assert (production.raster_width, production.raster_height) == raster


@pytest.mark.parametrize("fields", [{"fps_numerator": 0}, {"fps_denominator": 0}, {"fps_numerator": -24}])
def test_a_frame_rate_that_is_no_rate_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(REFUSED), transaction.atomic():
        Production.objects.create(studio=factories.make_studio(), code="p", name="P", **fields)


def test_a_fractional_frame_rate_is_kept_exactly() -> None:
    production = create_production(factories.make_studio(), "p", "P", fps=Fraction(24000, 1001))
    production.refresh_from_db()
    assert production.fps == Fraction(24000, 1001)
    assert Entry.objects.get(event="production.created").details["fps"] == "24000/1001"


def test_a_code_is_used_once_per_studio() -> None:
    north, south = factories.make_studio("north"), factories.make_studio("south")
    create_production(north, "film", "Film")
    create_production(south, "film", "Another studio's film")
    with pytest.raises(IntegrityError, match="production_code_once_per_studio"), transaction.atomic():
        create_production(north, "film", "Film again")


def test_shots_without_a_code_are_numbered_in_steps_of_ten() -> None:
    sequence = factories.make_sequence(factories.make_studio(), "SEQ010")
    shots = [create_shot(sequence) for _ in range(3)]
    assert [shot.code for shot in shots] == ["SEQ010_0010", "SEQ010_0020", "SEQ010_0030"]
    assert [shot.position for shot in shots] == [10, 20, 30]


def test_a_named_shot_takes_its_place_in_the_order_too() -> None:
    sequence = factories.make_sequence(factories.make_studio(), "SEQ010")
    create_shot(sequence, code="opener")
    assert create_shot(sequence).code == "SEQ010_0020"
    assert [shot.code for shot in Shot.objects.all()] == ["opener", "SEQ010_0020"]


def test_a_shot_s_code_is_used_once_per_sequence() -> None:
    studio = factories.make_studio()
    one, two = factories.make_sequence(studio, "ONE"), factories.make_sequence(studio, "TWO")
    create_shot(one, code="a")
    create_shot(two, code="a")
    with pytest.raises(IntegrityError, match="shot_code_once_per_sequence"), transaction.atomic():
        create_shot(one, code="a")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("-inf")])
def test_a_shot_without_a_length_is_refused(seconds: float) -> None:
    sequence = factories.make_sequence(factories.make_studio())
    with pytest.raises(IntegrityError, match="shot_duration_seconds_positive"), transaction.atomic():
        create_shot(sequence, duration_seconds=seconds)


def test_asking_for_a_sequence_again_finds_it_and_writes_nothing() -> None:
    production = factories.make_production(factories.make_studio())
    first = get_or_create_sequence(production, "SEQ010", name="Arrival")
    again = get_or_create_sequence(production, "SEQ010", name="another name")
    assert (again.pk, again.name) == (first.pk, "Arrival")
    assert get_or_create_sequence(production, "SEQ020").position == first.position + 10
    assert Entry.objects.filter(event="sequence.created").count() == 2


def test_each_change_is_one_ledger_entry_by_its_actor() -> None:
    studio = factories.make_studio()
    manager = factories.make_person(studio)
    before = Entry.objects.count()
    production = create_production(studio, "film", "Film", actor=manager)
    sequence = get_or_create_sequence(production, "SEQ010", actor=manager)
    shot = create_shot(sequence, description="words that stay private", actor=manager)
    entries = list(Entry.objects.order_by("pk"))[before:]
    told: list[tuple[Any, ...]] = [
        (entry.event, entry.subject_id, entry.actor_id, entry.studio_id) for entry in entries
    ]
    assert told == [
        ("production.created", str(production.pk), manager.pk, studio.pk),
        ("sequence.created", str(sequence.pk), manager.pk, studio.pk),
        ("shot.created", str(shot.pk), manager.pk, studio.pk),
    ]
    assert not any(b"private" in bytes(entry.canonical) for entry in entries)


def test_a_production_with_sequences_cannot_be_deleted_from_under_them() -> None:
    sequence = factories.make_sequence(factories.make_studio())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM productions_production WHERE id = %s", [sequence.production_id])
    with pytest.raises(IntegrityError, match="foreign key"):
        factories.check_deferred_constraints()
    transaction.set_rollback(True)
