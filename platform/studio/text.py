"""Lets only text through that a page can show and PostgreSQL can store."""

import unicodedata
from typing import Annotated, Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BeforeValidator, WithJsonSchema

from studio.errors import InputRefused


def clean_text(
    value: object, *, field: str, max_length: int, required: bool = True, multiline: bool = False
) -> str:
    """`value` stripped, with newlines as LF; raises InputRefused for what cannot be stored or shown.

    `field` is how the sentence names it ("name", "prompt"). Refused are: no text, more than `max_length`
    characters, lone surrogates, and control characters (newline and tab are fine where `multiline`).
    """
    if not isinstance(value, str):
        raise InputRefused(f"The {field} is not text.", f"Give the {field} as text.", code="input.not_text")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    allowed = "\n\t" if multiline else ""
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in allowed:
            raise InputRefused(
                f"The {field} holds the unusable character U+{ord(character):04X} at position {position}.",
                "Remove it; letters of any script, digits, punctuation and emoji are fine.",
                code="input.unusable_character",
            )
    if required and not text:
        raise InputRefused(f"The {field} is empty.", f"Give a {field}.", code="input.empty")
    if len(text) > max_length:
        raise InputRefused(
            f"The {field} has {len(text)} characters.",
            f"Shorten it to at most {max_length}.",
            code="input.too_long",
        )
    return text


class TextField(forms.CharField):
    """A form field that takes what `clean_text` takes and explains what it does not."""

    def __init__(self, *, max_length: int, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        if multiline:
            options.setdefault("widget", forms.Textarea(attrs={"rows": 3}))
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        assert self.max_length is not None
        try:
            return clean_text(
                "" if value is None else value,
                field=str(self.label or "text").lower(),
                max_length=self.max_length,
                required=self.required,
                multiline=self.multiline,
            )
        except InputRefused as error:
            raise ValidationError(f"{error.message} {error.hint}", code=error.code) from error


def Text(field: str, max_length: int, *, required: bool = True, multiline: bool = False) -> Any:  # noqa: N802
    """A schema type for API bodies with the rules of `clean_text`; the OpenAPI states its length.

    The refusal is no ValueError on purpose: it passes through pydantic unchanged, with code and hint.
    """

    def check(value: object) -> str:
        return clean_text(value, field=field, max_length=max_length, required=required, multiline=multiline)

    schema = {"type": "string", "minLength": 1 if required else 0, "maxLength": max_length}
    return Annotated[str, BeforeValidator(check), WithJsonSchema(schema)]
