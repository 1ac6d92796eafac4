"""The pages of productions: what they show, and adding to them."""

import re
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse

from studio.ledger.models import Entry
from studio.productions.models import Production, Sequence, Shot
from studio.productions.services import create_shot
from studio.runs.attempts import claim_run, write_progress
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def manager(client: Client, house: Studio) -> Client:
    client.force_login(factories.make_person(house, Role.PRODUCTION_MANAGER), backend=BACKEND)
    return client


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def fields(house: Studio, **changes: object) -> dict[str, object]:
    values = {
        "studio": house.pk,
        "name": "First Light",
        "code": "",
        "raster_width": 1920,
        "raster_height": 1080,
        "fps": "24000/1001",
        "mark_profile": "clean",
    }
    return {**values, **changes}


def test_an_empty_studio_says_what_a_production_is_and_how_to_start(manager: Client) -> None:
    page = text_of(manager.get("/productions"))
    assert "No productions yet" in page
    assert reverse("production-new") in page


def test_somebody_without_a_studio_is_told_whom_to_ask(client: Client) -> None:
    client.force_login(factories.make_person(), backend=BACKEND)
    assert "You belong to no studio" in text_of(client.get("/productions"))


def test_a_manager_makes_a_production_and_lands_on_it(manager: Client, house: Studio) -> None:
    answer = manager.post("/productions/new", fields(house))
    production = Production.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/productions/{production.pk}")
    assert (production.code, production.raster_width, production.fps) == (
        "first-light",
        1920,
        Fraction(24000, 1001),
    )
    assert Entry.objects.filter(event="production.created", subject_id=str(production.pk)).count() == 1
    assert "23.976 fps" in text_of(manager.get(answer["Location"]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": ""}, "The name is empty"),
        ({"name": "a\x00b"}, "U+0000"),
        ({"name": "x" * 201}, "has 201 characters"),
        ({"name": "映画"}, "Give a code of letters"),
        ({"code": "y" * 41}, "has 41 characters"),
        ({"raster_width": 1921}, "1921 is odd"),
        ({"raster_width": 10}, "greater than or equal to 64"),
        ({"raster_height": "9" * 5000}, "whole number"),
        ({"fps": "1000"}, "not one of the available"),
        ({"studio": "\x00"}, "valid"),
    ],
)
def test_an_impossible_production_is_refused_with_the_reason_and_nothing_is_made(
    manager: Client, house: Studio, changes: dict[str, object], reason: str
) -> None:
    response = manager.post("/productions/new", fields(house, **changes))
    assert response.status_code == 422
    if "studio" not in changes:
        assert reason in text_of(response)
    assert not Production.objects.exists()


def test_a_code_is_given_once_per_studio(manager: Client, house: Studio) -> None:
    factories.make_production(house, "first-light")
    response = manager.post("/productions/new", fields(house))
    assert response.status_code == 422
    assert "has a production first-light already" in text_of(response)


def test_a_production_cannot_be_made_in_somebody_elses_studio(manager: Client) -> None:
    other = factories.make_studio("south")
    assert manager.post("/productions/new", fields(other)).status_code == 422
    assert not Production.objects.exists()


@pytest.mark.parametrize("role", [Role.ARTIST, Role.SUPERVISOR, Role.AUDITOR])
def test_only_managers_and_operators_add_to_productions(client: Client, house: Studio, role: Role) -> None:
    sequence = factories.make_sequence(house)
    client.force_login(factories.make_person(house, role), backend=BACKEND)
    page = text_of(client.get(reverse("production", args=[sequence.production_id])))
    assert "New shot" not in page
    assert "New sequence" not in page
    for address in (
        reverse("production-new"),
        reverse("sequence-new", args=[sequence.production_id]),
        reverse("shot-new", args=[sequence.pk]),
    ):
        assert client.post(address, {"code": "X", "name": "X", "duration_seconds": 1}).status_code == 403
    assert not Shot.objects.exists()


def test_sequences_and_shots_are_added_in_order(manager: Client, house: Studio) -> None:
    production = factories.make_production(house)
    manager.post(reverse("sequence-new", args=[production.pk]), {"code": "SEQ010", "name": "Arrival"})
    sequence = Sequence.objects.get()
    for description in ("A car", "A boat"):
        answer = manager.post(
            reverse("shot-new", args=[sequence.pk]), {"description": description, "duration_seconds": "2.5"}
        )
    last = Shot.objects.get(description="A boat")
    assert answer["Location"] == reverse("shot", args=[last.pk])
    page = text_of(manager.get(reverse("production", args=[production.pk])))
    assert page.index("SEQ010_0010") < page.index("SEQ010_0020")
    assert "2 shots" in page
    assert "2.5 s" in page


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"duration_seconds": "0"}, "greater than or equal to 0.04"),
        ({"duration_seconds": "nan"}, "Enter a number"),
        ({"duration_seconds": "1e9"}, "less than or equal to 600"),
        ({"code": "TAKEN"}, "already"),
        ({"description": "a\x00"}, "U+0000"),
        ({"description": "x" * 2001}, "has 2001 characters"),
    ],
)
def test_an_impossible_shot_is_refused_on_the_same_page(
    manager: Client, house: Studio, values: dict[str, str], reason: str
) -> None:
    shot = factories.make_shot(house, code="TAKEN")
    response = manager.post(reverse("shot-new", args=[shot.sequence_id]), {"duration_seconds": "2", **values})
    assert response.status_code == 422
    assert reason in text_of(response)
    assert "<details open>" in text_of(response)
    assert Shot.objects.count() == 1


def test_a_shot_without_a_code_gets_a_free_one_that_fits(manager: Client, house: Studio) -> None:
    sequence = factories.make_sequence(house, "S" * 40)
    create_shot(sequence, code="S" * 35 + "_0020")
    answer = manager.post(reverse("shot-new", args=[sequence.pk]), {"duration_seconds": "2"})
    assert answer.status_code == 303
    assert Shot.objects.order_by("position").last().code == "S" * 35 + "_0030"


def test_a_sequence_is_not_added_twice(manager: Client, house: Studio) -> None:
    sequence = factories.make_sequence(house)
    response = manager.post(reverse("sequence-new", args=[sequence.production_id]), {"code": sequence.code})
    assert response.status_code == 422
    assert "There is a sequence SEQ010 already" in text_of(response)


def test_a_shot_shows_its_newest_published_take_and_the_run_under_way(
    client: Client, published: PublishedTake
) -> None:
    # A newer take without a published file must not become the picture.
    factories.make_rendition(factories.make_take(published.shot, published.artist))
    run = factories.make_run(published.shot, published.artist)
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    write_progress(claim, "denoising", 0.43)
    client.force_login(published.artist, backend=BACKEND)
    for address in ("/productions", reverse("production", args=[published.shot.sequence.production_id])):
        page = text_of(client.get(address))
        assert reverse("rendition-content", args=[published.take.master.pk]) in page
        assert page.count("<video") == 1
        assert "2 takes" in page
    assert "v001" in page
    assert 'value="0.430"' in page


def test_the_queries_of_a_production_do_not_grow_with_its_shots(
    manager: Client, house: Studio, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    sequence = factories.make_sequence(house)
    artist = factories.make_person(house)
    for _ in range(12):
        shot = factories.make_shot(house)
        factories.make_published_take(shot, artist)
        factories.make_run(shot, artist)
    with django_assert_max_num_queries(12):
        assert manager.get(reverse("production", args=[sequence.production_id])).status_code == 200
    with django_assert_max_num_queries(12):
        assert manager.get("/productions").status_code == 200


def test_names_as_long_as_they_may_be_are_shown_whole(manager: Client, house: Studio) -> None:
    name = "W" * 200
    manager.post("/productions/new", fields(house, name=name, code="w"))
    assert name in text_of(manager.get("/productions"))


def test_what_people_enter_is_never_taken_for_markup(manager: Client, house: Studio) -> None:
    manager.post("/productions/new", fields(house, name="<script>alert(1)</script>", code="x"))
    page = manager.get("/productions").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_manager_chooses_how_strongly_takes_are_marked(manager: Client, house: Studio) -> None:
    manager.post("/productions/new", fields(house, mark_profile="robust"))
    production = Production.objects.get()
    assert production.mark_profile == "robust"
    address = reverse("mark-profile", args=[production.pk])
    assert manager.post(address, {"mark_profile": "archive"}).status_code == 303
    production.refresh_from_db()
    assert production.mark_profile == "archive"
    entry = Entry.objects.get(event="production.mark_profile_changed")
    assert entry.details == {"before": "robust", "after": "archive"}
    assert "Watermark: archive" in text_of(manager.get(reverse("production", args=[production.pk])))


def test_choosing_the_same_profile_again_changes_nothing(manager: Client, house: Studio) -> None:
    production = factories.make_production(house)
    manager.post(reverse("mark-profile", args=[production.pk]), {"mark_profile": "clean"})
    assert not Entry.objects.filter(event="production.mark_profile_changed").exists()


@pytest.mark.parametrize("profile", ["", "loud", "CLEAN", "\x00"])
def test_an_unknown_profile_is_refused(manager: Client, house: Studio, profile: str) -> None:
    production = factories.make_production(house)
    response = manager.post(reverse("mark-profile", args=[production.pk]), {"mark_profile": profile})
    assert response.status_code == 422
    production.refresh_from_db()
    assert production.mark_profile == "clean"
    assert manager.post("/productions/new", fields(house, mark_profile=profile)).status_code == 422


def test_an_artist_may_not_choose_how_takes_are_marked(client: Client, house: Studio) -> None:
    production = factories.make_production(house)
    client.force_login(factories.make_person(house, Role.ARTIST), backend=BACKEND)
    response = client.post(reverse("mark-profile", args=[production.pk]), {"mark_profile": "robust"})
    assert response.status_code == 403
    assert "Watermark:" not in text_of(client.get(reverse("production", args=[production.pk])))
