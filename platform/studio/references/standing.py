"""Takes works out of the search and brings them back; each step says why, by whom and when."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from studio.errors import InputRefused, SlateError
from studio.ledger.services import record
from studio.references.files import forget_unowned
from studio.references.models import Work
from studio.text import clean_text

REASON_LENGTH = 500
NOTE_LENGTHS = {"title": 300, "owner": 200, "licence": 500, "source": 500}


class WorkStanding(SlateError):
    """The work is not in the standing that the change would start from."""

    code = "work.standing"
    status = 409


def withdraw_work(work: Work, reason: str, *, actor: Any = None) -> Work:
    """Stop searching for the work at once; what it matched before stays on record. Raises SlateError."""
    return _set_aside(work, Work.Status.WITHDRAWN, reason, "work.withdrawn", actor)


def quarantine_work(work: Work, reason: str, *, actor: Any = None) -> Work:
    """Stop searching for a work that matches what it should not, until somebody has looked. Raises SlateError."""
    return _set_aside(work, Work.Status.QUARANTINED, reason, "work.quarantined", actor)


def restore_work(work: Work, *, actor: Any = None) -> Work:
    """Search for a withdrawn work again. Raises WorkStanding."""
    return _bring_back(work, Work.Status.WITHDRAWN, "work.restored", actor)


def release_work(work: Work, *, actor: Any = None) -> Work:
    """Let a work out of quarantine. Raises WorkStanding."""
    return _bring_back(work, Work.Status.QUARANTINED, "work.released", actor)


@transaction.atomic
def _set_aside(work: Work, status: Any, reason: str, event: str, actor: Any) -> Work:
    reason = clean_text(reason, field="reason", max_length=REASON_LENGTH, multiline=True)
    current = _locked(work)
    if current.status == status:
        raise WorkStanding(f"{current.title} is {status.label.lower()} already.", "There is nothing to do.")
    was = current.status
    current.status, current.status_reason = status, reason
    current.status_by, current.status_at = _person(actor), timezone.now()
    current.save(update_fields=["status", "status_reason", "status_by", "status_at"])
    record(
        event, subject=current, studio=current.bank.studio, actor=actor, bank_id=str(current.bank_id), was=was
    )
    return current


@transaction.atomic
def _bring_back(work: Work, status: Any, event: str, actor: Any) -> Work:
    current = _locked(work)
    if current.status != status:
        raise WorkStanding(
            f"{current.title} is not {status.label.lower()}.",
            f"It is {current.get_status_display().lower()}.",
        )
    current.status, current.status_reason = Work.Status.ACTIVE, ""
    current.status_by, current.status_at = _person(actor), timezone.now()
    # Takes made in the meantime have not been compared with it.
    current.compared_at = None
    current.save(update_fields=["status", "status_reason", "status_by", "status_at", "compared_at"])
    record(event, subject=current, studio=current.bank.studio, actor=actor, bank_id=str(current.bank_id))
    return current


@transaction.atomic
def annotate_work(work: Work, *, actor: Any = None, **notes: str) -> Work:
    """Change title, owner, licence or source. Raises InputRefused."""
    current = _locked(work)
    changed = []
    for field, text in notes.items():
        value = clean_text(
            text, field=field, max_length=NOTE_LENGTHS[field], required=field == "title", multiline=False
        )
        if value != getattr(current, field):
            setattr(current, field, value)
            changed.append(field)
    if changed:
        current.save(update_fields=changed)
        record(
            "work.annotated",
            subject=current,
            studio=current.bank.studio,
            actor=actor,
            changed=sorted(changed),
        )
    return current


@transaction.atomic
def delete_work(work: Work, *, actor: Any = None) -> None:
    """Remove the work with everything kept of it, in one transaction; its files follow once that is sure.

    Raises InputRefused for a work that a take was matched with: the match must stay explicable.
    """
    current = _locked(work)
    if current.matches.exists():
        raise InputRefused(
            f"{current.title} has matched takes, and those matches point to it.",
            "Withdraw it instead; it stops matching at once.",
            code="work.has_matches",
        )
    names = list(current.files.values_list("storage_name", flat=True))
    record(
        "work.deleted",
        subject=current,
        studio=current.bank.studio,
        actor=actor,
        bank_id=str(current.bank_id),
        file_sha256=current.sha256,
    )
    current.delete()
    transaction.on_commit(lambda: forget_unowned(names))


def _locked(work: Work) -> Work:
    current: Work = (
        Work.objects.select_for_update(of=("self",)).select_related("bank__studio").get(pk=work.pk)
    )
    return current


def _person(actor: Any) -> Any:
    return actor if getattr(actor, "pk", None) is not None else None
