"""The audit page: filters, pages, and who may read it."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from studio.ledger.models import Entry
from studio.ledger.services import record
from studio.ledger.views import ENTRIES_PER_PAGE
from studio.tenancy.models import Role, Studio
from tests.studio import factories

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"hx-request": "true", "hx-target": "entries"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def auditor(client: Client, house: Studio) -> Client:
    client.force_login(factories.make_person(house, Role.AUDITOR, name="Ines Auditor"), backend=BACKEND)
    return client


def write(studio: Studio, event: str, *, actor: Any = None, **details: Any) -> Entry:
    with transaction.atomic():
        return record(event, subject=studio, studio=studio, actor=actor, **details)


def shown(response: Any) -> list[str]:
    """The numbers that the test's entries carry, in the order the page shows them."""
    return re.findall(
        r'<span class="dim">number</span> <span class="code">(\d+)</span>', response.content.decode()
    )


def rows_of(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


@pytest.mark.parametrize(("role", "status"), [(Role.ARTIST, 403), (Role.AUDITOR, 200), (Role.OPERATOR, 200)])
def test_only_those_who_may_read_the_log_do(client: Client, house: Studio, role: Role, status: int) -> None:
    client.force_login(factories.make_person(house, role), backend=BACKEND)
    for address in ("/audit", "/audit.csv"):
        response = client.get(address)
        assert response.status_code == status
        if status == 403:
            assert b"Auditor / client" in response.content


def test_an_artist_here_who_audits_there_reads_only_there(client: Client, house: Studio) -> None:
    elsewhere = factories.make_studio("south")
    person = factories.make_person(house, Role.ARTIST)
    from studio.tenancy.services import add_member

    add_member(elsewhere, person, Role.AUDITOR)
    write(house, "secret.event", number=1)
    write(elsewhere, "open.event", number=2)
    client.force_login(person, backend=BACKEND)
    assert shown(client.get("/audit")) == ["2"]


def test_entries_come_newest_first_and_page_by_page_without_gaps(auditor: Client, house: Studio) -> None:
    total = ENTRIES_PER_PAGE * 2 + 3
    for number in range(total):
        write(house, "count.up", number=number)
    seen: list[str] = []
    address = "/audit?event=count.up"
    while address:
        response = auditor.get(address)
        seen += shown(response)
        # Something that happens while somebody reads must not shift the pages below it.
        write(house, "count.up", number=9999)
        older = re.search(r'href="(/audit\?[^"]*before=\d+[^"]*)"', response.content.decode())
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [str(number) for number in range(total - 1, -1, -1)]


def test_filters_narrow_down_by_event_kind_subject_person_and_day(auditor: Client, house: Studio) -> None:
    ada = factories.make_person(house, name="Ada")
    write(house, "take.published", number=1, actor=ada)
    write(house, "take.viewed", number=2)
    write(house, "taken.away", number=3, actor=ada)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for query, expected in (
        ("event=take.published", ["1"]),
        ("event=take.", ["2", "1"]),
        (f"actor={ada.pk}", ["3", "1"]),
        ("actor=nobody&event=take.", ["2"]),
        (f"subject_id={house.pk}&event=taken.away", ["3"]),
        ("subject_kind=studio&event=take.", ["2", "1"]),
        ("subject_kind=shot&event=take.", []),
        (f"since={today}&until={today}&event=take.", ["2", "1"]),
        ("until=2020-01-01", []),
        ("since=2999-01-01", []),
        ("since=0001-01-01&until=9999-12-31&event=take.", ["2", "1"]),
    ):
        assert shown(auditor.get(f"/audit?{query}")) == expected, query


def test_htmx_gets_the_rows_alone(auditor: Client, house: Studio) -> None:
    write(house, "take.viewed", number=1)
    page = auditor.get("/audit?event=take.viewed", headers=HTMX).content.decode()
    assert page.strip().startswith('<section id="entries"')
    assert "<html" not in page


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("event=a%00b", "U+0000"),
        ("subject_id=" + "x" * 65, "at most 64"),
        ("actor=999999999", "not one of the available choices"),
        ("actor=%00", "not one of the available choices"),
        ("since=yesterday", "valid date"),
        ("since=2026-02-02&until=2026-01-01", "lies before the first one"),
        ("before=-1", "greater than or equal"),
        ("before=" + "9" * 5000, "whole number"),
        ("before=x", "whole number"),
    ],
)
def test_a_filter_that_makes_no_sense_is_said_so(auditor: Client, query: str, reason: str) -> None:
    for address in (f"/audit?{query}", f"/audit.csv?{query}"):
        response = auditor.get(address)
        assert response.status_code == 422
        assert reason in response.content.decode()


def test_an_empty_answer_is_no_blank_page(auditor: Client) -> None:
    assert "No entries" in auditor.get("/audit?event=never.happened").content.decode()


def test_the_export_holds_everything_the_same_filters_give(auditor: Client, house: Studio) -> None:
    ada = factories.make_person(house, name="=cmd()")
    for number in range(ENTRIES_PER_PAGE + 5):
        write(house, "count.up", number=number, actor=ada)
    write(house, "other.event")
    write(factories.make_studio("south"), "count.up", number=-1)
    response = auditor.get("/audit.csv?event=count.up")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    header, *rows = rows_of(response)
    assert header[:3] == ["id", "occurred_at", "event"]
    assert len(rows) == ENTRIES_PER_PAGE + 5
    assert {row[2] for row in rows} == {"count.up"}
    assert {row[5] for row in rows} == {"'=cmd()"}
    stored = Entry.objects.get(pk=rows[0][0])
    assert rows[0][7] == stored.sha256


def test_the_page_links_to_the_export_of_what_it_shows(auditor: Client, house: Studio) -> None:
    write(house, "take.viewed", number=1)
    page = auditor.get("/audit?event=take.&actor=nobody").content.decode()
    assert 'href="/audit.csv?event=take.&amp;actor=nobody"' in page
