"""A clip that turns up is traced to its recipient, or said to be not decidable; only leads of its studio are told."""

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest
from django.core.management import call_command

from provenance.media import Picture, VideoWriter, read_frames, strip_metadata_copy
from provenance.verdict import Outcome
from provenance.watermark.copies.painting import LetterPainter
from studio.credentials.services import watermark_key
from studio.credentials.verification import verify_file
from studio.errors import InputRefused, SlateError
from studio.handouts.models import Copy, Pair
from studio.handouts.services import fetch_copy, hand_out_copy
from studio.handouts.tracing import trace_clip
from studio.ledger.models import Entry
from studio.tenancy.actors import MACHINE_OPERATOR
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.handouts.conftest import FPS, SECONDS, SIZE, House

# Commands prepare the installation first, which the owner role does.
pytestmark = pytest.mark.django_db(databases=["default", "owner"])

JURY, DISTRIBUTOR = "Festival jury", "Distributor"


@pytest.fixture
def copies(house: House, pair: Pair) -> dict[str, Copy]:
    return {name: hand_out_copy(house.take, name, actor=house.supervisor) for name in (JURY, DISTRIBUTOR)}


@pytest.fixture
def jury_copy(house: House, pair: Pair) -> Copy:
    return hand_out_copy(house.take, JURY, actor=house.supervisor)


def half_size(source: Path, dest: Path) -> Path:
    with VideoWriter(dest, 480, 270, Fraction(24), crf=26, threads=1) as writer:
        for frame in read_frames(source, threads=1):
            writer.write(cv2.resize(frame.rgb, (480, 270), interpolation=cv2.INTER_AREA))
    return dest


def test_a_small_recompressed_copy_is_traced_to_the_one_who_got_it(
    house: House, copies: dict[str, Copy], tmp_path: Path
) -> None:
    out = tmp_path / "copy.mp4"
    fetch_copy(copies[DISTRIBUTOR], out, actor=house.supervisor)
    answer = trace_clip(half_size(out, tmp_path / "leak.mp4"), actor=house.supervisor)
    assert [one.copy.recipient for one in answer.named] == [DISTRIBUTOR]
    assert DISTRIBUTOR in answer.headline
    assert answer.named[0].p_chance <= 1e-3
    assert (answer.take, answer.copies) == (house.take, 2)
    entry = Entry.objects.get(event="copy.traced")
    assert entry.details["named"] == [str(copies[DISTRIBUTOR].pk)]
    assert DISTRIBUTOR not in json.dumps(entry.details)

    stranger = factories.make_person(factories.make_studio("rivals"), Role.SUPERVISOR)
    for person in (stranger, house.artist):
        told = trace_clip(tmp_path / "leak.mp4", actor=person)
        assert told.named == ()
        assert told.take is None
        assert DISTRIBUTOR not in json.dumps(told.as_dict())


def test_the_very_file_is_known_and_is_vouched_for_by_its_take_before_strangers(
    house: House, jury_copy: Copy, tmp_path: Path
) -> None:
    out = tmp_path / "copy.mp4"
    fetch_copy(jury_copy, out, actor=house.supervisor)
    answer = trace_clip(out, actor=house.supervisor)
    assert answer.headline == f"This is the very file that was handed to {JURY}."

    seen = verify_file(out, file_name="copy.mp4")
    assert seen.verdict.outcome is Outcome.RECOGNISED
    assert seen.verdict.take_id == str(house.take.pk)
    assert JURY not in json.dumps(seen.as_dict(), default=str)
    assert jury_copy.word not in json.dumps(seen.as_dict(), default=str)


def test_a_copy_that_lost_its_mark_is_traced_by_its_content_and_its_letters(
    house: House, jury_copy: Copy, real_media: Path, tmp_path: Path
) -> None:
    """Somebody who removed the mark, here by going back to the unmarked film, has not removed the letters."""
    leak = tmp_path / "leak.mp4"
    painter = LetterPainter(watermark_key(house.studio), *SIZE)
    source = real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4"
    with VideoWriter(leak, *SIZE, FPS, crf=26, threads=1) as writer:
        for frame in read_frames(source, end_s=float(SECONDS), threads=1):
            picture = Picture.from_rgb(cv2.resize(frame.rgb, SIZE, interpolation=cv2.INTER_AREA))
            with_a, with_b = painter.paint(picture.luma)
            picture.luma = with_a if jury_copy.word[int(frame.time_s * 2 + 1e-6)] == "A" else with_b
            writer.write(picture)
    answer = trace_clip(leak, actor=house.supervisor)
    assert answer.take == house.take
    assert [one.copy.pk for one in answer.named] == [jury_copy.pk]


def test_the_released_take_itself_is_nobodys(house: House, jury_copy: Copy, tmp_path: Path) -> None:
    strip_metadata_copy(house.path, tmp_path / "stripped.mp4")
    answer = trace_clip(tmp_path / "stripped.mp4", actor=house.supervisor)
    assert answer.named == ()
    assert answer.headline.startswith("Not decidable")
    assert "released take itself" in answer.headline


def test_a_film_without_a_mark_is_not_decidable_and_no_film_is_refused(
    house: House, real_media: Path, tmp_path: Path
) -> None:
    film = real_media / "imageio" / "realshort.mp4"
    answer = trace_clip(film, actor=MACHINE_OPERATOR)
    assert answer.named == ()
    assert "neither its mark nor its content" in answer.headline
    words = tmp_path / "words.mp4"
    words.write_text("no film")
    with pytest.raises(InputRefused) as refusal:
        trace_clip(words, actor=MACHINE_OPERATOR)
    assert refusal.value.hint


def run(*arguments: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    try:
        call_command("copies", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue(), err.getvalue()


def test_the_command_makes_lists_and_traces(house: House, pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "copy.mp4"
    status, said, _ = run("make", house.take.pk, "--to", JURY, "--out", out, "--as", house.supervisor.email)
    assert status == 0
    assert str(out) in said
    assert out.is_file()
    status, said, _ = run("list", house.take.pk)
    assert (status, JURY in said, "1 copy handed out" in said) == (0, True, True)
    assert house.supervisor.name in said
    status, said, _ = run("trace", out, "--json")
    assert status == 0
    assert json.loads(said)["named"][0]["recipient"] == JURY
    status, said, _ = run("trace", house.path)
    assert status == 1
    assert said.startswith("Not decidable")
    (tmp_path / "empty.mp4").write_bytes(b"")
    status, _, said = run("trace", tmp_path / "empty.mp4")
    assert status == 3
    assert "0 bytes" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "not-an-id"),
        ("list", "01234567-89ab-7def-8123-456789abcdef"),
        ("make", "01234567-89ab-7def-8123-456789abcdef", "--to", "x", "--out", "/nowhere/at/all.mp4"),
        ("list", "01234567-89ab-7def-8123-456789abcdef", "--as", "nobody@mail.example"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SlateError) as refusal:
        run(*arguments)
    assert refusal.value.hint
