"""Pieces of two encodings are put together bit by bit: what comes out shows exactly what went in, at its time."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.errors import MediaUnreadable
from provenance.media import VideoWriter, probe, read_frames
from provenance.media.splicing import (
    NotSpliceable,
    PieceWriter,
    first_frame_of,
    pieces_in,
    read_pictures,
    splice,
)

HALF_S = Fraction(1, 2)
SIZE = (320, 180)
NTSC = Fraction(24000, 1001)
FRAMES = 62


@pytest.fixture(scope="module")
def film(real_media: Path) -> Path:
    return real_media / "bigbuckbunny" / "bigbuckbunny.mp4"


def pictures(film: Path, count: int = FRAMES) -> Iterator[np.ndarray]:
    for frame in read_frames(film, end_s=count / 25, threads=1):
        yield cv2.resize(frame.rgb, SIZE, interpolation=cv2.INTER_AREA)


def encode(path: Path, film: Path, fps: Fraction, *, is_inverted: bool = False, count: int = FRAMES) -> Path:
    with PieceWriter(path, *SIZE, fps, piece_s=HALF_S, crf=24, threads=1) as writer:
        for rgb in pictures(film, count):
            writer.write(255 - rgb if is_inverted else rgb)
    return path


@pytest.fixture(scope="module")
def pair(film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The film and its negative, at a rate at which half a second is no whole number of frames."""
    folder = tmp_path_factory.mktemp("pair")
    first = encode(folder / "first.mp4", film, NTSC)
    return first, encode(folder / "second.mp4", film, NTSC, is_inverted=True)


def lumas(path: Path) -> list[np.ndarray]:
    return [frame.luma for frame in read_frames(path, threads=1)]


def test_every_piece_shows_exactly_the_frames_of_the_file_it_was_taken_from(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    letters = [0, 1, 1, 0, 1, 0]
    assert pieces_in(FRAMES, NTSC, HALF_S) == len(letters)
    done = splice(*pair, letters, tmp_path / "copy.mp4")
    assert (done.pieces, done.frames) == (6, FRAMES)
    shown = list(read_frames(tmp_path / "copy.mp4", threads=1))
    sources = [lumas(path) for path in pair]
    assert len(shown) == FRAMES
    for index, frame in enumerate(shown):
        piece = max(k for k in range(6) if first_frame_of(k, NTSC, HALF_S) <= index)
        assert np.array_equal(frame.luma, sources[letters[piece]][index]), f"frame {index}"
        assert frame.time_s == pytest.approx(float(index / NTSC), abs=1e-4)
    assert probe(tmp_path / "copy.mp4").fps == NTSC


def test_the_sound_goes_with_it_as_it_was(pair: tuple[Path, Path], film: Path, tmp_path: Path) -> None:
    assert probe(film).has_audio
    splice(*pair, [0, 1, 0, 1, 0, 1], tmp_path / "copy.mp4", sound_of=film)
    assert probe(tmp_path / "copy.mp4").has_audio
    assert len(lumas(tmp_path / "copy.mp4")) == FRAMES


@pytest.mark.parametrize("letters", [[0], [0] * 5, [0] * 7])
def test_a_wrong_number_of_letters_is_refused_and_leaves_nothing(
    pair: tuple[Path, Path], tmp_path: Path, letters: list[int]
) -> None:
    with pytest.raises(NotSpliceable, match=f"{len(letters)} letters"):
        splice(*pair, letters, tmp_path / "copy.mp4")
    assert list(tmp_path.iterdir()) == []


def test_files_that_do_not_belong_together_are_refused(
    pair: tuple[Path, Path], film: Path, tmp_path: Path
) -> None:
    shorter = encode(tmp_path / "shorter.mp4", film, NTSC, count=30)
    with pytest.raises(NotSpliceable, match=r"more pieces|not show the same moments"):
        splice(pair[0], shorter, [0] * 6, tmp_path / "copy.mp4")
    with VideoWriter(tmp_path / "open.mp4", *SIZE, NTSC, crf=24, threads=1) as writer:
        for rgb in pictures(film):
            writer.write(rgb)
    with pytest.raises(NotSpliceable):
        splice(pair[0], tmp_path / "open.mp4", [0] * 6, tmp_path / "copy.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["open.mp4", "shorter.mp4"]


def test_a_cut_off_file_is_refused_and_leaves_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(pair[1].read_bytes()[:2000])
    with pytest.raises((MediaUnreadable, NotSpliceable)):
        splice(pair[0], broken, [0] * 6, tmp_path / "copy.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]


def test_a_piece_shorter_than_a_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSpliceable, match="no frame of its own"):
        PieceWriter(tmp_path / "slow.mp4", *SIZE, Fraction(1), piece_s=HALF_S)


@pytest.mark.parametrize(
    "fps", [Fraction(2), Fraction(10), Fraction(24), Fraction(30000, 1001), Fraction(60)]
)
def test_pieces_cover_all_frames_without_overlap(fps: Fraction) -> None:
    for duration_frames in (1, 2, 11, 12, 13, 59, 120, 121):
        count = pieces_in(duration_frames, fps, HALF_S)
        starts = [first_frame_of(piece, fps, HALF_S) for piece in range(count)]
        assert starts[0] == 0
        assert sorted(set(starts)) == starts
        assert starts[-1] < duration_frames <= first_frame_of(count, fps, HALF_S)


def test_pictures_read_for_encoding_may_be_changed_without_harm(pair: tuple[Path, Path]) -> None:
    expected = lumas(pair[0])
    for index, picture in enumerate(read_pictures(pair[0], threads=1)):
        assert np.array_equal(picture.luma, expected[index])
        picture.luma = np.zeros_like(picture.luma)
