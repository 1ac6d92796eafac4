"""Makes studios and memberships and renews watermark keys; each change enters the ledger in the same transaction."""

from typing import Any

from django.db import transaction

from studio.accounts.models import User
from studio.ledger.services import record
from studio.tenancy.models import Membership, Role, Studio
from studio.tenancy.secrets import watermark_key_id


@transaction.atomic
def create_studio(name: str, slug: str, *, actor: Any = None) -> Studio:
    studio = Studio.objects.create(name=name, slug=slug)
    record("studio.created", subject=studio, studio=studio, actor=actor, slug=slug)
    return studio


@transaction.atomic
def add_member(studio: Studio, user: User, role: Role, *, actor: Any = None) -> Membership:
    membership, created = Membership.objects.update_or_create(
        studio=studio, user=user, defaults={"role": role}
    )
    event = "membership.created" if created else "membership.changed"
    record(event, subject=membership, studio=studio, actor=actor, user_id=user.pk, role=str(role))
    return membership


@transaction.atomic
def rotate_watermark_key(studio: Studio, *, actor: Any = None) -> Studio:
    """The studio with a fresh watermark key for takes that are begun from now on.

    A take that is being rendered keeps the key it began with, and every older key stays detectable.
    """
    current = Studio.objects.select_for_update().get(pk=studio.pk)
    current.watermark_epoch += 1
    current.save(update_fields=["watermark_epoch"])
    record(
        "watermark_key.rotated",
        subject=current,
        studio=current,
        actor=actor,
        epoch=current.watermark_epoch,
        key_id=watermark_key_id(current),
    )
    return current
