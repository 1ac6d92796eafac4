"""API route that reads a take."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router

from studio.pages import visible_or_404
from studio.problems import answers
from studio.takes.models import Rendition, Take
from studio.takes.recipes import visible_recipe
from studio.takes.schemas import TakeOut
from studio.tenancy.permissions import Action, may

router = Router(tags=["takes"])


@router.get("/takes/{uuid:take_id}", response=answers({200: TakeOut}, 401, 404))
def get_take(request: HttpRequest, take_id: UUID) -> dict[str, Any]:
    """One take with its recipe and the files that may be fetched."""
    takes = Take.objects.select_related("shot__sequence__production__studio")
    take = visible_or_404(takes, request.user, take_id)
    with_wording = may(request.user, Action.READ_PROMPTS, take.shot.production.studio)
    servable = Rendition.objects.servable().visible_to(request.user).filter(take=take)
    return {
        "id": take.pk,
        "shot_id": take.shot_id,
        "number": take.number,
        "version": take.version,
        "state": take.state,
        "recipe": visible_recipe(take.recipe, with_wording=with_wording),
        "recipe_sha256": take.recipe_sha256,
        "renditions": [_rendition(rendition) for rendition in servable],
        "created_at": take.created_at,
    }


def _rendition(rendition: Rendition) -> dict[str, Any]:
    facts = ("kind", "sha256", "content_type", "size_bytes", "width", "height", "duration_frames")
    return {
        "id": rendition.pk,
        **{name: getattr(rendition, name) for name in facts},
        "fps": f"{rendition.fps_numerator}/{rendition.fps_denominator}",
        "content": reverse("rendition-content", args=[rendition.pk]),
        "download": reverse("rendition-download", args=[rendition.pk]),
    }
