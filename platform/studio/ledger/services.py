"""Writes ledger entries; the one thing every other app may call."""

import hashlib
from typing import Any

import rfc8785
from django.db import models, transaction
from django.utils import timezone

from studio.ledger.models import Entry


def record(
    event: str, *, subject: models.Model, studio: models.Model | None, actor: Any = None, **details: Any
) -> Entry:
    """Append one entry for `event` in the caller's transaction.

    `details` take JSON values: identifiers, digests, counts and states. Raises TransactionManagementError
    outside a transaction, since the entry and the change it tells of must stand or fall together.
    """
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"The ledger entry {event} needs a transaction.")
    now = timezone.now()
    actor_id = getattr(actor, "pk", None) if getattr(actor, "is_authenticated", False) else None
    statement = {
        "at": now.isoformat(timespec="microseconds"),
        "event": event,
        "subject": {"kind": subject._meta.model_name, "id": str(subject.pk)},
        "studio": str(studio.pk) if studio is not None else None,
        "actor": str(actor_id) if actor_id is not None else None,
        "details": details,
    }
    canonical = rfc8785.dumps(statement)
    return Entry.objects.create(
        studio_id=studio.pk if studio is not None else None,
        occurred_at=now,
        event=event,
        subject_kind=statement["subject"]["kind"],
        subject_id=statement["subject"]["id"],
        actor_id=actor_id,
        details=details,
        canonical=canonical,
        sha256=hashlib.sha256(canonical).hexdigest(),
    )
