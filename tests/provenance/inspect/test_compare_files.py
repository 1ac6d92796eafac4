"""A file is laid over one of ours in a confined child: agreement, place and differences come back, or a reason."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.errors import FileMissing, MediaUnreadable
from provenance.inspect import Comparison, InspectionTimedOut, compare_files, protocol
from provenance.inspect.limits import InspectionLimits
from provenance.media import VideoWriter, read_frames
from tests.provenance.inspect.signed_take import SignedTake

# The shares of the picture that the edited copy shows, and where a logo covers it.
SHOWN = (0.1, 0.05, 0.9, 0.85)
LOGO = (0.2, 0.1, 0.45, 0.35)


@pytest.fixture(scope="module")
def edited(take: SignedTake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The take cropped, with a logo on it, half a second later and compressed."""
    path = tmp_path_factory.mktemp("edited") / "edited.mp4"
    frames = list(read_frames(take.unsigned, start_s=0.5, threads=1))
    height, width = frames[0].rgb.shape[:2]
    left, top, right, bottom = (
        round(s * side / 2) * 2 for s, side in zip(SHOWN, (width, height) * 2, strict=True)
    )
    x0, y0, x1, y1 = (round(s * side) for s, side in zip(LOGO, (width, height) * 2, strict=True))
    with VideoWriter(path, right - left, bottom - top, Fraction(25), crf=26, threads=1) as writer:
        for frame in frames:
            picture = frame.rgb.copy()
            picture[y0:y1, x0:x1] = (20, 60, 200)
            cv2.putText(
                picture, "NEWS", (x0 + 10, (y0 + y1) // 2), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 3
            )
            writer.write(np.ascontiguousarray(picture[top:bottom, left:right]))
    return path


def test_an_edited_copy_agrees_and_its_edits_are_found(take: SignedTake, edited: Path) -> None:
    found = compare_files(edited, take.unsigned, source_start_s=0.5)
    assert found.is_same
    assert 0 < found.similarity <= 1
    assert found.reason
    place = found.place
    assert place is not None
    assert (place.left, place.top, place.right, place.bottom) == pytest.approx(SHOWN, abs=0.01)
    assert place.scale == pytest.approx(1.0, abs=0.01)
    assert place.rotation_deg == pytest.approx(0.0, abs=0.3)
    assert place.is_cropped
    assert not place.is_mirrored
    (region,) = found.regions
    assert (region["x0"], region["y0"], region["x1"], region["y1"]) == pytest.approx(LOGO, abs=0.06)
    assert found.picture.startswith(b"\xff\xd8\xff"), "the map is a JPEG"
    assert cv2.imdecode(np.frombuffer(found.picture, np.uint8), cv2.IMREAD_COLOR) is not None


def test_an_untouched_copy_shows_no_difference(take: SignedTake) -> None:
    found = compare_files(take.signed, take.unsigned)
    assert found.is_same
    assert found.regions == ()
    assert found.place is not None
    assert not found.place.is_cropped


def test_other_content_does_not_agree_and_says_why(take: SignedTake, real_media: Path) -> None:
    other = real_media / "intel-sample-videos" / "bottle-detection.mp4"
    found = compare_files(other, take.unsigned, span=(0.0, 2.0))
    assert not found.is_same
    assert found.reason
    assert (found.place, found.regions, found.picture) == (None, (), b"")


def test_a_file_that_cannot_be_read_is_an_error_of_its_class(take: SignedTake, tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no film at all")
    with pytest.raises(MediaUnreadable):
        compare_files(tmp_path / "words.mp4", take.unsigned)
    for pair in ((tmp_path / "gone.mp4", take.unsigned), (take.unsigned, tmp_path / "gone.mp4")):
        with pytest.raises(FileMissing, match=r"gone\.mp4"):
            compare_files(*pair)


def test_a_comparison_is_ended_when_its_time_is_over(take: SignedTake) -> None:
    with pytest.raises(InspectionTimedOut):
        compare_files(take.signed, take.unsigned, timeout_s=0.2)


def test_a_comparison_s_request_survives_the_trip() -> None:
    request = protocol.ComparisonRequest(
        path="/a.mp4",
        reference="/b.mp4",
        geometry=(1.0, 0.0, 0.0, 1.0, 3.5, 2.25),
        span=(0.0, 2.0),
        source_start_s=None,
        speed=1.25,
        limits=InspectionLimits(cpu_s=3),
    )
    assert protocol.parse(request.to_bytes()) == request


def test_a_comparison_without_a_place_is_not_cropped() -> None:
    assert Comparison(False, 0.0, "No.").place is None
