"""The pages of reference banks."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from studio.references.models import Work
from studio.references.services import get_or_create_bank
from studio.references.views import WORKS_PER_PAGE
from studio.tenancy.models import Studio
from tests.studio import factories

BACKEND = "django.contrib.auth.backends.ModelBackend"

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def member(client: Client, house: Studio) -> Client:
    client.force_login(factories.make_person(house), backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_without_banks_the_page_says_how_to_fill_one(member: Client) -> None:
    assert "references add FOLDER --bank NAME" in text_of(member.get("/references"))


def test_banks_are_listed_with_their_works(member: Client, house: Studio) -> None:
    bank = get_or_create_bank(house, "Known films")
    assert "none yet" in text_of(member.get("/references"))
    assert "The bank is empty" in text_of(member.get(reverse("bank", args=[bank.pk])))
    factories.make_work(bank, "A film with a title & a sign")
    page = text_of(member.get("/references"))
    assert "Known films" in page
    works = text_of(member.get(reverse("bank", args=[bank.pk])))
    assert "A film with a title &amp; a sign" in works
    assert "0:10.0" in works


def test_a_large_bank_is_shown_page_by_page(member: Client, house: Studio) -> None:
    bank = get_or_create_bank(house, "Many")
    Work.objects.bulk_create(
        Work(
            bank=bank,
            title=f"Work {number:03d}",
            sha256=factories.digest(str(number)),
            duration_seconds=1.0,
            width=64,
            height=64,
        )
        for number in range(WORKS_PER_PAGE + 1)
    )
    address = reverse("bank", args=[bank.pk])
    first, second = text_of(member.get(address)), text_of(member.get(f"{address}?page=2"))
    assert "Work 000" in first
    assert "Work 100" not in first
    assert "Work 100" in second
    for odd in ("abc", "-1", "999", "\x00", "9" * 5000):
        assert member.get(address, {"page": odd}).status_code == 200
