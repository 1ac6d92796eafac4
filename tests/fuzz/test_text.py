"""Text of any kind is either kept as it was given, or refused in words that can be shown and logged."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.errors import SlateError
from studio.references.services import get_or_create_bank
from studio.runs.services import request_run
from studio.takes.serving import safe_file_name
from studio.text import clean_text
from studio.web.management.commands.generate import parse_size
from tests.studio import factories

pytestmark = [pytest.mark.fuzz, pytest.mark.django_db]

PIECES = [
    "a",
    "Ä",
    "ß",
    "中文",
    "नमस्ते",
    "שלום",
    "🎬",
    "👩‍👩‍👧",
    "e\u0301",
    " ",
    "\u2003",
    "\u00a0",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\ufffd",
    "\uffff",
    "\U0010ffff",
    "\ue000",
    "\0",
    "\x07",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\ud800",
    "\udfff",
    "\udc80",
    "\n",
    "\r\n",
    "\t",
    "'",
    '"',
    "%s",
    "{}",
    "<script>",
    "../",
    "\\",
    ";--",
    "$(x)",
]


def some_text(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(0, 12))) * rng.choice(
        [1, 1, 1, 1, 40, 400]
    )


def kept_or_refused(use: Callable[[str], str], text: str) -> bool:
    """Whether `text` was kept; fails unless it was kept as text, or refused with a sentence that can be shown."""
    kept, refusal = outcome(use, text)
    if refusal is not None:
        shown = refusal.render() + str(refusal.as_dict())
        shown.encode()
        assert refusal.message
        assert refusal.hint
        assert "\0" not in shown
        return False
    kept.encode()
    assert "\0" not in kept
    return True


def outcome(use: Callable[[str], Any], text: str) -> tuple[Any, SlateError | None]:
    try:
        return use(text), None
    except SlateError as error:
        return None, error


def both_happened(use: Callable[[str], str], seed: str, times: int) -> None:
    rng = random.Random(seed)
    outcomes = {kept_or_refused(use, some_text(rng)) for _ in range(times)}
    assert outcomes == {True, False}, "the texts must be of both kinds to show anything"


def test_cleaned_text() -> None:
    both_happened(lambda text: clean_text(text, field="name", max_length=200), "clean", 3000)


def test_cleaned_text_of_several_lines() -> None:
    both_happened(
        lambda text: clean_text(text, field="prompt", max_length=2000, required=False, multiline=True),
        "lines",
        3000,
    )


def test_prompts_of_runs_come_back_from_the_database_as_they_were_given() -> None:
    studio = factories.make_studio()
    shot, artist = factories.make_shot(studio), factories.make_person(studio)

    def ask(text: str) -> str:
        run = request_run(shot, actor=artist, prompt=text, seconds=1.0, dispatch=False)
        run.refresh_from_db()
        assert run.prompt == text.strip()
        return str(run.prompt)

    both_happened(ask, "prompt", 300)


def test_names_of_banks() -> None:
    studio = factories.make_studio()

    def name(text: str) -> str:
        bank = get_or_create_bank(studio, text)
        bank.refresh_from_db()
        assert bank.name == text.strip()
        return str(bank.name)

    both_happened(name, "bank", 300)


def test_sizes() -> None:
    rng = random.Random("size")
    for _ in range(3000):
        text = "".join(rng.choice("0123456789xX -+.e²٣\0\ud800") for _ in range(rng.randrange(0, 14)))
        size, refusal = outcome(parse_size, text)
        if refusal is not None:
            assert refusal.hint
            refusal.render().encode()
        else:
            assert size is None or (min(size) >= 0 and len(size) == 2)


def test_names_of_downloads_never_leave_their_folder() -> None:
    rng = random.Random("download")
    for _ in range(3000):
        name = safe_file_name(some_text(rng))
        assert name
        assert name.isprintable()
        assert Path(name).name == name
        assert name not in (".", "..")
        name.encode()
