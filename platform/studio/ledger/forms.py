"""How a person narrows the audit log down, and the query that comes of it."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet

from studio.ledger.models import Entry
from studio.tenancy.models import Membership, Studio
from studio.text import TextField

# Entries that no person caused, such as those of workers.
NOBODY = "nobody"


class EntryFilter(forms.Form):
    event = TextField(max_length=60, label="Event", required=False)
    subject_kind = TextField(max_length=40, label="Kind", required=False)
    subject_id = TextField(max_length=64, label="Subject id", required=False)
    actor = forms.ChoiceField(label="By", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, studios: "QuerySet[Studio]", **options: Any) -> None:
        super().__init__(*args, **options)
        self.studios = studios
        people = Membership.objects.filter(studio__in=studios).select_related("user").order_by("user__name")
        choices = {str(membership.user_id): str(membership.user) for membership in people}
        field = self.fields["actor"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Anybody"), (NOBODY, "The system"), *choices.items()]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day lies before the first one. Swap them.")
        return data

    def entries(self) -> "QuerySet[Entry]":
        """The entries asked for, newest first; an event ending in a dot means everything below it."""
        data = self.cleaned_data
        rows: QuerySet[Entry] = Entry.objects.filter(studio__in=self.studios).order_by("-id")
        if data["event"]:
            lookup = "event__startswith" if data["event"].endswith(".") else "event"
            rows = rows.filter(**{lookup: data["event"]})
        if data["subject_kind"]:
            rows = rows.filter(subject_kind=data["subject_kind"])
        if data["subject_id"]:
            rows = rows.filter(subject_id=data["subject_id"])
        if data["actor"] == NOBODY:
            rows = rows.filter(actor__isnull=True)
        elif data["actor"]:
            rows = rows.filter(actor_id=data["actor"])
        if data["since"]:
            rows = rows.filter(occurred_at__gte=datetime.combine(data["since"], time.min, UTC))
        if data["until"]:
            rows = rows.filter(occurred_at__lte=datetime.combine(data["until"], time.max, UTC))
        return rows
