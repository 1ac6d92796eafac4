"""What every app's views share: who is signed in, what they may see, and how to answer."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, resolve_url
from django_htmx.middleware import HtmxDetails

View = Callable[..., HttpResponseBase]


class SeeOther(HttpResponseRedirect):
    """Answers a successful POST: the browser fetches the next page with GET."""

    status_code = 303


def signed_in(view: View) -> View:
    """Send people who are not signed in to the log-in page and back; the same for every address."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return _to_login(request)

    return checked


def _to_login(request: HttpRequest) -> HttpResponse:
    htmx = getattr(request, "htmx", None)
    back = _page_behind(htmx) if htmx else request.get_full_path()
    address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': back})}"
    if htmx:
        # A redirect would be followed inside the fragment; this header moves the whole page.
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _page_behind(htmx: HtmxDetails) -> str:
    """The address of the page that asked for the fragment, if the browser's header can be read."""
    try:
        return htmx.current_url_abs_path or "/"
    except ValueError:
        return "/"


def visible_or_404(queryset: Any, actor: Any, key: UUID) -> Any:
    """The row, or 404 alike for what does not exist and for what belongs to another studio."""
    return get_object_or_404(queryset.visible_to(actor), pk=key)


def streamed(request: HttpRequest, parts: Iterator[bytes], **options: Any) -> StreamingHttpResponse:
    """A response that is sent as it is made, under ASGI and WSGI alike.

    Under ASGI a plain iterator would be collected in memory first; this one is stepped in the request's own
    thread, where its database connection lives.
    """
    if not isinstance(request, ASGIRequest):
        return StreamingHttpResponse(parts, **options)

    def next_part() -> bytes | None:
        return next(parts, None)

    async def steps() -> AsyncIterator[bytes]:
        try:
            while (part := await sync_to_async(next_part)()) is not None:
                yield part
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                await sync_to_async(close)()

    return StreamingHttpResponse(steps(), **options)
