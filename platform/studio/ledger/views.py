"""The audit page: what happened in one's own studios, newest first, filtered, and as CSV."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studio.errors import NotAllowed
from studio.ledger.export import csv_lines
from studio.ledger.forms import EntryFilter
from studio.ledger.models import Entry
from studio.pages import signed_in, streamed
from studio.tenancy.permissions import ALLOWED, Action
from studio.tenancy.scope import studios_where

ENTRIES_PER_PAGE = 50
# Enough recent entries to suggest every event that matters, without reading a long log.
SUGGESTED_FROM = 500


@signed_in
@require_safe
def audit(request: HttpRequest) -> HttpResponseBase:
    form = _filter(request)
    entries: list[Entry] = []
    older = ""
    if form.is_valid():
        rows = form.entries().select_related("actor", "studio")
        before = form.cleaned_data["before"]
        if before:
            rows = rows.filter(id__lt=before)
        entries = list(rows[: ENTRIES_PER_PAGE + 1])
        if len(entries) > ENTRIES_PER_PAGE:
            entries = entries[:ENTRIES_PER_PAGE]
            older = _query(form, before=entries[-1].pk)
    context = {
        "form": form,
        "entries": entries,
        "older": older,
        "is_first_page": not request.GET.get("before"),
        "export": _query(form) if form.is_valid() else "",
        **_suggestions(form),
    }
    fragment = getattr(request, "htmx", False) and request.htmx.target == "entries"
    template = "ledger/_entries.html" if fragment else "ledger/audit.html"
    return render(request, template, context, status=200 if form.is_valid() else 422)


@signed_in
@require_safe
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    """Every entry the same filters give, without the page's limit."""
    form = _filter(request)
    if not form.is_valid():
        return render(request, "ledger/audit.html", {"form": form, **_suggestions(form)}, status=422)
    response = streamed(request, csv_lines(form.entries()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="slate-audit.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _filter(request: HttpRequest) -> EntryFilter:
    studios = studios_where(request.user, Action.READ_AUDIT)
    if not studios.exists():
        who = ", ".join(sorted(str(role.label) for role in ALLOWED[Action.READ_AUDIT]))
        raise NotAllowed(
            "Your role may not read the audit log.", f"Ask somebody with one of these roles: {who}."
        )
    return EntryFilter(request.GET, studios=studios)


def _query(form: EntryFilter, **more: object) -> str:
    """The filters in use as a query string."""
    kept = {name: form.data[name] for name in form.fields if name != "before" and form.data.get(name)}
    return urlencode({**kept, **more})


def _suggestions(form: EntryFilter) -> dict[str, list[str]]:
    recent = Entry.objects.filter(studio__in=form.studios).order_by("-id")[:SUGGESTED_FROM]
    pairs = list(recent.values_list("event", "subject_kind"))
    return {
        "known_events": sorted({event for event, _ in pairs}),
        "known_kinds": sorted({kind for _, kind in pairs}),
    }
