"""What people fill in to make and set up a bank, to share it, and to take a work out of the search."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet

from studio.references.models import Bank, Work
from studio.references.services import DESCRIPTION_LENGTH, NAME_LENGTH
from studio.references.standing import NOTE_LENGTHS, REASON_LENGTH
from studio.tenancy.models import Studio
from studio.text import TextField
from studio.wording import odds

KINDS = [
    (Bank.Kind.PROTECTED, "Protected works: a take that shows them goes to review or is blocked"),
    (Bank.Kind.COMMON, "Common content: what matches it is explained and counts against nobody"),
]
REVIEW_AT = (1e-2, 1e-3, 1e-4, 1e-5)
BLOCK_AT = (1e-5, 1e-6, 1e-8, 1e-12)
ANY_STATUS = [("", "All works"), *Work.Status.choices]


class BankForm(forms.Form):
    studio = forms.ModelChoiceField(queryset=Studio.objects.none(), empty_label=None)
    name = TextField(max_length=NAME_LENGTH, label="Name")
    kind = forms.ChoiceField(choices=KINDS, initial=Bank.Kind.PROTECTED, label="What it is for")
    description = TextField(max_length=DESCRIPTION_LENGTH, label="Description", required=False)

    def __init__(self, *args: Any, studios: "QuerySet[Studio]", **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["studio"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = studios
        field.initial = studios.first()


class BankSettingsForm(forms.Form):
    name = TextField(max_length=NAME_LENGTH, label="Name")
    kind = forms.ChoiceField(choices=KINDS, label="What it is for")
    description = TextField(max_length=DESCRIPTION_LENGTH, label="Description", required=False)
    review_at = forms.TypedChoiceField(
        coerce=float,
        label="Send to review",
        help_text="Chance that film which has nothing to do with a work resembles it as much, "
        "below which a person looks at the take.",
    )
    block_at = forms.TypedChoiceField(
        coerce=float,
        label="Block by itself",
        help_text="The same chance, below which the take is not released at all.",
    )

    def __init__(self, *args: Any, bank: Bank, **options: Any) -> None:
        super().__init__(*args, **options)
        for field, usual in (("review_at", REVIEW_AT), ("block_at", BLOCK_AT)):
            current: float = getattr(bank, field)
            self.fields[field].choices = _chances(usual, current)  # type: ignore[attr-defined]
            self.initial.setdefault(field, repr(current))
        for field in ("name", "kind", "description"):
            self.initial.setdefault(field, getattr(bank, field))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        review_at, block_at = data.get("review_at"), data.get("block_at")
        if review_at and block_at and block_at >= review_at:
            self.add_error("block_at", "To be blocked, a match must be surer than to be reviewed.")
        return data


def _chances(usual: Sequence[float], current: float) -> list[tuple[str, str]]:
    """The usual chances and the one in force, the largest first."""
    return [(repr(chance), odds(chance)) for chance in sorted({*usual, current}, reverse=True)]


class ShareForm(forms.Form):
    slug = TextField(max_length=60, label="Short name of the other studio")


class StandingForm(forms.Form):
    """Withdraw, restore or release a work; a reason is needed only to take it out."""

    action = forms.ChoiceField(choices=[(name, name) for name in ("withdraw", "restore", "release")])
    reason = TextField(max_length=REASON_LENGTH, label="Why", multiline=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].required = self.data.get("action") not in ("restore", "release")


class NotesForm(forms.Form):
    title = TextField(max_length=NOTE_LENGTHS["title"], label="Title")
    owner = TextField(max_length=NOTE_LENGTHS["owner"], label="Owner", required=False)
    licence = TextField(max_length=NOTE_LENGTHS["licence"], label="Licence", required=False)
    source = TextField(max_length=NOTE_LENGTHS["source"], label="Source", required=False)


class WorkFilter(forms.Form):
    q = forms.CharField(max_length=200, required=False)
    status = forms.ChoiceField(choices=ANY_STATUS, required=False)

    def narrow(self, works: "QuerySet[Work]") -> "QuerySet[Work]":
        """The works asked for; what cannot be understood narrows nothing."""
        self.is_valid()
        text = self.cleaned_data.get("q", "").replace("\0", "")
        if text:
            works = works.filter(title__icontains=text)
        status = self.cleaned_data.get("status")
        return works.filter(status=status) if status else works
