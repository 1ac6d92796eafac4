"""Turns whatever goes wrong in an API call into the one shape of a problem."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from studio.errors import SlateError
from studio.problems import problem, problem_of

logger = logging.getLogger(__name__)


def add_error_handlers(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], JsonResponse]] = {
        SlateError: _slate_error,
        ValidationError: _validation_error,
        AuthenticationError: _authentication_error,
        HttpError: _http_error,
        Http404: _not_found,
    }
    for error, handler in handlers.items():
        api.add_exception_handler(error, handler)


def _slate_error(request: HttpRequest, error: SlateError) -> JsonResponse:
    logger.info("%s %s: %s", request.path, error.code, error.message)
    return problem_of(error)


def _validation_error(request: HttpRequest, error: ValidationError) -> JsonResponse:
    first = error.errors[0]
    where = _where(first)
    return problem(
        422,
        "input.invalid",
        f"{where}: {first.get('msg', 'not valid')}.",
        "The OpenAPI document at /api/v1/openapi.json says what each field takes.",
    )


def _where(error: Mapping[str, Any]) -> str:
    """The field a validation error is about, without the names of the handler's own arguments."""
    parts = [str(part) for part in error.get("loc", ())]
    return ".".join(parts[2:] if len(parts) > 2 and parts[0] == "body" else parts) or "The request"


def _authentication_error(request: HttpRequest, error: AuthenticationError) -> JsonResponse:
    return problem(
        401, "request.not_signed_in", "You are not signed in.", "Log in at /accounts/login/ first."
    )


def _http_error(request: HttpRequest, error: HttpError) -> JsonResponse:
    if error.status_code == 403:
        return problem(
            403,
            "request.not_from_this_page",
            "The request lacks a valid CSRF token.",
            "Send the value of the cookie csrftoken as the header X-CSRFToken.",
        )
    if error.status_code == 400:
        return problem(400, "request.malformed", "The body could not be read.", "Send valid JSON in UTF-8.")
    return problem(error.status_code, "request.refused", str(error), "")


def _not_found(request: HttpRequest, error: Http404) -> JsonResponse:
    return problem(
        404,
        "resource.not_found",
        "There is nothing with this identifier, or it is not yours to see.",
        "List what you may see with GET /api/v1/productions.",
    )
