"""What people read of a mark is what was measured, in their words, and nothing where nothing was measured."""

from typing import Any

import pytest

from studio.credentials.markpanel import certificate_panel, mark_panel
from studio.credentials.models import WatermarkRecord
from studio.credentials.strips import FULL_HEIGHT_Z, HEIGHT, WIDTH, columns

STREAMING = {
    "name": "streaming",
    "crf": 33,
    "scale": 1.0,
    "z": 15.2,
    "reads_message": True,
    "margin_db": 4.4,
}
PHONE = {**STREAMING, "name": "phone", "crf": 28, "scale": 0.5}
MEASURED: dict[str, Any] = {
    "profile": "clean",
    "strength": 0.8,
    "psnr_db": 46.2,
    "psnr_floor_db": 45.0,
    "ssim": 0.9912,
    "vmaf": 97.3,
    "proxies": [STREAMING, PHONE],
    "note": "",
}


def panel(**fields: Any) -> Any:
    record = {"profile": "clean", "key_epoch": 2, "certificate": MEASURED, "strip": []}
    return certificate_panel(WatermarkRecord(**{**record, **fields}))


def certificate(**changes: Any) -> dict[str, Any]:
    return {**MEASURED, **changes}


def test_quality_is_told_in_a_sentence_and_in_figures() -> None:
    shown = panel()
    assert shown.quality == "The mark stays below what is seen at normal viewing."
    assert shown.figures == [("PSNR", "46.2 dB"), ("SSIM", "0.9912"), ("VMAF", "97.3")]


def test_quality_below_the_floor_is_never_called_invisible() -> None:
    shown = panel(certificate=certificate(psnr_db=44.1))
    assert "stronger than its profile's limit" in shown.quality


def test_a_loss_an_eye_may_see_is_not_called_invisible() -> None:
    assert panel(certificate=certificate(vmaf=92.0)).quality.startswith("The mark may show.")
    assert "below what is seen" not in panel(certificate=certificate(vmaf=None, ssim=0.97)).quality
    assert "below what is seen" in panel(certificate=certificate(vmaf=None)).quality
    grainy = panel(certificate=certificate(vmaf=92.0, vmaf_of_itself=95.0))
    assert "below what is seen" in grainy.quality, "VMAF gives this picture 95 against itself"
    assert grainy.figures[-2:] == [("VMAF", "92.0"), ("VMAF unmarked", "95.0")]


def test_only_the_clean_profile_claims_not_to_be_seen() -> None:
    shown = panel(certificate=certificate(profile="archive", psnr_floor_db=42.0, psnr_db=42.6))
    assert "below what is seen" not in shown.quality


def test_copies_that_were_tried_are_named_with_how_they_were_read() -> None:
    assert [(one.name, one.detail, one.is_read) for one in panel().survivals] == [
        ("Streaming copy", "H.264 at CRF 33: read, with 4 dB to spare", True),
        ("Phone upload", "H.264 at CRF 28, 50% of its size: read, with 4 dB to spare", True),
    ]


@pytest.mark.parametrize(
    ("changes", "words", "is_read"),
    [
        ({"margin_db": 0.4}, "read, with little to spare", True),
        ({"margin_db": -0.2}, "read, only just", True),
        ({"reads_message": False, "margin_db": -2.0}, "the mark's number is lost", False),
        ({"reads_message": False, "z": 0.0, "margin_db": None}, "the mark is lost", False),
    ],
)
def test_a_copy_that_lost_the_mark_is_not_said_to_survive(
    changes: dict[str, Any], words: str, is_read: bool
) -> None:
    (one,) = panel(certificate=certificate(proxies=[{**STREAMING, **changes}])).survivals
    assert words in one.detail
    assert one.is_read is is_read


def test_what_was_not_measured_is_left_out() -> None:
    shown = panel(certificate={})
    assert (shown.quality, shown.figures, shown.survivals, shown.note) == ("", [], [], "")
    assert [name for name, _ in panel(certificate=certificate(vmaf=None)).figures] == [
        "PSNR",
        "SSIM",
    ]


def test_columns_stand_where_their_half_seconds_are_and_as_high_as_the_mark_is_strong() -> None:
    strip = [
        {"start_s": 0.0, "end_s": 0.5, "z": FULL_HEIGHT_Z / 2, "is_marked": True},
        {"start_s": 0.5, "end_s": 1.0, "z": FULL_HEIGHT_Z, "is_marked": True},
        {"start_s": 1.0, "end_s": 1.2, "z": -3.0, "is_marked": False},
    ]
    drawn = columns(strip)
    assert [column.x for column in drawn] == pytest.approx([0.0, WIDTH / 2.4, WIDTH / 1.2], abs=0.01)
    assert [column.height for column in drawn[:2]] == [HEIGHT / 2, HEIGHT]
    assert 0 < drawn[2].height < 5
    assert all(column.y + column.height == HEIGHT for column in drawn)
    assert drawn[-1].x + drawn[-1].width <= WIDTH
    strong = columns([{**entry, "z": entry["z"] * 4} for entry in strip])
    assert [column.height for column in strong[:2]] == [HEIGHT / 2, HEIGHT], (
        "a strong mark fills the height itself"
    )
    assert columns([]) == []


GEOMETRY: dict[str, Any] = {
    "scale": 1.0,
    "scale_x": 1.0,
    "scale_y": 1.0,
    "rotation_deg": 0.0,
    "is_mirrored": False,
    "crop": None,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "upright and at its own size"),
        ({"scale": 0.5, "scale_x": 0.5, "scale_y": 0.5}, "50% of its size"),
        ({"scale_x": 0.75}, "75% of its width, 100% of its height"),
        ({"rotation_deg": -5.04}, "turned 5.0° counter-clockwise"),
        ({"rotation_deg": 90.0}, "turned 90.0° clockwise"),
        ({"is_mirrored": True}, "mirrored"),
        (
            {"crop": {"left": 0.1, "top": 0.0, "right": 0.6, "bottom": 0.75}},
            "cropped to 50% of its width and 75% of its height",
        ),
        ({"crop": {"left": 0.0, "top": 0.002, "right": 1.0, "bottom": 1.0}}, "as in the take"),
    ],
)
def test_how_a_picture_lies_over_the_take_is_said_in_words(changes: dict[str, Any], words: str) -> None:
    details = {
        "take": None,
        "name": "LH_010 v003",
        "key_epoch": 1,
        "is_read": True,
        "is_recognised": False,
        "z": 12.0,
        "p_presence": 1e-20,
        "p_message": 1e-8,
        "start_s": 0.0,
        "end_s": 3.0,
        "source_start_s": 12.0,
        "source_end_s": 15.0,
        "speed": 1.0,
        "geometry": {**GEOMETRY, **changes},
        "strip": [],
        "content": None,
    }
    rows = dict(mark_panel(details).rows)
    assert rows["Picture"] == words
    assert rows["Of the take"] == "0:12.0 to 0:15.0"
    assert "Speed" not in rows
    assert dict(mark_panel({**details, "source_start_s": None}).rows).get("Of the take") is None
    assert dict(mark_panel({**details, "speed": 1.25}).rows)["Speed"] == "1.25 times the take's"
    assert "Read as" not in rows
    told = dict(mark_panel({**details, "is_recognised": True}).rows)["Read as"]
    assert told == "one of the numbers given out; too faint to be read without that list"
