"""The ledger takes inserts only, one entry per change, in the change's own transaction."""

import hashlib
import json

import pytest
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError, ProgrammingError

from studio.ledger.models import Entry
from studio.ledger.services import record
from studio.tenancy.services import create_studio

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET event = 'other'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TABLE ledger_entry CASCADE",
    ],
)
def test_the_app_role_cannot_change_what_was_written(statement: str) -> None:
    create_studio("North", "north")
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Entry.objects.filter(event="studio.created").count() == 1


@pytest.mark.django_db(databases=["default", "owner"])
def test_even_the_owner_is_stopped_by_the_trigger() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (occurred_at, event, subject_kind, subject_id, details, canonical, sha256)"
            " VALUES (now(), 'test', 'studio', '1', '{}', '', '')"
        )
        with (
            pytest.raises(IntegrityError, match="never changed or removed"),
            transaction.atomic(using="owner"),
        ):
            cursor.execute("UPDATE ledger_entry SET event = 'other' WHERE event = 'test'")


def test_an_entry_keeps_the_canonical_bytes_its_digest_is_of() -> None:
    studio = create_studio("North", "north")
    entry = Entry.objects.get(event="studio.created")
    canonical = bytes(entry.canonical)
    assert hashlib.sha256(canonical).hexdigest() == entry.sha256
    statement = json.loads(canonical)
    assert statement["subject"] == {"kind": "studio", "id": str(studio.pk)}
    assert statement["details"] == {"slug": "north"}
    # RFC 8785: sorted keys, no spaces.
    assert canonical == json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.django_db(transaction=False)
def test_a_change_that_is_rolled_back_leaves_no_entry() -> None:
    class Interrupted(Exception):
        pass

    def change_and_fail() -> None:
        with transaction.atomic():
            create_studio("North", "north")
            raise Interrupted

    with pytest.raises(Interrupted):
        change_and_fail()
    assert not Entry.objects.exists()


def test_an_entry_outside_a_transaction_is_refused() -> None:
    studio = create_studio("North", "north")
    with pytest.MonkeyPatch.context() as patch:
        # The test itself runs in a transaction, so the connection is told to forget it for a moment.
        patch.setattr(connections["default"], "in_atomic_block", False)
        with pytest.raises(transaction.TransactionManagementError):
            record("test", subject=studio, studio=studio)
