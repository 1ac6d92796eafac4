"""The one shape of every error answer of the API (RFC 9457, application/problem+json)."""

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from ninja import Schema

from studio.errors import SlateError


class Problem(Schema):
    """`code` is stable and may be compared; `message` says what is wrong, `hint` what would be right."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    message: str
    hint: str


def problem(status: int, code: str, message: str, hint: str = "") -> JsonResponse:
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=f"{message} {hint}".strip(),
        code=code,
        message=message,
        hint=hint,
    )
    return JsonResponse(body.model_dump(), status=status, content_type="application/problem+json")


def problem_of(error: SlateError) -> JsonResponse:
    response = problem(error.status, error.code, error.message, error.hint)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "10"
    return response


def answers(success: dict[int, Any], *problem_statuses: int) -> dict[int, Any]:
    """The response map of an operation: its success, and every problem it may answer with."""
    return {**success, **dict.fromkeys(problem_statuses, Problem)}
