"""Of a watermark, whoever is not of its studio reads found, not found or inconclusive: nothing that would help to
remove it, on no page, in no answer of the API, and in no error."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from studio.credentials.services import watermark_key
from tests.studio import factories
from tests.studio.credentials.marked_clips import UNREADABLE, mark_clip
from tests.studio.finished_take import PublishedTake

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
FORBIDDEN_KEYS = re.compile(
    r"^(z|p_\w+|.*false.*|hypotheses|geometry|scale\w*|rotation\w*|is_mirrored|crop|strip|spans?|soft_?bits?|letter\w*|"
    r"source_\w+|key_\w+|marks|content|similarity|picture|regions|segment)$"
)
FORBIDDEN_WORDS = ("standard deviations", "false alarm", "chance", "epoch", "mark-column", "rotat", "1 in ")


@pytest.fixture(params=["nobody", "member of another studio"])
def stranger(request: pytest.FixtureRequest, published: PublishedTake) -> Client:
    client = Client()
    if request.param != "nobody":
        client.force_login(factories.make_person(factories.make_studio("south")), backend=BACKEND)
    return client


@pytest.fixture
def member(published: PublishedTake) -> Client:
    client = Client()
    client.force_login(published.artist, backend=BACKEND)
    return client


def ask_api(client: Client, path: Path) -> Any:
    return client.post("/api/v1/verify", {"file": SimpleUploadedFile("clip.mp4", path.read_bytes())})


def ask_page(client: Client, path: Path, *, htmx: bool) -> str:
    headers = {"hx-request": "true"} if htmx else {}
    upload = SimpleUploadedFile("clip.mp4", path.read_bytes())
    page = client.post("/verify", {"file": upload}, headers=headers).content.decode()
    # What the page says of itself, below the answer, is the same for every clip.
    return page.split('class="explain"')[0]


def keys_of(value: Any) -> Iterator[str]:
    """Every key anywhere in a JSON value, leaving out what the file's own manifest says."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key != "credential":
                yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def numbers_of(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_of(inner)
    elif isinstance(value, float) and not value.is_integer():
        yield value


@pytest.fixture
def clip(request: pytest.FixtureRequest, published: PublishedTake, real_media: Path, tmp_path: Path) -> Path:
    if request.param == "faint":
        footage = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
        return mark_clip(footage, tmp_path / "faint.mp4", watermark_key(published.studio), UNREADABLE)
    if request.param == "broken off":
        whole = published.path.read_bytes()
        (tmp_path / "half.mp4").write_bytes(whole[: len(whole) * 3 // 4])
        return tmp_path / "half.mp4"
    names = {"without credential": "stripped", "compressed": "reencoded"}
    if request.param in names:
        path: Path = request.getfixturevalue(names[request.param])
        return path
    return published.path


# Who asks and what is shown are told apart in different places: not every pair of them is a case of its own.
@pytest.mark.parametrize(
    ("stranger", "clip"),
    [
        *(("nobody", clip) for clip in ("whole", "without credential", "compressed", "faint", "broken off")),
        *(("member of another studio", clip) for clip in ("without credential", "faint")),
    ],
    indirect=True,
)
def test_a_stranger_s_answers_hold_no_figure_of_the_detector(stranger: Client, clip: Path) -> None:
    response = ask_api(stranger, clip)
    answer = response.json()
    told = {key for key in keys_of(answer) if FORBIDDEN_KEYS.match(key)}
    # Content matched by fingerprint is told with its times; that is another layer and no secret.
    assert told == set()
    if response.status_code == 200:
        assert set(answer["layers"]["watermark"]) == {"state", "summary", "details"}
        assert answer["layers"]["watermark"]["state"] in ("found", "not_found", "inconclusive", "unreadable")
    page = ask_page(stranger, clip, htmx=False)
    assert [word for word in FORBIDDEN_WORDS if word in page] == []


def test_the_part_of_a_page_holds_no_figure_of_the_detector(stranger: Client, stripped: Path) -> None:
    page = ask_page(stranger, stripped, htmx=True)
    assert "<html" not in page
    assert [word for word in FORBIDDEN_WORDS if word in page] == []


def test_everybody_gets_one_answer_but_a_stranger_no_number_that_members_read_of_the_mark(
    stranger: Client, member: Client, stripped: Path
) -> None:
    one, other = (ask_api(client, stripped).json() for client in (stranger, member))
    assert one["layers"]["watermark"]["state"] == other["layers"]["watermark"]["state"] == "found"
    assert (one["outcome"], one["exit_status"]) == (other["outcome"], other["exit_status"])
    own = other["layers"]["watermark"]["details"]
    secret = {f"{number:.6g}" for number in numbers_of(own) if abs(number) > 1e-300}
    assert len(secret) > 5, "the check needs something to look for"
    told = {f"{number:.6g}" for number in numbers_of(one)}
    assert secret & told <= {f"{number:.6g}" for number in numbers_of(one["segments"])}


def test_the_check_for_figures_would_see_them(member: Client, stripped: Path) -> None:
    answer = ask_api(member, stripped).json()
    assert {"z", "p_presence", "geometry", "strip"} <= {k for k in keys_of(answer) if FORBIDDEN_KEYS.match(k)}
    assert "standard deviations" in ask_page(member, stripped, htmx=False)


def test_refusals_say_nothing_of_a_mark(stranger: Client, tmp_path: Path) -> None:
    words = tmp_path / "words.mp4"
    words.write_text("no film")
    problem = ask_api(stranger, words).json()
    assert "mark" not in json.dumps(problem).replace("benchmark", "").lower().split("hint")[0]
    assert set(problem) == {"type", "title", "status", "detail", "code", "message", "hint"}
