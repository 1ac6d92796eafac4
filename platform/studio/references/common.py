"""Fills a bank with the content every production shares: what matches it is explained and counts against nobody."""

from typing import Any

from django.db import transaction

from studio.references.drawing import COMMON
from studio.references.ingesting import begin_drawn
from studio.references.models import Bank, Ingest, Work
from studio.references.services import get_or_create_bank
from studio.tenancy.models import Studio

BANK_NAME = "Common leaders and bars"
DESCRIPTION = "Black, white, grey, colour bars and leaders. What matches these is explained by them."


@transaction.atomic
def add_common_content(
    studio: Studio, *, dispatch: bool = True, actor: Any = None
) -> tuple[Bank, Ingest | None]:
    """The studio's bank of common content, and the ingest of what it lacked; None where it lacked nothing.

    `dispatch=False` leaves the work to a caller that does it itself.
    """
    bank = get_or_create_bank(studio, BANK_NAME, kind=Bank.Kind.COMMON, actor=actor)
    if not bank.description:
        Bank.objects.filter(pk=bank.pk).update(description=DESCRIPTION)
    open_ingest = bank.ingests.filter(state=Ingest.State.OPEN, source=Ingest.Source.DRAWN).first()
    if open_ingest is not None:
        return bank, open_ingest
    has = set(bank.works.filter(origin=Work.Origin.DRAWN).values_list("title", flat=True))
    lacking = [name for name in COMMON if name not in has]
    return bank, begin_drawn(bank, lacking, dispatch=dispatch, actor=actor) if lacking else None
