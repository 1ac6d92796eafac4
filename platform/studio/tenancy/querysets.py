"""What an actor may see of studios; the pattern every other app's `visible_to` follows."""

from typing import Any, Self

from django.db import models

from studio.tenancy.actors import MachineOperator


def is_somebody(actor: Any) -> bool:
    return bool(getattr(actor, "is_authenticated", False) and actor.is_active)


class StudioQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Any) -> Self:
        """The studios `actor` is an active member of; nobody else's exist for them."""
        if isinstance(actor, MachineOperator):
            return self.all()
        if not is_somebody(actor):
            return self.none()
        return self.filter(memberships__user=actor)


class InStudioQuerySet(models.QuerySet[Any]):
    """Rows that belong to a studio, reached from the row by `studio_path` (a lookup path)."""

    studio_path = "studio"

    def visible_to(self, actor: Any) -> Self:
        if isinstance(actor, MachineOperator):
            return self.all()
        if not is_somebody(actor):
            return self.none()
        return self.filter(**{f"{self.studio_path}__memberships__user": actor})

    def in_studio(self, studio: Any) -> Self:
        return self.filter(**{self.studio_path: studio})
