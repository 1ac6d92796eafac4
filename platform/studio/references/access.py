"""Says who may change a bank, and tells those who may only read it whose it is."""

from typing import Any

from studio.errors import NotAllowed
from studio.references.models import Bank
from studio.tenancy.models import Studio
from studio.tenancy.permissions import Action, may, require


def may_manage(actor: Any, bank: Bank) -> bool:
    """Whether `actor` may change the bank and its works: only people of the studio that owns it, by their role."""
    return may(actor, Action.MANAGE_REFERENCES, bank.studio)


def require_manage(actor: Any, bank: Bank) -> None:
    """Raise NotAllowed unless `actor` may change the bank."""
    if not Studio.objects.visible_to(actor).filter(pk=bank.studio_id).exists():
        raise NotAllowed(
            f"The bank belongs to {bank.studio.name}, which shares it with your studio for reading only.",
            f"Ask {bank.studio.name} to change it.",
        )
    require(actor, Action.MANAGE_REFERENCES, bank.studio)
