"""Writes ledger entries as CSV, a page at a time, with nothing in it that a spreadsheet would run."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from studio.ledger.models import Entry

COLUMNS = ("id", "occurred_at", "event", "subject_kind", "subject_id", "actor", "details", "sha256")
PAGE_ROWS = 1000
# A cell that starts like this is taken for a formula; the full-width forms count in some spreadsheets.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would read a formula."""
    return (
        f"'{cell}" if cell.startswith(_FORMULA_STARTS) or cell.lstrip().startswith(_FORMULA_STARTS) else cell
    )


def csv_lines(entries: "QuerySet[Entry]") -> Iterator[bytes]:
    """The header and a line per entry, newest first, as UTF-8."""
    yield _lines([list(COLUMNS)])
    rows = entries.select_related("actor").order_by("-id")
    page = list(rows[:PAGE_ROWS])
    while page:
        yield _lines([_cells(entry) for entry in page])
        page = list(rows.filter(id__lt=page[-1].pk)[:PAGE_ROWS])


def _cells(entry: Entry) -> list[str]:
    values: list[Any] = [
        entry.pk,
        entry.occurred_at.isoformat(),
        entry.event,
        entry.subject_kind,
        entry.subject_id,
        entry.actor or "",
        json.dumps(entry.details, sort_keys=True, ensure_ascii=False),
        entry.sha256,
    ]
    return [harmless(str(value)) for value in values]


def _lines(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode("utf-8")
