"""Says of banks, works and ingests what their pages and lists show."""

from typing import Any

from django.db.models import Count, FloatField, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from studio.references.models import Bank, Ingest, IngestFile, Work, WorkFile

_AGGREGATES: dict[str, Any] = {
    "count": Count("pk"),
    "seconds": Sum("duration_seconds"),
    "newest": Max("created_at"),
}


def with_contents(banks: "QuerySet[Bank]") -> "QuerySet[Bank]":
    """Each with `work_count`, `film_seconds` and `newest_at`, of works that are searched."""

    def of_works(name: str) -> Any:
        works = Work.objects.filter(bank=OuterRef("pk")).searchable().order_by().values("bank")
        return Subquery(works.annotate(value=_AGGREGATES[name]).values("value"))

    return banks.annotate(
        work_count=Coalesce(of_works("count"), Value(0), output_field=IntegerField()),
        film_seconds=Coalesce(of_works("seconds"), Value(0.0), output_field=FloatField()),
        newest_at=of_works("newest"),
    )


def with_files(works: "QuerySet[Work]") -> "QuerySet[Work]":
    """Each with `poster_id` and `proxy_id`: of a still only the first, of hashes without media neither."""

    def of_kind(kind: Any) -> Subquery:
        return Subquery(WorkFile.objects.filter(work=OuterRef("pk"), kind=kind).values("pk")[:1])

    return works.annotate(poster_id=of_kind(WorkFile.Kind.POSTER), proxy_id=of_kind(WorkFile.Kind.PROXY))


def with_counts(ingests: "QuerySet[Ingest]") -> "QuerySet[Ingest]":
    """Each with the number of its files per state (`added_count` …), of all (`file_count`) and `film_seconds`."""
    per_state = {
        f"{state}_count": Count("files", filter=Q(files__state=state)) for state in IngestFile.State.values
    }
    return ingests.annotate(
        file_count=Count("files"),
        ended_count=Count("files", filter=Q(files__state__in=IngestFile.ENDED)),
        film_seconds=Coalesce(Sum("files__seconds"), Value(0.0), output_field=FloatField()),
        **per_state,
    )
