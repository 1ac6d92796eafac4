"""API route that verifies a file; public like the verify page."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from studio.credentials.forms import FIELD, verify_upload
from studio.credentials.schemas import VerificationOut
from studio.problems import answers

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
    "/verify", auth=None, response=answers({200: VerificationOut}, 400, 413, 422, 503), openapi_extra=BODY
)
def verify(request: HttpRequest) -> dict[str, Any]:
    """What each layer says about the file, whose take it is, and what that adds up to."""
    return verify_upload(request).as_dict()
