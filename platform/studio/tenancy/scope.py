"""Names the studios in which an actor may do something."""

from typing import Any

from django.db.models import QuerySet

from studio.tenancy.models import Membership, Studio
from studio.tenancy.permissions import ALLOWED, Action


def studios_where(actor: Any, action: Action) -> QuerySet[Studio]:
    """The studios whose membership gives `actor` a role that may do `action`; none for a stranger."""
    visible: QuerySet[Studio] = Studio.objects.visible_to(actor)
    if not getattr(actor, "is_authenticated", False):
        return visible
    allowed = Membership.objects.filter(user=actor, role__in=ALLOWED[action]).values("studio")
    return visible.filter(pk__in=allowed).order_by("name")
