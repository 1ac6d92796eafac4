"""Makes, changes and shares banks; the door through which other apps reach works and their fingerprints."""

from typing import Any

from django.db import transaction

from studio.errors import InputRefused
from studio.ledger.services import record
from studio.references.models import Bank, BankShare
from studio.references.standing import quarantine_work, release_work, restore_work, withdraw_work
from studio.references.storing import forget_fingerprint, load_fingerprint, store_fingerprints
from studio.tenancy.models import Studio
from studio.text import clean_text

__all__ = [
    "change_bank",
    "create_bank",
    "forget_fingerprint",
    "get_or_create_bank",
    "load_fingerprint",
    "quarantine_work",
    "release_work",
    "restore_work",
    "share_bank",
    "store_fingerprints",
    "withdraw_share",
    "withdraw_work",
]

NAME_LENGTH = 120
DESCRIPTION_LENGTH = 500


@transaction.atomic
def get_or_create_bank(
    studio: Studio, name: str, *, kind: Any = Bank.Kind.PROTECTED, actor: Any = None
) -> Bank:
    """The studio's bank of this name; a new one is of `kind`. Raises InputRefused for an unusable name."""
    bank, created = Bank.objects.get_or_create(studio=studio, name=_bank_name(name), defaults={"kind": kind})
    if created:
        record("bank.created", subject=bank, studio=studio, actor=actor, kind=str(bank.kind))
    return bank


@transaction.atomic
def create_bank(
    studio: Studio,
    name: str,
    *,
    kind: Any = Bank.Kind.PROTECTED,
    description: str = "",
    actor: Any = None,
) -> Bank:
    """A new bank. Raises InputRefused where the studio has one of this name, or the name cannot be used."""
    name = _bank_name(name)
    if Bank.objects.filter(studio=studio, name=name).exists():
        raise InputRefused(
            f"The studio has a bank {name!r} already.", "Give another name.", code="bank.name_taken"
        )
    bank = Bank.objects.create(studio=studio, name=name, kind=kind, description=_description(description))
    record("bank.created", subject=bank, studio=studio, actor=actor, kind=str(bank.kind))
    return bank


@transaction.atomic
def change_bank(
    bank: Bank,
    *,
    name: str | None = None,
    kind: str | None = None,
    description: str | None = None,
    review_at: float | None = None,
    block_at: float | None = None,
    actor: Any = None,
) -> Bank:
    """The bank with what is given changed; thresholds are probabilities. Raises InputRefused.

    Takes that were judged before keep their verdict.
    """
    current = Bank.objects.select_for_update().get(pk=bank.pk)
    wanted: dict[str, Any] = {
        "name": None if name is None else _bank_name(name),
        "kind": kind,
        "description": None if description is None else _description(description),
        "review_at": review_at,
        "block_at": block_at,
    }
    changed = {
        field: value for field, value in wanted.items() if value not in (None, getattr(current, field))
    }
    if not changed:
        return current
    for field, value in changed.items():
        setattr(current, field, value)
    if not 0.0 < current.block_at < current.review_at < 1.0:
        raise InputRefused(
            f"A take would be blocked at {current.block_at:g} and reviewed at {current.review_at:g}.",
            "To be blocked, a match must be surer than to be reviewed: give it the smaller probability.",
            code="bank.thresholds_impossible",
        )
    if (
        "name" in changed
        and Bank.objects.filter(studio=current.studio, name=current.name).exclude(pk=current.pk).exists()
    ):
        raise InputRefused(
            f"The studio has a bank {current.name!r} already.", "Give another name.", code="bank.name_taken"
        )
    current.save(update_fields=list(changed))
    # What people wrote stays out of the ledger; the numbers a verdict rests on go in.
    told = {field: value if isinstance(value, float) else str(value) for field, value in changed.items()}
    told.pop("description", None)
    record(
        "bank.changed", subject=current, studio=current.studio, actor=actor, changed=sorted(changed), **told
    )
    return current


@transaction.atomic
def share_bank(bank: Bank, slug: str, *, actor: Any = None) -> BankShare:
    """Let the studio with this short name read and search the bank. Raises InputRefused."""
    studio = Studio.objects.filter(slug=slug.strip().lower()).first()
    if studio is None:
        raise InputRefused(
            f"There is no studio {slug.strip()!r} in this installation.",
            "Ask the other studio for its short name; the operator sees it as the studio's slug.",
            code="bank.share_unknown_studio",
        )
    if studio.pk == bank.studio_id:
        raise InputRefused(
            "The bank is this studio's own.", "Name another studio to share it with.", code="bank.share_own"
        )
    share, created = BankShare.objects.get_or_create(
        bank=bank, studio=studio, defaults={"shared_by": _person(actor)}
    )
    if created:
        _record_in_both("bank.shared", bank, studio, actor)
    return share


@transaction.atomic
def withdraw_share(bank: Bank, studio: Studio, *, actor: Any = None) -> bool:
    """Take the bank back from a studio, which stops searching it at once; False where it had none."""
    removed, _ = BankShare.objects.filter(bank=bank, studio=studio).delete()
    if removed:
        _record_in_both("bank.unshared", bank, studio, actor)
    return bool(removed)


def _record_in_both(event: str, bank: Bank, reader: Studio, actor: Any) -> None:
    """Both studios learn of it from their own log; the reader's does not name a person of the owner's."""
    record(event, subject=bank, studio=bank.studio, actor=actor, reader_id=str(reader.pk))
    record(event, subject=bank, studio=reader, owner_id=str(bank.studio_id))


def _bank_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InputRefused(
            f"{name!r} cannot be the name of a bank.",
            "Give 1 to 120 printable characters, such as 'Studio films'.",
        )
    return name


def _description(text: str) -> str:
    return clean_text(
        text, field="description", max_length=DESCRIPTION_LENGTH, required=False, multiline=True
    )


def _person(actor: Any) -> Any:
    return actor if getattr(actor, "pk", None) is not None else None
