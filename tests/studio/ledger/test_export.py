"""The audit log as CSV."""

import csv
import io

import pytest
from django.db import transaction

from studio.ledger.export import COLUMNS, csv_lines, harmless
from studio.ledger.models import Entry
from studio.ledger.services import record
from tests.studio import factories


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0").startswith("'")
    assert harmless(f"  {start}=1+1").startswith("'")


@pytest.mark.parametrize("cell", ["", "take.published", "2026-11-22", '{"a": 1}', "Ada = Artist", "ab-cd"])
def test_an_ordinary_cell_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


@pytest.mark.django_db
def test_every_entry_is_a_line_even_over_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.ledger.export.PAGE_ROWS", 3)
    studio = factories.make_studio()
    actor = factories.make_person(studio, name="=HYPERLINK(1)")
    with transaction.atomic():
        for number in range(7):
            record("test.event", subject=studio, studio=studio, actor=actor, number=number)
    text = b"".join(csv_lines(Entry.objects.filter(event="test.event"))).decode()
    header, *lines = list(csv.reader(io.StringIO(text)))
    assert tuple(header) == COLUMNS
    assert [line[6] for line in lines] == [f'{{"number": {number}}}' for number in range(6, -1, -1)]
    assert {line[5] for line in lines} == {"'=HYPERLINK(1)"}
