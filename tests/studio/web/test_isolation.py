"""Nobody learns anything of another studio: every page, file and API route, walked from the URL configuration.

A route that is in no table here fails the suite: whoever adds one says to whom it belongs.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from studio.ledger.services import record
from studio.references.ingesting import Announced, begin_upload
from studio.references.services import get_or_create_bank, share_bank
from studio.runs.models import Run
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.finished_take import PublishedTake
from tests.studio.web.routes import api_operations, api_routes, page_routes

BACKEND = "django.contrib.auth.backends.ModelBackend"

# Nothing of any studio is behind these; anybody may open them.
PUBLIC = {
    "",
    "healthz",
    "readyz",
    "verify",
    "trust/root.pem",
    "accounts/login/",
    "accounts/logout/",
    "accounts/inactive/",
    "accounts/signup/",
    "api/v1/",
    "api/v1/openapi.json",
}
# These show what the person who is signed in may see; strangers see their own, or nothing.
PERSONAL = {
    "productions",
    "productions/new",
    "references",
    "references/new",
    "audit",
    "audit.csv",
    "accounts/reauthenticate/",
    "accounts/password/change/",
}
# These change something in a studio of the person's own, and show nothing.
ACTIONS = {"references/common"}
# These are about one thing of one studio: 404 for everybody outside of it.
OBJECTS = {
    "productions/<uuid:production_id>": "GET",
    "productions/<uuid:production_id>/mark-profile": "POST",
    "productions/<uuid:production_id>/sequences": "POST",
    "sequences/<uuid:sequence_id>/shots": "POST",
    "shots/<uuid:shot_id>": "GET",
    "shots/<uuid:shot_id>/runs": "POST",
    "runs/<uuid:run_id>": "GET",
    "runs/<uuid:run_id>/cancel": "POST",
    "renditions/<uuid:rendition_id>/content": "GET",
    "renditions/<uuid:rendition_id>/download": "GET",
    "takes/<uuid:take_id>": "GET",
    "takes/<uuid:take_id>/manifest.c2pa": "GET",
    "references/<uuid:bank_id>": "GET",
    "references/<uuid:bank_id>/settings": "GET",
    "references/<uuid:bank_id>/shares": "POST",
    "references/<uuid:bank_id>/shares/<uuid:studio_id>/withdraw": "POST",
    "references/<uuid:bank_id>/export": "GET",
    "references/<uuid:bank_id>/import": "POST",
    "references/<uuid:bank_id>/uploads": "POST",
    "ingests/<uuid:ingest_id>": "GET",
    "ingests/<uuid:ingest_id>/retry": "POST",
    "works/<uuid:work_id>": "GET",
    "works/<uuid:work_id>/standing": "POST",
    "works/<uuid:work_id>/notes": "POST",
    "works/<uuid:work_id>/delete": "POST",
    "work-files/<uuid:work_file_id>": "GET",
    "matches/<uuid:match_id>": "GET",
    "matches/<uuid:match_id>/replay": "GET",
}
API_PUBLIC = {("POST", "/api/v1/verify")}
API_PERSONAL = {("GET", "/api/v1/productions"), ("GET", "/api/v1/banks")}
API_OBJECTS = {
    ("GET", "/api/v1/productions/{production_id}"),
    ("GET", "/api/v1/productions/{production_id}/shots"),
    ("GET", "/api/v1/shots/{shot_id}"),
    ("POST", "/api/v1/shots/{shot_id}/runs"),
    ("GET", "/api/v1/runs/{run_id}"),
    ("POST", "/api/v1/runs/{run_id}/cancel"),
    ("GET", "/api/v1/takes/{take_id}"),
    ("GET", "/api/v1/takes/{take_id}/watermark"),
    ("GET", "/api/v1/banks/{bank_id}"),
    ("GET", "/api/v1/banks/{bank_id}/works"),
    ("POST", "/api/v1/banks/{bank_id}/ingests"),
    ("GET", "/api/v1/works/{work_id}"),
    ("GET", "/api/v1/ingests/{ingest_id}"),
    ("POST", "/api/v1/ingest-files/{ingest_file_id}/parts"),
}

Address = Callable[[str], str]


def test_every_page_route_says_to_whom_it_belongs() -> None:
    assert set(page_routes()) == PUBLIC | PERSONAL | ACTIONS | set(OBJECTS)


def test_every_api_route_says_to_whom_it_belongs_and_is_documented() -> None:
    documented = {(method, path) for method, path, _ in api_operations()}
    assert documented == API_PUBLIC | API_PERSONAL | API_OBJECTS
    assert {re.sub(r"<uuidstr:(\w+)>", r"{\1}", route) for route in api_routes()} == {
        path for _, path in documented
    }


@pytest.fixture
def identifiers(published: PublishedTake) -> dict[str, UUID]:
    """One of everything, all of the same studio."""
    shot = published.shot
    bank = get_or_create_bank(published.studio, "Films")
    work = factories.make_work(bank)
    ingest = begin_upload(bank, [Announced("film.mp4", 1000)], actor=published.artist)
    reader = factories.make_studio("west")
    share_bank(bank, reader.slug)
    return {
        "production_id": shot.sequence.production_id,
        "sequence_id": shot.sequence_id,
        "shot_id": shot.pk,
        "run_id": factories.make_run(shot, published.artist).pk,
        "rendition_id": published.take.master.pk,
        "take_id": published.take.pk,
        "bank_id": bank.pk,
        "studio_id": reader.pk,
        "work_id": work.pk,
        "work_file_id": factories.make_work_file(work).pk,
        "match_id": factories.make_match(published.take, work).pk,
        "ingest_id": ingest.pk,
        "ingest_file_id": ingest.files.get().pk,
    }


@pytest.fixture
def stranger(published: PublishedTake) -> Client:
    """Somebody who may do everything, in another studio."""
    client = Client(headers={"accept": "application/json"})
    studio = factories.make_studio("south")
    client.force_login(factories.make_person(studio, Role.OPERATOR, name="Sam Stranger"), backend=BACKEND)
    return client


@pytest.fixture
def member(published: PublishedTake) -> Client:
    client = Client(headers={"accept": "application/json"})
    person = factories.make_person(published.studio, Role.OPERATOR, name="Otto Operator")
    client.force_login(person, backend=BACKEND)
    return client


def fill(route: str, identifiers: dict[str, UUID], *, missing: bool = False) -> str:
    """The address of a route with its identifiers, or with some that exist nowhere."""
    named = re.sub(r"<uuid:(\w+)>", r"{\1}", route)
    values = {name: uuid4() for name in identifiers} if missing else identifiers
    return "/" + named.format(**values).lstrip("/")


def ask(client: Client, method: str, address: str) -> Any:
    if method == "GET":
        return client.get(address)
    body = {"prompt": "a red car at dusk", "files": [{"name": "film.mp4", "size_bytes": 1}]}
    return client.post(address, data=body, content_type="application/json")


EVERY_OBJECT_ROUTE = [(method, route) for route, method in OBJECTS.items()] + sorted(API_OBJECTS)


@pytest.mark.parametrize(("method", "route"), EVERY_OBJECT_ROUTE)
def test_a_stranger_cannot_tell_what_is_foreign_from_what_is_missing(
    method: str, route: str, identifiers: dict[str, UUID], stranger: Client, member: Client
) -> None:
    foreign = ask(stranger, method, fill(route, identifiers))
    missing = ask(stranger, method, fill(route, identifiers, missing=True))
    assert foreign.status_code == missing.status_code == 404
    assert without_tokens(foreign.content) == without_tokens(missing.content)
    assert ask(member, method, fill(route, identifiers)).status_code not in (401, 403, 404, 500)


def without_tokens(page: bytes) -> bytes:
    """The page without its CSRF token, which is new each time."""
    return re.sub(rb'"X-CSRFToken": "\w+"|name="csrfmiddlewaretoken" value="\w+"', b"", page)


@pytest.mark.parametrize(("method", "route"), EVERY_OBJECT_ROUTE)
def test_nobody_gets_in_without_logging_in(
    method: str, route: str, identifiers: dict[str, UUID], client: Client
) -> None:
    present = ask(client, method, fill(route, identifiers))
    missing = ask(client, method, fill(route, identifiers, missing=True))
    assert present.status_code == missing.status_code
    assert present.status_code in ((401, 403) if route.startswith("/api/") else (302,))


def test_somebody_who_left_the_studio_is_a_stranger_at_once(
    published: PublishedTake, identifiers: dict[str, UUID], member: Client
) -> None:
    address = reverse("take", args=[published.take.pk])
    assert member.get(address).status_code == 200
    published.studio.memberships.exclude(user=published.artist).delete()
    assert member.get(address).status_code == 404


@pytest.mark.parametrize(
    "route", sorted(PERSONAL - {"accounts/reauthenticate/", "accounts/password/change/"})
)
def test_lists_hold_nothing_of_another_studio(
    route: str, published: PublishedTake, identifiers: dict[str, UUID], stranger: Client
) -> None:
    record("take.viewed", subject=published.take, studio=published.studio, actor=published.artist)
    response = stranger.get(f"/{route}")
    assert response.status_code == 200
    page = b"".join(response.streaming_content) if response.streaming else response.content
    assert_nothing_leaks(page.decode(), published, identifiers)


def test_the_api_lists_hold_nothing_of_another_studio(
    published: PublishedTake, identifiers: dict[str, UUID], stranger: Client
) -> None:
    for _, path in API_PERSONAL:
        response = stranger.get(path)
        assert response.status_code == 200
        assert_nothing_leaks(response.content.decode(), published, identifiers)


def test_the_audit_log_cannot_be_asked_about_another_studio(
    published: PublishedTake, identifiers: dict[str, UUID], stranger: Client
) -> None:
    for query in (f"subject_id={published.take.pk}", f"actor={published.artist.pk}", "event=take."):
        response = stranger.get(f"/audit?{query}")
        text = response.content.decode().replace(str(published.take.pk), "")
        assert published.artist.name not in text
        assert "take.published" not in text


def test_a_run_cannot_be_repeated_from_another_studio(
    published: PublishedTake, identifiers: dict[str, UUID], stranger: Client
) -> None:
    own_studio = factories.make_studio("east")
    person = factories.make_person(own_studio)
    own_shot = factories.make_shot(own_studio)
    client = Client()
    client.force_login(person, backend=BACKEND)
    foreign_run = Run.objects.get(pk=identifiers["run_id"])
    assert client.get(f"/shots/{own_shot.pk}?again={foreign_run.pk}").status_code == 404


def assert_nothing_leaks(text: str, published: PublishedTake, identifiers: dict[str, UUID]) -> None:
    production = published.shot.sequence.production
    secrets = [
        production.code,
        published.shot.code,
        published.artist.name,
        published.studio.name,
        *map(str, identifiers.values()),
    ]
    for secret in secrets:
        assert secret not in text
