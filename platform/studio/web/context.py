"""What the frame around every page shows: the person, their role and the ways they may go."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from studio.tenancy.models import Membership
from studio.tenancy.permissions import ALLOWED, Action


def shell(request: HttpRequest) -> dict[str, Any]:
    """`memberships` of the person and `may_read_audit`; asked of the database only when a page shows them."""

    def memberships() -> list[Membership]:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        return list(Membership.objects.filter(user=user).select_related("studio").order_by("studio__name"))

    found = SimpleLazyObject(memberships)
    readers = ALLOWED[Action.READ_AUDIT]
    return {
        "memberships": found,
        "may_read_audit": SimpleLazyObject(lambda: any(membership.role in readers for membership in found)),
    }
