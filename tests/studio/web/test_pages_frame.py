"""The frame around every page: the way in, errors, and what the browser is told about scripts."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.django_db


def test_the_front_door_leads_strangers_to_verify_and_members_to_their_work(client: Client) -> None:
    assert client.get("/")["Location"] == "/verify"
    client.force_login(factories.make_person(), backend=BACKEND)
    assert client.get("/")["Location"] == "/productions"


def test_somebody_logs_in_with_mail_address_and_password_and_out_again(client: Client) -> None:
    studio = factories.make_studio()
    person = factories.make_person(studio, Role.ARTIST)
    person.set_password(PASSWORD)
    person.save()
    wanted = "/references"
    assert client.get(wanted)["Location"] == f"/accounts/login/?next={wanted.replace('/', '%2F')}"
    form = client.get("/accounts/login/", {"next": wanted}).content.decode()
    assert f'name="next" value="{wanted}"' in form
    answer = client.post(
        "/accounts/login/", {"login": person.email.upper(), "password": PASSWORD, "next": wanted}
    )
    assert answer["Location"] == wanted
    page = client.get(wanted).content.decode()
    assert person.name in page
    assert "Artist" in page
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get(wanted).status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"login": "nobody@mail.example", "password": PASSWORD},
        {"login": "nobody\x00@mail.example", "password": PASSWORD},
        {"login": "a" * 5000 + "@mail.example", "password": PASSWORD},
        {"login": "nobody@mail.example", "password": "\x00"},
        {"login": "", "password": ""},
        {},
    ],
)
def test_a_wrong_log_in_shows_the_form_again_with_a_reason(client: Client, fields: dict[str, str]) -> None:
    page = client.post("/accounts/login/", fields)
    assert page.status_code == 200
    assert b"error" in page.content


def test_nobody_signs_up_by_themselves(client: Client) -> None:
    assert b"no sign-up" in client.get("/accounts/signup/").content
    client.post("/accounts/signup/", {"email": "new@mail.example", "password1": PASSWORD})
    from studio.accounts.models import User

    assert not User.objects.filter(email="new@mail.example").exists()


@pytest.mark.parametrize(
    "address", ["/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/inactive/"]
)
def test_the_remaining_account_pages_open_in_the_same_frame(client: Client, address: str) -> None:
    person = factories.make_person()
    person.set_password(PASSWORD)
    person.save()
    client.force_login(person, backend=BACKEND)
    page = client.get(address)
    assert page.status_code == 200
    assert b"slate.css" in page.content


def test_somebody_changes_their_own_password(client: Client) -> None:
    person = factories.make_person()
    person.set_password(PASSWORD)
    person.save()
    client.force_login(person, backend=BACKEND)
    new = "another long password"
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert answer.status_code == 302
    person.refresh_from_db()
    assert person.check_password(new)


def test_a_missing_page_says_so_in_page_fragment_and_api(client: Client) -> None:
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert b"<html" in page.content
    fragment = client.get("/nothing/here", headers={"hx-request": "true"})
    assert fragment.status_code == 404
    assert b"<html" not in fragment.content
    assert b"page.not_found" in fragment.content
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "page.not_found"


def test_a_form_without_its_token_is_refused_with_the_way_out() -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.post("/accounts/login/", {"login": "a@mail.example", "password": "b"})
    assert page.status_code == 403
    assert b"reload the page" in page.content


def test_the_page_for_our_own_faults_needs_nothing_to_be_shown() -> None:
    page = get_template("500.html").render({})
    assert "Something broke" in page
    assert "{%" not in page


def test_a_fragment_asked_for_after_the_session_ended_moves_the_whole_page(client: Client) -> None:
    shot = factories.make_shot(factories.make_studio())
    answer = client.get(
        f"/shots/{shot.pk}",
        headers={"hx-request": "true", "hx-current-url": f"http://testserver/shots/{shot.pk}?take=2"},
    )
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/accounts/login/?next=%2Fshots%2F{shot.pk}%3Ftake%3D2"


def test_an_unreadable_address_in_the_header_leads_back_to_the_start(client: Client) -> None:
    answer = client.get("/productions", headers={"hx-request": "true", "hx-current-url": "http://[bad"})
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2F"


@pytest.mark.parametrize("cookie", ["\\000abcdefghij", "x" * 5000, "ABC DEFGH", "' OR 1=1 --", "short", ""])
def test_a_forged_session_cookie_is_no_session(client: Client, cookie: str) -> None:
    # The quotes make Django undo the escape, so that the key really holds a NUL.
    answer = client.get("/productions", headers={"cookie": f'sessionid="{cookie}"'})
    assert answer.status_code == 302


def pages(published: PublishedTake) -> list[str]:
    return [
        "/productions",
        "/productions/new",
        reverse("production", args=[published.shot.sequence.production_id]),
        reverse("shot", args=[published.shot.pk]),
        reverse("take", args=[published.take.pk]),
        "/references",
        "/audit",
        "/verify",
        "/accounts/password/change/",
        "/nothing",
    ]


def test_no_page_holds_code_or_style_that_the_policy_would_block(
    client: Client, published: PublishedTake
) -> None:
    person = factories.make_person(published.studio, Role.OPERATOR)
    person.set_password(PASSWORD)
    person.save()
    client.force_login(person, backend=BACKEND)
    for address in pages(published):
        response = client.get(address)
        page = response.content.decode()
        policy = response["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), address
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), address
        for asset in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
            assert finders.find(asset), asset


def test_every_page_names_itself_and_labels_every_field(client: Client, published: PublishedTake) -> None:
    person = factories.make_person(published.studio, Role.OPERATOR)
    client.force_login(person, backend=BACKEND)
    for address in pages(published)[:-2]:
        page = client.get(address).content.decode()
        assert re.search(r"<title>[^·]+ · Slate</title>", page), address
        assert page.count("<h1") == 1, address
        assert page.count("<main") == 1, address
        identifiers = re.findall(r'\sid="([^"]+)"', page)
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
        for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
            if 'type="hidden"' in field or "aria-label" in field:
                continue
            name = re.search(r'\sid="([^"]+)"', field)
            assert name is not None, (address, field)
            assert name[1] in labelled, (address, field)
        assert len(set(identifiers)) == len(identifiers), (address, sorted(identifiers))


def test_the_menu_offers_the_log_only_to_those_who_may_read_it(client: Client) -> None:
    studio = factories.make_studio()
    for role, offered in ((Role.ARTIST, False), (Role.AUDITOR, True), (Role.SUPERVISOR, True)):
        client.force_login(factories.make_person(studio, role), backend=BACKEND)
        assert (b'href="/audit"' in client.get("/productions").content) is offered
