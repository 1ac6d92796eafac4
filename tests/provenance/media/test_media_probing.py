from fractions import Fraction
from pathlib import Path

import pytest

from provenance.errors import (
    FileEmpty,
    FileMissing,
    FormatNotAllowed,
    MediaTooLarge,
    MediaUnreadable,
    NoVideoStream,
    ProvenanceError,
)
from provenance.media import Limits, probe


def test_header_of_a_real_mp4_is_told(real_media: Path) -> None:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    info = probe(path)
    assert (info.container, info.video_codec, info.width, info.height) == ("mov", "h264", 1280, 720)
    assert (info.fps, info.duration_frames, info.has_audio) == (Fraction(25), 132, True)
    assert info.duration_s == pytest.approx(5.28)
    assert info.size_bytes == path.stat().st_size
    assert not info.is_still


def test_odd_frame_rate_stays_a_fraction(real_media: Path) -> None:
    info = probe(real_media / "imageio" / "realshort.mp4")
    assert info.fps == Fraction(45000, 1499)
    assert info.as_dict()["fps"] == "45000/1499"


def test_matroska_without_frame_count_says_so(real_media: Path) -> None:
    info = probe(real_media / "intel-sample-videos" / "again.mkv")
    assert (info.container, info.duration_frames) == ("matroska", None)
    assert info.duration_s == pytest.approx(2.6)


def test_still_image_is_a_clip_of_one_frame(real_media: Path) -> None:
    info = probe(real_media / "imageio" / "coins.png")
    assert (info.width, info.height, info.duration_frames, info.is_still) == (384, 303, 1, True)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        probe(tmp_path / "nothing.mp4")


def test_empty_file_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(FileEmpty, match="0 bytes") as caught:
        probe(path)
    assert caught.value.code == "file_empty"
    assert caught.value.hint


def test_text_called_mp4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("INT. KITCHEN - NIGHT\n" * 50)
    with pytest.raises(MediaUnreadable):
        probe(path)


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n/etc/hostname\n", "ffconcat version 1.0\nfile secret.mp4\n", "<MPD></MPD>"]
)
def test_playlists_are_never_opened(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text(text)
    with pytest.raises(FormatNotAllowed):
        probe(path)


def test_a_name_that_looks_like_a_protocol_is_only_a_name(tmp_path: Path, real_media: Path) -> None:
    path = tmp_path / "concat:a.png|b.png"
    path.write_bytes((real_media / "imageio" / "coins.png").read_bytes())
    assert probe(path).width == 384


def test_sound_only_is_told_apart(real_media: Path) -> None:
    with pytest.raises(NoVideoStream, match="only sound"):
        probe(real_media / "augly-audio-mono" / "test_clip.wav")


def test_mp4_cut_off_before_its_index_is_refused_with_a_reason(tmp_path: Path, real_media: Path) -> None:
    whole = (real_media / "bigbuckbunny" / "bigbuckbunny.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaUnreadable, match="header") as caught:
        probe(path)
    assert "cut off" in caught.value.hint
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    "limits",
    [Limits(max_bytes=1000), Limits(max_pixels=1280 * 719), Limits(max_seconds=5.0), Limits(max_frames=131)],
)
def test_every_limit_is_kept(real_media: Path, limits: Limits) -> None:
    with pytest.raises(MediaTooLarge):
        probe(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", limits)


def test_damaged_headers_never_escape_as_other_errors(tmp_path: Path, real_media: Path) -> None:
    whole = (real_media / "imageio" / "realshort.mp4").read_bytes()
    header = whole.index(b"moov")
    outcomes = set()
    for position in range(header, header + 1200, 24):
        path = tmp_path / "damaged.mp4"
        path.write_bytes(whole[:position] + b"\xff\x7f\xff" + whole[position + 3 :])
        outcomes.add(_outcome(path))
    assert outcomes >= {"read", "media_unreadable"}


def _outcome(path: Path) -> str:
    try:
        probe(path)
    except ProvenanceError as error:
        return error.code
    return "read"
