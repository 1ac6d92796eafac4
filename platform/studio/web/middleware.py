"""What every response gets: a content security policy, and errors as pages instead of tracebacks."""

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from studio.errors import SlateError

logger = logging.getLogger(__name__)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

GetResponse = Callable[[HttpRequest], Any]


class _Middleware:
    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self.get_response):
            return self._call_async(request)
        return self.after(request, self.get_response(request))

    async def _call_async(self, request: HttpRequest) -> HttpResponse:
        return self.after(request, await self.get_response(request))

    def after(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response


class content_security_policy(_Middleware):  # noqa: N801 (named like the setting that lists it)
    """Scripts, styles and media from this server only; no inline code, no frames around Slate."""

    def after(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class render_slate_errors(_Middleware):  # noqa: N801
    """Turns a SlateError into the page, fragment or JSON the caller can read."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, SlateError):
            return None
        logger.info("%s %s: %s", request.path, exception.code, exception.message)
        return error_response(request, exception)


def error_response(request: HttpRequest, error: SlateError) -> HttpResponse:
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(error.as_dict(), status=error.status)
    template = "web/_error.html" if getattr(request, "htmx", False) else "web/error.html"
    return render(request, template, {"error": error}, status=error.status)
