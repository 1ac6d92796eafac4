"""Reads what the pages of productions show, in a number of queries that does not grow with the shots."""

from typing import Any, TypeVar

from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

M = TypeVar("M", bound=Model)

ACTIVE_RUN_STATES = ("queued", "running")


def with_takes(rows: "QuerySet[M]", path: str = "") -> "QuerySet[M]":
    """Adds take_count, active_runs and the latest take that may be shown (number and rendition).

    `path` leads from a row to its shots ("" for shots, "sequences__shots__" for productions).
    """
    shown: dict[str, Any] = {
        f"{path}takes__state": "released",
        f"{path}takes__renditions__kind": "master",
        f"{path}takes__renditions__published_at__isnull": False,
    }
    newest = f"-{path}takes__created_at"
    return rows.annotate(
        take_count=_counted(rows, f"{path}takes"),
        active_runs=_counted(rows, f"{path}runs", **{f"{path}runs__state__in": ACTIVE_RUN_STATES}),
        latest_rendition=_first(rows, f"{path}takes__renditions", newest, shown),
        latest_number=_first(rows, f"{path}takes__number", newest, shown),
    )


def with_running(shots: "QuerySet[M]") -> "QuerySet[M]":
    """Adds state, stage and progress of the run that has come furthest, where one is under way."""
    active = {"runs__state__in": ACTIVE_RUN_STATES}
    return shots.annotate(
        run_state=_first(shots, "runs__state", "-runs__progress", active),
        run_progress=_first(shots, "runs__progress", "-runs__progress", active),
    )


def with_shot_count(productions: "QuerySet[M]") -> "QuerySet[M]":
    return productions.annotate(shot_count=_counted(productions, "sequences__shots"))


def _counted(rows: "QuerySet[M]", path: str, **conditions: Any) -> Coalesce:
    # One subquery per number: counting over several joins at once would multiply their rows.
    counted = (
        rows.model._default_manager.filter(pk=OuterRef("pk"), **conditions)
        .order_by()
        .annotate(n=Count(path))
        .values("n")
    )
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _first(rows: "QuerySet[M]", path: str, order: str, conditions: dict[str, Any]) -> Subquery:
    found = rows.model._default_manager.filter(pk=OuterRef("pk"), **conditions)
    return Subquery(found.order_by(order).values(path)[:1])
