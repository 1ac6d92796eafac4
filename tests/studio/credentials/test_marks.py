"""A mark leads to its take through any key the studio ever had, and never convinces alone."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from provenance.inspect import inspect_file
from provenance.media import VideoWriter, read_frames
from studio.credentials.services import watermark_key
from studio.credentials.verification import Verification, verify_file
from studio.tenancy.models import Studio
from studio.tenancy.services import rotate_watermark_key
from tests.studio import factories
from tests.studio.credentials.marked_clips import UNREADABLE, mark_clip
from tests.studio.finished_take import MARK_ID, PublishedTake

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def footage(real_media: Path) -> Path:
    """Content that has nothing to do with any take."""
    return real_media / "bigbuckbunny" / "bigbuckbunny.mp4"


def verify(path: Path, actor: Any) -> Verification:
    return verify_file(path, actor=actor, file_name=path.name)


def marks(verification: Verification) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = verification.layers["watermark"]["details"].get("marks", [])
    return found


def test_a_copy_marked_before_a_rotation_is_still_recognised(
    published: PublishedTake, stripped: Path
) -> None:
    for _ in range(3):
        rotate_watermark_key(published.studio)
    seen = verify(stripped, published.artist)
    assert seen.take == published.take
    (mark,) = marks(seen)
    assert (mark["take"], mark["key_epoch"]) == (str(published.take.pk), 1)


def test_a_member_reads_how_the_mark_lies_in_a_copy_and_where_in_the_take(
    published: PublishedTake, stripped: Path
) -> None:
    (mark,) = marks(verify(stripped, published.artist))
    assert mark["is_read"]
    assert mark["z"] > 5
    assert mark["p_presence"] < 1e-6
    assert mark["p_message"] < 1e-6
    assert mark["geometry"]["scale"] == pytest.approx(1.0, abs=0.01)
    assert mark["geometry"]["rotation_deg"] == pytest.approx(0.0, abs=0.5)
    assert not mark["geometry"]["is_mirrored"]
    assert mark["source_start_s"] == pytest.approx(0.0, abs=0.6)
    assert mark["source_end_s"] == pytest.approx(2.0, abs=0.6)
    assert len(mark["strip"]) >= 3
    assert mark["strip"][0]["start_s"] == 0.0


def test_a_mark_pasted_onto_other_content_is_told_from_its_take(
    published: PublishedTake, footage: Path, tmp_path: Path
) -> None:
    pasted = mark_clip(footage, tmp_path / "pasted.mp4", watermark_key(published.studio), [MARK_ID])
    for actor in (None, published.artist):
        answer = verify(pasted, actor).as_dict()
        assert (answer["outcome"], answer["exit_status"]) == ("contradictory", 2)
        assert answer["take"] is None
        assert "possibly a copied mark" in answer["headline"]
        assert answer["layers"]["watermark"]["state"] == "found"


def test_a_mark_too_weak_to_be_read_is_told_by_the_numbers_that_were_given_out(
    published: PublishedTake, footage: Path, tmp_path: Path
) -> None:
    key = watermark_key(published.studio)
    mixed = mark_clip(footage, tmp_path / "mixed.mp4", key, [MARK_ID, *UNREADABLE[:2]])
    seen = inspect_file(mixed, keys=[key], want=["watermark"])
    assert [found.payload for found in seen.watermarks] == [None]
    (mark,) = marks(verify(mixed, published.artist))
    assert mark["take"] == str(published.take.pk)
    assert mark["is_recognised"]
    assert mark["p_message"] < 1e-6


def crop_and_cover(source: Path, dest: Path) -> Path:
    """Three quarters of the picture's sides, a quarter of the rest covered by a plate."""
    frames = list(read_frames(source, threads=1))
    height, width = frames[0].rgb.shape[:2]
    top, left, bottom, right = height // 8, width // 8, height // 8 * 7, width // 8 * 7
    with VideoWriter(dest, right - left, bottom - top, Fraction(24), crf=16, threads=1) as writer:
        for frame in frames:
            picture = frame.rgb[top:bottom, left:right].copy()
            picture[20:90, 20:140] = (200, 30, 30)
            picture[40:50, 30:130] = 255
            writer.write(picture)
    return dest


def test_a_cropped_copy_is_found_by_its_parts_and_borne_out_by_laying_it_over_its_take(
    published: PublishedTake, stripped: Path, tmp_path: Path
) -> None:
    cropped = crop_and_cover(stripped, tmp_path / "cropped.mp4")
    stranger, member = verify(cropped, None), verify(cropped, published.artist)
    for seen in (stranger, member):
        assert (str(seen.verdict.outcome), seen.verdict.exit_code) == ("altered", 2)
        assert seen.layers["fingerprint"]["state"] == "found"
    assert {segment["how"]["method"] for segment in member.segments} == {"features"}
    assert [segment["how"] for segment in stranger.segments] == [None] * len(stranger.segments)
    assert (stranger.take, member.take) == (None, published.take)
    (mark,) = marks(member)
    assert mark["content"]["is_same"]
    assert mark["geometry"]["crop"] == pytest.approx(
        {"left": 0.125, "top": 0.125, "right": 0.875, "bottom": 0.875}, abs=0.02
    )
    (region,) = mark["content"]["regions"]
    assert region["x0"] == pytest.approx(0.125 + 20 / 512, abs=0.06)
    assert region["x1"] == pytest.approx(0.125 + 140 / 512, abs=0.06)
    assert mark["content"]["picture"].startswith("data:image/jpeg;base64,")
    assert stranger.layers["watermark"]["details"] == {}


def test_a_mark_that_cannot_be_read_is_inconclusive(
    published: PublishedTake, footage: Path, tmp_path: Path
) -> None:
    key = watermark_key(published.studio)
    faint = mark_clip(footage, tmp_path / "faint.mp4", key, UNREADABLE)
    for actor in (None, published.artist):
        seen = verify(faint, actor)
        assert seen.layers["watermark"]["state"] == "inconclusive"
        assert (str(seen.verdict.outcome), seen.verdict.exit_code) == ("not_recognised", 1)
        assert seen.verdict.headline.startswith("Inconclusive")
    (mark,) = marks(seen)
    assert (mark["is_read"], mark["take"], mark["p_message"]) == (False, None, None)
    assert mark["p_presence"] < 1e-6


def test_a_key_names_takes_of_its_own_studio_only(
    published: PublishedTake, footage: Path, tmp_path: Path
) -> None:
    south = factories.make_studio("south")
    forged = mark_clip(footage, tmp_path / "forged.mp4", watermark_key(south), [MARK_ID])
    member_of_south = factories.make_person(south)
    (mark,) = marks(verify(forged, member_of_south))
    assert mark["is_read"]
    assert mark["take"] is None
    assert marks(verify(forged, published.artist)) == [], "the mark is another studio's"


def test_an_unknown_number_under_our_key_is_contradictory(
    published: PublishedTake, footage: Path, tmp_path: Path
) -> None:
    unknown = mark_clip(footage, tmp_path / "unknown.mp4", watermark_key(published.studio), [1])
    seen = verify(unknown, None)
    assert str(seen.verdict.outcome) == "contradictory"
    assert "names no take known here" in seen.verdict.headline


def test_new_takes_are_marked_with_the_newest_key(published: PublishedTake) -> None:
    rotate_watermark_key(published.studio)
    record = published.take.master.watermark
    assert (record.key_id, record.key_epoch) == (f"{published.studio.pk}/1", 1)
    now = Studio.objects.get(pk=published.studio.pk)
    assert watermark_key(now).key_id == f"{published.studio.pk}/2"


def test_the_page_shows_members_their_mark_and_strangers_the_answer_alone(
    client: Client, published: PublishedTake, stripped: Path
) -> None:
    with stripped.open("rb") as clip:
        stranger = client.post("/verify", {"file": clip}).content.decode()
    client.force_login(published.artist, backend=BACKEND)
    with stripped.open("rb") as clip:
        member = client.post("/verify", {"file": clip}).content.decode()
    for part in ("standard deviations", "Of the take", "mark-column", "epoch 1"):
        assert part in member
        assert part not in stranger
    assert "A Slate watermark was found." in stranger
