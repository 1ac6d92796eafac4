"""Says who may hand out copies of a studio's takes and ask whose copy a clip is."""

from typing import Any

from studio.tenancy.actors import MachineOperator
from studio.tenancy.models import Studio
from studio.tenancy.permissions import Action, require
from studio.tenancy.scope import studios_where


def require_hand_out(actor: Any, studio: Studio) -> None:
    """Raise NotAllowed unless `actor` may; whoever runs commands on the machine itself always may."""
    if not isinstance(actor, MachineOperator):
        require(actor, Action.HAND_OUT, studio)


def studios_of(actor: Any) -> list[Studio]:
    """The studios whose copies `actor` may trace."""
    if isinstance(actor, MachineOperator):
        return list(Studio.objects.visible_to(actor))
    return list(studios_where(actor, Action.HAND_OUT))
