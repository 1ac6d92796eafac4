"""Makes studios and memberships; each change enters the ledger in the same transaction."""

from typing import Any

from django.db import transaction

from studio.accounts.models import User
from studio.ledger.services import record
from studio.tenancy.models import Membership, Role, Studio


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
