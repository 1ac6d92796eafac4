"""Pages through rows by their time-ordered identifier, so that new rows never shift a page."""

from typing import Any
from uuid import UUID

MAX_ITEMS = 200


def page_after(queryset: Any, after: UUID | None, limit: int) -> tuple[list[Any], UUID | None]:
    """Up to `limit` rows that follow `after` in order of creation, and the key the next page starts after."""
    rows = queryset.order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    items = list(rows[: limit + 1])
    if len(items) <= limit:
        return items, None
    return items[:limit], items[limit - 1].pk
