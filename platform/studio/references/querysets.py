"""What an actor may see of banks, works and ingests, and which works are searched for whom."""

from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from studio.tenancy.actors import MachineOperator
from studio.tenancy.models import Studio
from studio.tenancy.querysets import InStudioQuerySet, is_somebody


class OfBankQuerySet(InStudioQuerySet):
    """Rows of a bank: visible in the studio that owns the bank and in those it is shared with."""

    bank_path = "bank__"

    def visible_to(self, actor: Any) -> Self:
        if isinstance(actor, MachineOperator):
            return self.all()
        if not is_somebody(actor):
            return self.none()
        return self.filter(self._readable_in(Studio.objects.visible_to(actor).values("pk")))

    def readable_in(self, studio_ids: "list[UUID] | QuerySet[Any]") -> Self:
        """Rows of the banks that these studios own or may read."""
        return self.filter(self._readable_in(studio_ids))

    def _readable_in(self, studio_ids: Any) -> Q:
        from studio.references.models import BankShare

        shared = BankShare.objects.filter(studio__in=studio_ids).values("bank")
        own = Q(**{f"{self.bank_path}studio__in": studio_ids})
        return own | Q(**{f"{self.bank_path or 'pk__'}in": shared})


class BankQuerySet(OfBankQuerySet):
    bank_path = ""


class BankShareQuerySet(OfBankQuerySet):
    studio_path = "bank__studio"


class WorkQuerySet(OfBankQuerySet):
    studio_path = "bank__studio"

    def searchable(self) -> Self:
        """Only works that may be found: neither withdrawn nor in quarantine."""
        return self.filter(status="active")


class WorkFileQuerySet(OfBankQuerySet):
    studio_path = "work__bank__studio"
    bank_path = "work__bank__"


class OfTakeQuerySet(InStudioQuerySet):
    studio_path = "take__shot__sequence__production__studio"


class IngestQuerySet(InStudioQuerySet):
    """Ingests are the owning studio's alone: whoever a bank is shared with sees what is in it, not how it came."""

    studio_path = "bank__studio"


class IngestFileQuerySet(InStudioQuerySet):
    studio_path = "ingest__bank__studio"
