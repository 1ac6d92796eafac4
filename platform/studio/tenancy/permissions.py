"""Says which role may do what; pure, no I/O beyond reading the membership."""

from enum import StrEnum
from typing import Any

from studio.errors import NotAllowed
from studio.tenancy.models import Membership, Role, Studio
from studio.tenancy.querysets import is_somebody


class Action(StrEnum):
    GENERATE = "generate takes"
    READ_PROMPTS = "read prompts"
    MANAGE_PRODUCTIONS = "manage productions"
    MANAGE_REFERENCES = "manage reference banks"
    READ_AUDIT = "read the audit log"
    HAND_OUT = "hand out copies and trace them"


# Django's choices have no types: a member of Role is seen as Any.
Roles = frozenset[Any]

MAKERS: Roles = frozenset({Role.ARTIST, Role.SUPERVISOR, Role.PRODUCTION_MANAGER, Role.OPERATOR})
LEADS: Roles = frozenset({Role.SUPERVISOR, Role.PRODUCTION_MANAGER, Role.OPERATOR})

ALLOWED: dict[Action, Roles] = {
    Action.GENERATE: MAKERS,
    Action.READ_PROMPTS: MAKERS,
    Action.MANAGE_PRODUCTIONS: frozenset({Role.PRODUCTION_MANAGER, Role.OPERATOR}),
    Action.MANAGE_REFERENCES: LEADS,
    Action.READ_AUDIT: LEADS | {Role.AUDITOR},
    Action.HAND_OUT: LEADS,
}


def role_in(actor: Any, studio: Studio) -> Role | None:
    if not is_somebody(actor):
        return None
    role = Membership.objects.filter(studio=studio, user=actor).values_list("role", flat=True).first()
    return Role(role) if role else None


def may(actor: Any, action: Action, studio: Studio) -> bool:
    role = role_in(actor, studio)
    return role is not None and role in ALLOWED[action]


def require(actor: Any, action: Action, studio: Studio) -> None:
    """Raise NotAllowed unless `actor` may do `action` in `studio`."""
    if not may(actor, action, studio):
        role = role_in(actor, studio)
        who = sorted(str(allowed.label) for allowed in ALLOWED[action])
        raise NotAllowed(
            f"Your role ({role.label if role else 'none'}) may not {action.value}.",
            f"Ask somebody with one of these roles: {', '.join(who)}.",
        )
