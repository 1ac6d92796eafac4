"""Walks the URL configuration and the OpenAPI document, so that no route can be forgotten."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from studio.api.api import api


def page_routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Every route that is no API operation, as it is written in the urls modules."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            if not route.startswith("api/v1/") or entry.name in ("openapi-json", "api-root"):
                yield route
        else:
            yield from page_routes(entry, route)


def api_operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every documented operation."""
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def api_routes() -> Iterator[str]:
    """Every route the API answers, documented or not."""
    resolver = next(
        entry
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLResolver) and str(entry.pattern) == "api/v1/"
    )
    for entry in resolver.url_patterns:
        if entry.name not in ("openapi-json", "api-root"):
            yield f"/api/v1/{entry.pattern}"
