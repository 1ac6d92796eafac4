"""Banks take real films and stills, each content once, and say of every other file why not."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from provenance.fingerprint import fingerprint_file
from studio.errors import InputRefused
from studio.ids import uuid7
from studio.ledger.models import Entry
from studio.references.adding import add_works, media_files, path_of
from studio.references.models import Algorithm, Bank, Fingerprint, Ingest, IngestFile, Work
from studio.references.search import find_works
from studio.references.services import get_or_create_bank, load_fingerprint
from tests.studio import factories
from tests.studio.finished_take import reencode

pytestmark = pytest.mark.django_db

FILMS = {"bunny": "bigbuckbunny/bigbuckbunny.mp4", "short": "imageio/realshort.mp4"}
CUT_S = (1.5, 4.0)


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


def outcomes(results: list[IngestFile]) -> dict[str, str]:
    return {path_of(file).name: file.state for file in results}


@pytest.fixture
def shelf(real_media: Path, tmp_path: Path) -> Path:
    """A folder of good files and of every kind of bad one."""
    shelf = tmp_path / "shelf"
    (shelf / "deeper").mkdir(parents=True)
    film = real_media / FILMS["short"]
    shutil.copy(film, shelf / "film.mp4")
    shutil.copy(film, shelf / "deeper" / "the same film.mp4")
    shutil.copy(real_media / "imageio" / "chelsea.png", shelf / "cat.png")
    (shelf / "empty.mp4").write_bytes(b"")
    (shelf / "words.mp4").write_text("These are words and no film.\n" * 50)
    whole = film.read_bytes()
    (shelf / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (shelf / "notes.txt").write_text("not media by its name: never looked at")
    return shelf


def test_a_folder_is_added_whole_with_a_reason_for_each_file_that_could_not_be(
    bank: Bank, shelf: Path
) -> None:
    told: list[IngestFile] = []
    results = add_works(bank, media_files([shelf]), on_file=told.append)
    assert told == results
    assert outcomes(results) == {
        "cat.png": "added",
        "film.mp4": "known",
        "the same film.mp4": "added",
        "empty.mp4": "failed",
        "words.mp4": "failed",
        "truncated.mp4": "failed",
    }
    reasons = {path_of(added).name: added.reason for added in results if added.state == "failed"}
    assert "0 bytes" in reasons["empty.mp4"]
    assert all(len(reason) > 20 for reason in reasons.values()), reasons
    assert not any("Traceback" in reason for reason in reasons.values())
    assert Work.objects.count() == 2
    assert Fingerprint.objects.count() == sum(added.frames for added in results)
    assert Entry.objects.filter(event="work.added").count() == 2

    # What was added is fingerprinted as the library does it, and adding again changes nothing.
    film = Work.objects.get(title="the same film.mp4")
    expected = fingerprint_file(shelf / "film.mp4")
    stored = load_fingerprint(work=film)
    assert stored is not None
    assert (stored.frames, stored.algorithms) == (expected.frames, expected.algorithms)
    np.testing.assert_array_equal(stored.track.hashes, expected.track.hashes)
    good = [
        path for path in media_files([shelf]) if path.name in ("cat.png", "film.mp4", "the same film.mp4")
    ]
    assert set(outcomes(add_works(bank, good)).values()) == {"known"}
    assert Work.objects.count() == 2
    assert Entry.objects.filter(event="work.added").count() == 2


def test_a_still_is_a_work_of_one_frame(bank: Bank, real_media: Path) -> None:
    (added,) = add_works(bank, [real_media / "imageio" / "astronaut.png"])
    assert (added.state, added.frames) == ("added", 1)
    work = Work.objects.get()
    assert (work.width, work.height) == (512, 512)


def test_adding_goes_on_where_it_was_interrupted(bank: Bank, real_media: Path) -> None:
    files = [real_media / "imageio" / name for name in ("camera.png", "coins.png", "moon.png")]

    class PowerCut(Exception):
        pass

    def cut(added: IngestFile) -> None:
        if path_of(added).name == "coins.png":
            raise PowerCut

    with pytest.raises(PowerCut):
        add_works(bank, files, on_file=cut)
    waiting = IngestFile.objects.get(name="moon.png")
    assert (waiting.state, waiting.attempts_started) == ("waiting", 0)
    assert list(outcomes(add_works(bank, files)).values()) == ["added", "added", "added"]
    assert Work.objects.count() == 3
    ingest = Ingest.objects.get()
    assert ingest.state == Ingest.State.FINISHED, "the second call went on with the first one's ingest"
    assert list(outcomes(add_works(bank, files)).values()) == ["known", "known", "known"]
    assert Ingest.objects.count() == 2


def test_the_same_film_belongs_to_each_bank_it_is_put_in(bank: Bank, real_media: Path) -> None:
    other = get_or_create_bank(bank.studio, "More films")
    still = real_media / "imageio" / "coins.png"
    for one in (bank, other):
        assert outcomes(add_works(one, [still])) == {"coins.png": "added"}
    assert Work.objects.count() == 2


def test_a_file_that_vanished_or_is_a_folder_is_a_row_with_a_reason(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    results = add_works(bank, [tmp_path / "gone.mp4", tmp_path / "folder.mp4"])
    assert [added.state for added in results] == ["failed", "failed"]
    gone, folder = results
    assert "not there any more" in gone.reason
    assert "cannot be opened" in folder.reason


def test_sound_without_pictures_cannot_be_a_work(bank: Bank, real_media: Path) -> None:
    (added,) = add_works(bank, [real_media / "augly-audio-mono" / "test_clip.wav"])
    assert added.state == "failed"
    assert added.reason


def test_a_name_that_is_no_text_is_kept_as_far_as_it_can_be_written(
    bank: Bank, real_media: Path, tmp_path: Path
) -> None:
    named = tmp_path / os.fsdecode(b"caf\xe9 \xf0\x9f\x8e\xac.png")
    shutil.copy(real_media / "imageio" / "coins.png", named)
    (added,) = add_works(bank, media_files([tmp_path]))
    assert added.state == "added", added.reason
    assert Work.objects.get().title == "caf? 🎬.png"


def test_a_path_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="nothing at") as refusal:
        media_files([tmp_path, tmp_path / "missing"])
    assert refusal.value.hint


def test_a_folder_is_walked_in_order_and_only_for_media(shelf: Path) -> None:
    names = [str(path.relative_to(shelf)) for path in media_files([shelf])]
    assert names == sorted(names)
    assert "notes.txt" not in names
    assert media_files([shelf / "notes.txt"]) == [shelf / "notes.txt"], "a named file is taken at its word"


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\0b", "line\nbreak", "\ud800", "\x1b[31m"])
def test_a_bank_needs_a_name_that_can_be_shown(name: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        get_or_create_bank(factories.make_studio(), name)
    refusal.value.render().encode()
    assert refusal.value.hint
    assert not Bank.objects.exists()


def test_a_bank_is_made_once_per_name_and_studio(bank: Bank) -> None:
    assert get_or_create_bank(bank.studio, " Films ").pk == bank.pk
    assert get_or_create_bank(factories.make_studio("south"), "Films").pk != bank.pk
    assert Entry.objects.filter(event="bank.created").count() == 2


def test_a_fingerprint_is_of_a_work_or_of_a_take_and_never_of_both_or_neither(bank: Bank) -> None:
    work = factories.make_work(bank)
    take = factories.make_take(factories.make_shot(bank.studio), factories.make_person(bank.studio))
    algorithm = Algorithm.objects.create(names=["pdq-256/test"])
    fields = {"frame_index": 0, "time_s": 0.0, "duration_s": 0.25, "quality": 100, "algorithm": algorithm}
    fields |= {"pdq": bytes(32), "phash": bytes(8)}
    for owners in ({}, {"work": work, "take": take}):
        with pytest.raises(IntegrityError, match="fingerprint_of_one_thing"), transaction.atomic():
            Fingerprint.objects.create(**fields, **owners)
    with pytest.raises(IntegrityError, match="fingerprint_quality_is_percent"), transaction.atomic():
        Fingerprint.objects.create(**{**fields, "quality": 101}, work=work)


def test_a_cut_out_of_the_middle_is_found_with_its_time_range(
    bank: Bank, real_media: Path, tmp_path: Path
) -> None:
    film = real_media / FILMS["bunny"]
    unrelated = real_media / "imageio" / "cockatoo.mp4"
    (added,) = add_works(bank, [film])
    assert added.state == "added", added.reason
    work = Work.objects.get()
    start_s, end_s = CUT_S
    cut, other = tmp_path / "cut.mp4", tmp_path / "other.mp4"
    reencode(film, cut, crf=35, start_s=start_s, end_s=end_s)
    reencode(unrelated, other, crf=35, start_s=2.0, end_s=4.0)

    (found,) = find_works(fingerprint_file(cut), [bank.studio_id])
    assert found.subject_id == work.pk
    (segment,) = found.segments
    assert segment.reference_start_s == pytest.approx(start_s, abs=0.3)
    assert segment.reference_end_s == pytest.approx(end_s, abs=0.5)
    assert segment.query_start_s == pytest.approx(0.0, abs=0.3)
    assert segment.query_end_s == pytest.approx(end_s - start_s, abs=0.5)
    assert segment.speed == pytest.approx(1.0, abs=0.05)

    assert find_works(fingerprint_file(other), [bank.studio_id]) == []
    stranger = factories.make_studio("south")
    assert find_works(fingerprint_file(cut), [stranger.pk, uuid7()]) == []
