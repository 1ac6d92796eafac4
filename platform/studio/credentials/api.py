"""API routes that verify a file, public like the verify page, and that tell of a take's watermark."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router

from studio.credentials.forms import FIELD, verify_upload
from studio.credentials.models import WatermarkRecord
from studio.credentials.schemas import TakeWatermarkOut, VerificationOut
from studio.pages import visible_or_404
from studio.problems import answers
from studio.takes.models import Rendition, Take

router = Router(tags=["verification"])

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.post(
    "/verify",
    auth=None,
    response=answers({200: VerificationOut}, 400, 413, 422, 429, 503),
    openapi_extra=BODY,
)
def verify(request: HttpRequest) -> dict[str, Any]:
    """What each layer says about the file, whose take it is, and what that adds up to."""
    return verify_upload(request).as_dict()


@router.get("/takes/{uuid:take_id}/watermark", response=answers({200: TakeWatermarkOut}, 401, 404))
def get_take_watermark(request: HttpRequest, take_id: UUID) -> dict[str, Any]:
    """The watermark of a take's released file and its robustness certificate."""
    take = visible_or_404(Take.objects.all(), request.user, take_id)
    mark = get_object_or_404(
        WatermarkRecord.objects.visible_to(request.user),
        rendition__take=take,
        rendition__kind=Rendition.Kind.MASTER,
        rendition__published_at__isnull=False,
    )
    facts = ("algorithm", "profile", "key_epoch", "z", "p_false_positive", "certificate", "strip")
    return {"take_id": take.pk, "number": take.mark_id, **{name: getattr(mark, name) for name in facts}}
