"""The page of a shot: asking for takes, following runs, and what stays hidden."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from studio.productions.models import Shot
from studio.runs import attempts
from studio.runs.models import Attempt, Run
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.finished_take import PROMPT, PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"hx-request": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def shot(house: Studio) -> Shot:
    return factories.make_shot(house, description="A red car at dusk")


@pytest.fixture
def artist(client: Client, house: Studio) -> Client:
    client.force_login(factories.make_person(house), backend=BACKEND)
    return client


def enter(client: Client, studio: Studio, role: Role) -> Client:
    client.force_login(factories.make_person(studio, role), backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def wish(**changes: object) -> dict[str, object]:
    return {"prompt": "a red car at dusk, camera pans right", "seconds": "2", "seed": "", **changes}


def test_a_prompt_becomes_a_waiting_run_with_a_job_in_the_queue(artist: Client, shot: Shot) -> None:
    answer = artist.post(reverse("run-new", args=[shot.pk]), wish(seed="42"))
    assert (answer.status_code, answer["Location"]) == (303, reverse("shot", args=[shot.pk]))
    run = Run.objects.get()
    assert (run.state, run.seed, run.duration_frames) == ("queued", 42, 48)
    with connection.cursor() as cursor:
        cursor.execute("SELECT args->>'run_id' FROM procrastinate_jobs")
        assert (str(run.pk),) in cursor.fetchall()
    page = text_of(artist.get(answer["Location"]))
    assert f'id="run-{run.pk}"' in page
    assert 'hx-trigger="every 1s"' in page


def test_htmx_gets_the_form_and_the_card_of_the_new_run(artist: Client, shot: Shot) -> None:
    answer = artist.post(reverse("run-new", args=[shot.pk]), wish(), headers=HTMX)
    assert answer.status_code == 202
    page = text_of(answer)
    run = Run.objects.get()
    assert '<form id="ask"' in page
    assert "camera pans right</textarea>" in page
    assert 'hx-swap-oob="afterbegin:#runs"' in page
    assert f'id="run-{run.pk}"' in page
    assert "The run is queued." in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"prompt": " \n "}, "The prompt is empty"),
        ({"prompt": "a\x00b"}, "U+0000"),
        ({"prompt": "x" * 2001}, "has 2001 characters"),
        ({"prompt": "car " * 400}, "tokens"),
        ({"seconds": "0"}, "0.04"),
        ({"seconds": "1e308"}, "86400"),
        ({"seconds": "50000"}, "second"),
        ({"seconds": ""}, "required"),
        ({"seed": "1.5"}, "whole number"),
        ({"seed": str(2**63)}, "less than or equal"),
        ({"negative_prompt": "\x00"}, "U+0000"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_impossible_wish_is_refused_with_the_reason_and_costs_nothing(
    artist: Client, shot: Shot, changes: dict[str, str], reason: str, headers: dict[str, str]
) -> None:
    answer = artist.post(reverse("run-new", args=[shot.pk]), wish(**changes), headers=headers)
    assert answer.status_code == 422
    assert reason in text_of(answer)
    assert not Run.objects.exists()


def test_an_auditor_sees_takes_but_neither_prompts_nor_the_means_to_make_more(
    client: Client, published: PublishedTake
) -> None:
    factories.make_run(published.shot, published.artist, prompt=PROMPT)
    enter(client, published.studio, Role.AUDITOR)
    for address in (
        reverse("shot", args=[published.shot.pk]),
        reverse("take", args=[published.take.pk]),
        reverse("production", args=[published.shot.sequence.production_id]),
    ):
        page = text_of(client.get(address))
        assert PROMPT not in page
        assert "Generate</button>" not in page
    run = Run.objects.filter(state="queued").get()
    assert PROMPT not in text_of(client.get(reverse("run", args=[run.pk]), headers=HTMX))
    assert client.post(reverse("run-new", args=[published.shot.pk]), wish()).status_code == 403
    assert client.post(reverse("run-cancel", args=[run.pk])).status_code == 403
    assert PROMPT not in text_of(client.get(f"/shots/{published.shot.pk}?again={run.pk}"))


def test_a_waiting_run_says_why_it_waits(artist: Client, shot: Shot) -> None:
    person = factories.make_person(shot.production.studio)
    first, second = factories.make_run(shot, person), factories.make_run(shot, person)
    assert "No worker is there" in text_of(artist.get(reverse("run", args=[first.pk]), headers=HTMX))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    assert "Next in line" in text_of(artist.get(reverse("run", args=[first.pk]), headers=HTMX))
    assert "1 run before it" in text_of(artist.get(reverse("run", args=[second.pk]), headers=HTMX))


def test_a_running_run_shows_stage_and_progress_and_is_asked_again(artist: Client, shot: Shot) -> None:
    run = factories.make_run(shot, factories.make_person(shot.production.studio))
    claim = attempts.claim_run(run.pk, "worker")
    assert claim is not None
    attempts.write_progress(claim, "denoising", 0.43)
    page = text_of(artist.get(reverse("run", args=[run.pk]), headers=HTMX))
    assert "Denoising" in page
    assert "43 %" in page
    assert 'value="0.430"' in page
    assert 'hx-trigger="every 1s"' in page


def test_a_failed_run_says_why_offers_its_settings_and_is_not_asked_again(artist: Client, shot: Shot) -> None:
    run = factories.make_run(
        shot, factories.make_person(shot.production.studio), prompt="a blue boat", seed=99
    )
    claim = attempts.claim_run(run.pk, "worker")
    assert claim is not None
    attempts.end_attempt(
        claim,
        Run.State.FAILED,
        Attempt.Outcome.FAILED,
        code="x.y",
        message="No memory.",
        hint="Make it shorter.",
    )
    again = f"/shots/{shot.pk}?again={run.pk}"
    page = text_of(artist.get(reverse("run", args=[run.pk]), headers=HTMX))
    for part in ("Failed", "No memory.", "Make it shorter.", f"{again}#ask"):
        assert part in page
    assert "every 1s" not in page
    form = text_of(artist.get(again))
    assert "a blue boat</textarea>" in form
    assert 'name="seed" value="99"' in form


def test_a_finished_run_brings_its_take_onto_the_page_and_stops_asking(
    client: Client, published: PublishedTake
) -> None:
    run = Run.objects.get(take=published.take)
    client.force_login(published.artist, backend=BACKEND)
    page = text_of(client.get(reverse("run", args=[run.pk]), headers=HTMX))
    assert "every 1s" not in page
    assert 'id="stage"' in page
    assert 'hx-swap-oob="true"' in page
    assert reverse("rendition-content", args=[published.take.master.pk]) in page
    assert 'hx-swap-oob="afterbegin:#takes"' in page
    assert "v001 of ZZTOP_0420 is ready." in page


def test_the_card_of_a_run_is_no_page_of_its_own(artist: Client, shot: Shot) -> None:
    run = factories.make_run(shot, factories.make_person(shot.production.studio))
    assert artist.get(reverse("run", args=[run.pk]))["Location"] == reverse("shot", args=[shot.pk])


def test_a_waiting_run_is_cancelled_at_once_and_only_once(artist: Client, shot: Shot) -> None:
    run = factories.make_run(shot, factories.make_person(shot.production.studio))
    page = text_of(artist.post(reverse("run-cancel", args=[run.pk]), headers=HTMX))
    assert "Cancelled" in page
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert artist.post(reverse("run-cancel", args=[run.pk]), headers=HTMX).status_code == 200
    assert artist.post(reverse("run-cancel", args=[run.pk])).status_code == 303


def test_a_take_is_chosen_by_address_and_the_newest_is_the_default(
    client: Client, published: PublishedTake
) -> None:
    factories.make_take(published.shot, published.artist)
    client.force_login(published.artist, backend=BACKEND)
    address = reverse("shot", args=[published.shot.pk])
    assert 'data-take="2"' in text_of(client.get(address))
    assert "is not published, so there is nothing to play" in text_of(client.get(address))
    stage = text_of(client.get(f"{address}?take=1", headers={**HTMX, "hx-target": "stage"}))
    assert stage.strip().startswith('<section id="stage"')
    assert 'data-take="1"' in stage
    assert "AI-generated" in stage
    for wrong in ("3", "abc", "", "\x00", "1 "):
        assert client.get(address, {"take": wrong}).status_code == 404


@pytest.mark.parametrize("again", ["abc", "\x00", "01234567-89ab-7def-8123-456789abcdef"])
def test_a_run_to_repeat_that_is_none_is_not_found(artist: Client, shot: Shot, again: str) -> None:
    assert artist.get(reverse("shot", args=[shot.pk]), {"again": again}).status_code == 404


def test_the_prompt_box_goes_on_from_the_latest_take(client: Client, published: PublishedTake) -> None:
    client.force_login(published.artist, backend=BACKEND)
    page = text_of(client.get(reverse("shot", args=[published.shot.pk])))
    assert f"{PROMPT}</textarea>" in page
    assert not re.search(r'name="seed" value=', page)


def test_two_hundred_takes_open_in_a_handful_of_queries(
    artist: Client, shot: Shot, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    person = factories.make_person(shot.production.studio)
    for _ in range(200):
        factories.make_take(shot, person)
    with django_assert_max_num_queries(22):
        page = text_of(artist.get(reverse("shot", args=[shot.pk])))
    assert page.count('class="take"') == 200
    assert "v200" in page
