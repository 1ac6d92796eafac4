"""What a person fills in to make a production, a sequence or a shot."""

from fractions import Fraction
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.text import slugify

from studio.productions.models import MarkProfile, Production
from studio.tenancy.models import Studio
from studio.text import TextField

RATES = {
    "24": Fraction(24),
    "24000/1001": Fraction(24000, 1001),
    "25": Fraction(25),
    "30000/1001": Fraction(30000, 1001),
    "30": Fraction(30),
}
RATE_LABELS = [
    ("24", "24 fps"),
    ("24000/1001", "23.976 fps"),
    ("25", "25 fps"),
    ("30000/1001", "29.97 fps"),
    ("30", "30 fps"),
]
MAX_SHOT_SECONDS = 600


class ProductionForm(forms.Form):
    studio = forms.ModelChoiceField(queryset=Studio.objects.none(), empty_label=None)
    name = TextField(max_length=200, label="Name")
    code = TextField(
        max_length=40,
        label="Code",
        required=False,
        help_text="Short, for file names. Left empty, it is made from the name.",
    )
    raster_width = forms.IntegerField(min_value=64, max_value=4096, initial=1280, label="Width")
    raster_height = forms.IntegerField(min_value=64, max_value=4096, initial=720, label="Height")
    fps = forms.ChoiceField(choices=RATE_LABELS, initial="24", label="Frame rate")
    mark_profile = forms.ChoiceField(
        choices=MarkProfile.choices, initial=MarkProfile.CLEAN, label="Watermark"
    )

    def __init__(self, *args: Any, studios: "QuerySet[Studio]", **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["studio"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = studios
        field.initial = studios.first()

    def clean_raster_width(self) -> int:
        return self._even("raster_width")

    def clean_raster_height(self) -> int:
        return self._even("raster_height")

    def _even(self, field: str) -> int:
        pixels: int = self.cleaned_data[field]
        if pixels % 2:
            raise forms.ValidationError(
                f"{pixels} is odd, and video in 4:2:0 needs an even number. Try {pixels - 1} or {pixels + 1}."
            )
        return pixels

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "name" not in data or "studio" not in data or "code" in self.errors:
            return data
        code = slugify(data.get("code") or data["name"])[:40].strip("-")
        if not code:
            self.add_error("code", "Give a code of letters, digits and hyphens, such as first-light.")
        elif Production.objects.in_studio(data["studio"]).filter(code=code).exists():
            self.add_error("code", f"The studio has a production {code} already. Give another code.")
        data["code"] = code
        return data

    @property
    def chosen_fps(self) -> Fraction:
        return RATES[self.cleaned_data["fps"]]


class MarkProfileForm(forms.Form):
    mark_profile = forms.ChoiceField(choices=MarkProfile.choices, label="Watermark")


class SequenceForm(forms.Form):
    code = TextField(max_length=40, label="Code")
    name = TextField(max_length=200, label="Name", required=False)


class ShotForm(forms.Form):
    code = TextField(
        max_length=40,
        label="Code",
        required=False,
        help_text="Left empty, the next free one in steps of ten.",
    )
    description = TextField(max_length=2000, label="Description", required=False, multiline=True)
    duration_seconds = forms.FloatField(
        min_value=0.04, max_value=MAX_SHOT_SECONDS, initial=2.0, label="Seconds"
    )
