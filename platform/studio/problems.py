"""The one shape of every error answer of the API (RFC 9457, application/problem+json)."""

from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpResponse, JsonResponse
from ninja import Schema

from studio.errors import SlateError

Response = TypeVar("Response", bound=HttpResponse)

UNAVAILABLE_RETRY_S = 10


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
    return with_retry_after(response, error)


def with_retry_after(response: Response, error: SlateError) -> Response:
    """The answer to `error`, saying when to come back where that helps (RFC 9110, section 10.2.3)."""
    retry_after_s = error.retry_after_s
    if retry_after_s is None and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_s = UNAVAILABLE_RETRY_S
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    return response


def answers(success: dict[int, Any], *problem_statuses: int) -> dict[int, Any]:
    """The response map of an operation: its success, and every problem it may answer with."""
    return {**success, **dict.fromkeys(problem_statuses, Problem)}
