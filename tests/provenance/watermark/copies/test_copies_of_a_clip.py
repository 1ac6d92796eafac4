"""A copy is put together without encoding, keeps its take's mark, and names its recipient after hard use."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.errors import MediaUnreadable
from provenance.media import VideoWriter, probe, read_frames
from provenance.media.splicing import read_pictures
from provenance.watermark import Detection, Detector, Payload, WatermarkKey
from provenance.watermark.carrier import TILE
from provenance.watermark.copies import LetterReader, Pair, Place, Reading, make_pair, new_word, spell, trace
from provenance.watermark.copies.carrier import PERIOD, letter_band, letter_pattern
from provenance.watermark.copies.painting import LETTER_PSNR_DB, LetterPainter

RECIPIENTS = 8
GUILTY = "copy-2"
Edit = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def words(pair: Pair) -> dict[str, str]:
    words: dict[str, str] = {}
    for number in range(RECIPIENTS):
        words[f"copy-{number}"] = new_word(pair.letters, list(words.values()))
    return words


@pytest.fixture(scope="module")
def copy(pair: Pair, words: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("copy") / "copy.mp4"
    spell(pair.first, pair.second, words[GUILTY], path)
    return path


@pytest.fixture(scope="module")
def found(copy: Path, key: WatermarkKey) -> Detection:
    return detection_in(copy, key)


def detection_in(path: Path, key: WatermarkKey) -> Detection:
    detector = Detector()
    for frame in read_frames(path, threads=1):
        detector.add(frame.luma, time_s=frame.time_s, is_key=frame.is_key)
    found = detector.detect([key])
    assert found, "the take's mark is there"
    return found[0]


def letters_in_file(path: Path, key: WatermarkKey, found: Detection) -> tuple[Reading, ...]:
    reader = LetterReader(key, found.geometry)
    frame_s = float(1 / probe(path).fps)
    for frame in read_frames(path, threads=1):
        reader.add(frame.luma, frame.time_s, frame_s)
    return Place.of(found).lay(reader.readings())


def reencoded(source: Path, dest: Path, crf: int, edit: Edit, *, start_s: float = 0.0) -> Path:
    frames = [np.ascontiguousarray(edit(f.rgb)) for f in read_frames(source, start_s=start_s, threads=1)]
    height, width = frames[0].shape[:2]
    with VideoWriter(dest, width, height, probe(source).fps, crf=crf, threads=1) as writer:
        for rgb in frames:
            writer.write(rgb)
    return dest


def smaller(rgb: np.ndarray) -> np.ndarray:
    height, width = (side * 3 // 8 * 2 for side in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def cropped(rgb: np.ndarray) -> np.ndarray:
    return rgb[40:-60, 70:-30]


def test_the_letters_lie_beside_the_mark_and_not_upon_it(key: WatermarkKey) -> None:
    pattern = letter_pattern(key)
    assert pattern.shape == (PERIOD, PERIOD)
    assert pattern.std() == pytest.approx(1.0, abs=1e-4)
    folded = pattern.reshape(2, TILE, 2, TILE).sum(axis=(0, 2))
    assert np.abs(folded).max() < 1e-4, "where the mark's tiles are summed up, the letters cancel"
    assert len(letter_band().ky) > 200


def test_keys_have_letters_of_their_own(key: WatermarkKey, other_key: WatermarkKey) -> None:
    assert abs(np.corrcoef(letter_pattern(key).ravel(), letter_pattern(other_key).ravel())[0, 1]) < 0.2


def test_painting_keeps_to_its_quality(long_master: Path, key: WatermarkKey) -> None:
    info = probe(long_master)
    painter = LetterPainter(key, info.width, info.height)
    errors = []
    for number, picture in enumerate(read_pictures(long_master, threads=1)):
        with_a, with_b = painter.paint(picture.luma)
        assert with_a.shape == with_b.shape == picture.luma.shape
        errors.append(np.mean((with_a.astype(float) - picture.luma) ** 2))
        if number == 24:
            break
    psnr_db = 10 * np.log10(255.0**2 / np.mean(errors))
    assert LETTER_PSNR_DB - 2 <= psnr_db <= LETTER_PSNR_DB + 4


def test_flat_frames_are_painted_without_a_fault(key: WatermarkKey) -> None:
    painter = LetterPainter(key, 320, 180)
    for level in (0, 128, 255):
        with_a, with_b = painter.paint(np.full((180, 320), level, np.uint8))
        assert np.abs(with_a.astype(int) - level).max() <= 16
        assert with_b.dtype == np.uint8


def test_the_copy_itself_spells_its_word_and_keeps_the_mark(
    copy: Path, found: Detection, pair: Pair, words: dict[str, str], key: WatermarkKey, payload: Payload
) -> None:
    assert found.payload == payload
    answer = trace(letters_in_file(copy, key, found), words, search_s=0.0)
    assert [suspect.copy for suspect in answer.named] == [GUILTY]
    assert answer.named[0].agreement > 0.99
    assert answer.letters == pair.letters == 20


@pytest.mark.parametrize(
    ("crf", "edit", "start_s"),
    [(28, smaller, 0.0), (26, cropped, 0.0), (26, lambda rgb: rgb, 1.23)],
    ids=["three quarters of its size at CRF 28", "cropped", "trimmed"],
)
def test_a_copy_in_poor_shape_still_names_its_recipient(
    copy: Path,
    words: dict[str, str],
    key: WatermarkKey,
    tmp_path: Path,
    crf: int,
    edit: Edit,
    start_s: float,
) -> None:
    suspect = reencoded(copy, tmp_path / "suspect.mp4", crf, edit, start_s=start_s)
    found = detection_in(suspect, key)
    answer = trace(letters_in_file(suspect, key, found), words)
    assert [one.copy for one in answer.named] == [GUILTY]


def test_the_released_take_is_nobodys_copy(
    long_master: Path, words: dict[str, str], key: WatermarkKey
) -> None:
    found = detection_in(long_master, key)
    answer = trace(letters_in_file(long_master, key, found), words)
    assert answer.named == ()
    assert not answer.is_spelt


def test_another_key_reads_no_letters(
    copy: Path, found: Detection, words: dict[str, str], other_key: WatermarkKey
) -> None:
    answer = trace(letters_in_file(copy, other_key, found), words)
    assert answer.named == ()
    assert not answer.is_spelt


def test_a_master_that_breaks_off_leaves_no_pair(
    long_master: Path, key: WatermarkKey, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    whole = long_master.read_bytes()
    broken.write_bytes(whole[: len(whole) // 5])
    with pytest.raises(MediaUnreadable):
        make_pair(broken, key, tmp_path / "first.mp4", tmp_path / "second.mp4", threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]
