"""API routes that read productions and shots."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from studio.pages import visible_or_404
from studio.paging import MAX_ITEMS, page_after
from studio.problems import answers
from studio.productions.models import Production, Shot
from studio.productions.schemas import ProductionOut, ProductionPage, ShotOut, ShotPage

router = Router(tags=["productions"])

Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS)]


@router.get("/productions", response=answers({200: ProductionPage}, 401, 422))
def list_productions(request: HttpRequest, after: UUID | None = None, limit: Limit = 50) -> dict[str, Any]:
    """The productions of your studios, oldest first; pass `next_after` as `after` to go on."""
    items, next_after = page_after(Production.objects.visible_to(request.user), after, limit)
    return {"items": items, "next_after": next_after}


@router.get("/productions/{uuid:production_id}", response=answers({200: ProductionOut}, 401, 404))
def get_production(request: HttpRequest, production_id: UUID) -> Production:
    """One production."""
    production: Production = visible_or_404(Production.objects.all(), request.user, production_id)
    return production


@router.get("/productions/{uuid:production_id}/shots", response=answers({200: ShotPage}, 401, 404, 422))
def list_shots(
    request: HttpRequest, production_id: UUID, after: UUID | None = None, limit: Limit = 50
) -> dict[str, Any]:
    """The shots of a production with their takes, oldest first."""
    production = visible_or_404(Production.objects.all(), request.user, production_id)
    shots = Shot.objects.filter(sequence__production=production)
    items, next_after = page_after(shots.select_related("sequence").prefetch_related("takes"), after, limit)
    return {"items": items, "next_after": next_after}


@router.get("/shots/{uuid:shot_id}", response=answers({200: ShotOut}, 401, 404))
def get_shot(request: HttpRequest, shot_id: UUID) -> Shot:
    """One shot."""
    shots = Shot.objects.select_related("sequence").prefetch_related("takes")
    shot: Shot = visible_or_404(shots, request.user, shot_id)
    return shot
