"""Text that people send: what is let through, and what is refused with a reason."""

import pytest
from django import forms
from django.core.exceptions import ValidationError
from ninja import Schema

from studio.errors import InputRefused
from studio.text import Text, TextField, clean_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  a red car ", "a red car"),
        ("Äöü 映画 👩‍🚀 é", "Äöü 映画 👩‍🚀 é"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
    ],
)
def test_text_of_any_script_passes_stripped_and_with_plain_newlines(value: str, expected: str) -> None:
    assert clean_text(value, field="prompt", max_length=50, multiline=True) == expected


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\x1b", "\x7f", "\x85"])
def test_what_cannot_be_stored_or_shown_is_refused_with_its_place(character: str) -> None:
    with pytest.raises(InputRefused) as refused:
        clean_text(f"ab{character}c", field="name", max_length=50)
    assert refused.value.code == "input.unusable_character"
    assert f"U+{ord(character):04X} at position 3" in refused.value.message
    assert refused.value.hint


def test_a_name_takes_no_line_breaks() -> None:
    with pytest.raises(InputRefused):
        clean_text("one\ntwo", field="name", max_length=50)


def test_the_limit_counts_characters_after_stripping() -> None:
    assert len(clean_text("x" * 50 + "  ", field="name", max_length=50)) == 50
    with pytest.raises(InputRefused) as refused:
        clean_text("x" * 51, field="name", max_length=50)
    assert refused.value.as_dict() == {
        "code": "input.too_long",
        "message": "The name has 51 characters.",
        "hint": "Shorten it to at most 50.",
    }


@pytest.mark.parametrize("value", ["", "   ", "\n\t "])
def test_nothing_is_refused_where_something_is_needed(value: str) -> None:
    with pytest.raises(InputRefused) as refused:
        clean_text(value, field="prompt", max_length=50)
    assert refused.value.code == "input.empty"
    assert clean_text(value, field="prompt", max_length=50, required=False) == ""


@pytest.mark.parametrize("value", [None, 5, b"bytes", ["a"]])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InputRefused) as refused:
        clean_text(value, field="name", max_length=50)
    assert refused.value.code == "input.not_text"


def test_a_form_field_explains_its_refusal_in_the_same_words() -> None:
    field = TextField(max_length=5, label="Name")
    with pytest.raises(ValidationError, match=r"The name has 6 characters\. Shorten it to at most 5\."):
        field.clean("abcdef")
    assert TextField(max_length=5, required=False).clean(None) == ""
    assert isinstance(TextField(max_length=5, multiline=True).widget, forms.Textarea)


def test_a_schema_refuses_with_code_and_hint_and_states_its_length() -> None:
    class Body(Schema):
        name: Text("name", 5)  # type: ignore[valid-type]

    assert Body(name=" abc ").name == "abc"
    with pytest.raises(InputRefused, match="unusable character U\\+D800"):
        Body(name="a\ud800")
    assert Body.json_schema()["properties"]["name"]["maxLength"] == 5
