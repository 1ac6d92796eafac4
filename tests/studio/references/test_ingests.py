"""Files become works whole or are refused in words, one worker at a time, whoever dies meanwhile."""

import io
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from provenance.fingerprint.contents import ClipFingerprint, FrameFingerprint
from provenance.media import probe, read_frames, strip_metadata_copy
from studio.errors import InputRefused
from studio.ledger.models import Entry
from studio.references import working
from studio.references.adding import add_works
from studio.references.claims import (
    MAX_ATTEMPTS,
    Claim,
    ClaimLost,
    claim_file,
    claim_next,
    give_back,
    recover_lost_files,
)
from studio.references.files import INCOMING, forget_upload, local_name, received_file
from studio.references.ingesting import (
    Announced,
    UploadOutOfStep,
    abandon_upload,
    begin_upload,
    printable,
    receive_part,
    retry_failed,
)
from studio.references.models import Bank, Fingerprint, Ingest, IngestFile, Work, WorkFile
from studio.references.services import get_or_create_bank, load_fingerprint, withdraw_work
from studio.references.tasks import recover
from studio.references.working import remarks, work_on
from studio.runs.attempts import machine_name, worker_name
from studio.tenancy.models import Role
from tests.provenance.fingerprint.clips_for_tests import turn_by_header, write_frames
from tests.studio import factories

pytestmark = pytest.mark.django_db

DEAD_PID = 2**22 + 1


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


@pytest.fixture
def pictures(real_media: Path) -> list[np.ndarray]:
    """Two seconds of a parrot at 160 x 90."""
    frames = read_frames(real_media / "imageio" / "cockatoo.mp4", end_s=2.0)
    return [np.ascontiguousarray(frame.rgb[::8, ::8]) for frame in frames]


def upload(bank: Bank, path: Path, *, part_bytes: int = 1 << 30) -> IngestFile:
    """The file, sent whole or in parts, waiting for a worker."""
    actor = factories.make_person(bank.studio, Role.OPERATOR)
    content = path.read_bytes()
    file = begin_upload(bank, [Announced(path.name, len(content))], actor=actor).files.get()
    for offset in range(0, len(content), part_bytes):
        file = receive_part(file, offset, io.BytesIO(content[offset : offset + part_bytes]))
    return file


def carried(file: IngestFile) -> IngestFile:
    claim = claim_file(file.pk, worker_name())
    assert claim is not None
    return work_on(claim)


def queued_files() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args->>'file_id', queue_name, priority FROM procrastinate_jobs ORDER BY id")
        rows = cursor.fetchall()
    assert all((queue, priority) == ("ingest", -10) for _, queue, priority in rows), rows
    return [file_id for file_id, _, _ in rows]


class TestUploads:
    def test_a_file_sent_in_parts_becomes_a_work_with_a_film_and_a_poster_to_look_at(
        self, bank: Bank, real_media: Path
    ) -> None:
        source = real_media / "imageio" / "realshort.mp4"
        file = upload(bank, source, part_bytes=10_000)
        assert (file.state, file.received_bytes) == ("waiting", source.stat().st_size)
        assert queued_files() == [str(file.pk)], "its job is written with its last part"
        file = carried(file)
        assert (file.state, file.work and file.work.title) == ("added", "realshort.mp4"), file.reason
        assert not default_storage.exists(f"{INCOMING}/{file.pk}"), "the upload itself is not kept"
        kept = {shown.kind: shown for shown in WorkFile.objects.filter(work=file.work)}
        assert set(kept) == {"proxy", "poster"}
        proxy = kept["proxy"]
        seen = probe(default_storage.path(proxy.storage_name))
        assert (seen.width, seen.height, seen.has_audio) == (proxy.width, proxy.height, True)
        assert seen.duration_s == pytest.approx(probe(source).duration_s, abs=0.05)
        assert kept["poster"].content_type == "image/jpeg"
        ingest = Ingest.objects.get()
        assert ingest.state == Ingest.State.FINISHED
        told = (
            Entry.objects.exclude(event__startswith="membership")
            .order_by("id")
            .values_list("event", flat=True)
        )
        assert list(told) == ["bank.created", "ingest.started", "work.added", "ingest.finished"]
        assert Entry.objects.get(event="ingest.finished").details["added"] == 1

    def test_a_part_that_does_not_follow_says_where_to_go_on(self, bank: Bank, tmp_path: Path) -> None:
        actor = factories.make_person(bank.studio)
        file = begin_upload(bank, [Announced("film.mp4", 100)], actor=actor).files.get()
        receive_part(file, 0, io.BytesIO(bytes(40)))
        for offset in (0, 39, 41, 100):
            with pytest.raises(UploadOutOfStep) as refusal:
                receive_part(file, offset, io.BytesIO(bytes(10)))
            assert refusal.value.received_bytes == 40
        with pytest.raises(InputRefused, match="More than the 100 bytes"):
            receive_part(file, 40, io.BytesIO(bytes(61)))
        file = receive_part(file, 40, io.BytesIO(b"\1" * 60))
        assert file.state == "waiting"
        with received_file(file) as path:
            assert path.read_bytes() == bytes(40) + b"\1" * 60
            assert path.name == "film.mp4"
        assert not path.exists()

    def test_what_cannot_be_read_is_refused_before_it_is_sent(self, bank: Bank) -> None:
        actor = factories.make_person(bank.studio)
        ingest = begin_upload(bank, [Announced("empty.mp4", 0), Announced("huge.mov", 2**40)], actor=actor)
        assert [file.reason_code for file in ingest.files.all()] == ["file_empty", "media_too_large"]
        assert Ingest.objects.get().state == Ingest.State.FINISHED
        for number in (0, 5001):
            with pytest.raises(InputRefused):
                begin_upload(bank, [Announced("film.mp4", 1)] * number, actor=actor)

    def test_an_upload_of_which_nothing_comes_any_more_is_given_up(self, bank: Bank) -> None:
        actor = factories.make_person(bank.studio)
        file = begin_upload(bank, [Announced("film.mp4", 100)], actor=actor).files.get()
        receive_part(file, 0, io.BytesIO(bytes(40)))
        recover(0)
        file.refresh_from_db()
        assert file.state == "receiving"
        IngestFile.objects.update(changed_at=timezone.now() - timedelta(days=1))
        recover(0)
        file.refresh_from_db()
        assert (file.state, file.reason_code) == ("failed", "upload.broken_off")
        assert "40 of 100 bytes" in file.reason
        assert Ingest.objects.get().state == Ingest.State.FINISHED
        abandon_upload(file)

    def test_an_upload_whose_parts_are_gone_is_refused_and_not_half_read(
        self, bank: Bank, real_media: Path
    ) -> None:
        file = upload(bank, real_media / "imageio" / "coins.png", part_bytes=20_000)
        folder = f"{INCOMING}/{file.pk}"
        default_storage.delete(f"{folder}/{sorted(default_storage.listdir(folder)[1])[1]}")
        file = carried(file)
        assert (file.state, file.reason_code) == ("failed", "file_missing")
        forget_upload(file.pk)
        assert not default_storage.exists(folder)

    def test_a_failed_file_can_be_tried_again_while_its_bytes_are_kept(
        self, bank: Bank, real_media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = upload(bank, real_media / "imageio" / "coins.png")

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError("the reader broke")

        with monkeypatch.context() as patch:
            patch.setattr(working, "inspect_file", broken)
            file = carried(file)
        assert (file.state, file.reason_code, file.is_kept) == ("failed", "ingest.broken", True)
        assert "the reader broke" not in file.reason, "people read a sentence, the log has the rest"
        assert Ingest.objects.get().state == Ingest.State.FINISHED
        assert retry_failed(file.ingest) == 1
        assert Ingest.objects.get().state == Ingest.State.OPEN
        assert queued_files() == [str(file.pk)] * 2
        assert carried(file).state == "added"
        assert retry_failed(file.ingest) == 0

    def test_the_bytes_of_a_failed_file_are_forgotten_after_some_days(
        self, bank: Bank, tmp_path: Path
    ) -> None:
        words = tmp_path / "words.mp4"
        words.write_text("no film at all\n" * 20)
        file = carried(upload(bank, words))
        assert file.state == "failed"
        assert default_storage.exists(f"{INCOMING}/{file.pk}")
        IngestFile.objects.update(changed_at=timezone.now() - timedelta(days=4))
        recover(0)
        file.refresh_from_db()
        assert not file.is_kept
        assert not default_storage.exists(f"{INCOMING}/{file.pk}")
        assert retry_failed(file.ingest) == 0

    def test_what_no_row_owns_is_swept_and_the_rest_stays(self, bank: Bank, real_media: Path) -> None:
        kept = upload(bank, real_media / "imageio" / "coins.png")
        work = carried(upload(bank, real_media / "imageio" / "moon.png")).work
        media = Path(settings.MEDIA_DIR)
        stray = media / INCOMING / str(uuid4())
        leftover = media / "references" / "files" / "ab" / f"{'ab' * 32}.mp4"
        for path in (stray / "0", leftover):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"left by a killed worker")
        for path in media.rglob("*"):
            os.utime(path, (0, 0))
        recover(0)
        assert not stray.exists()
        assert not leftover.exists()
        assert default_storage.exists(f"{INCOMING}/{kept.pk}")
        assert work is not None
        assert default_storage.exists(work.files.get().storage_name)


class TestClaims:
    @pytest.fixture
    def file(self, bank: Bank, real_media: Path) -> IngestFile:
        return upload(bank, real_media / "imageio" / "coins.png")

    def test_a_file_is_worked_on_by_one_at_a_time(self, file: IngestFile) -> None:
        claim = claim_file(file.pk, "one")
        assert claim is not None
        assert claim_file(file.pk, "two") is None
        assert claim_next(file.ingest, "two") is None
        assert give_back(claim, counts=False)
        file.refresh_from_db()
        assert (file.state, file.attempts_started) == ("waiting", 0)
        assert not give_back(claim), "a claim is given back once"
        assert claim_next(file.ingest, "two") is not None

    def test_a_claim_that_was_lost_writes_nothing(self, file: IngestFile) -> None:
        stale = claim_file(file.pk, worker_name())
        assert stale is not None
        IngestFile.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        (recovered,) = recover_lost_files()
        assert recovered.state == "waiting"
        current = claim_file(file.pk, worker_name())
        assert current is not None
        before = Work.objects.count()
        with pytest.raises(ClaimLost):
            work_on(stale)
        assert Work.objects.count() == before
        assert work_on(current).state == "added"

    def test_a_worker_of_this_machine_that_is_gone_loses_its_file_at_once(self, file: IngestFile) -> None:
        claim_file(file.pk, f"{machine_name()}:{DEAD_PID}")
        assert [one.pk for one in recover_lost_files()] == [file.pk]

    def test_a_worker_of_another_machine_keeps_its_file_until_its_lease_ends(self, file: IngestFile) -> None:
        claim_file(file.pk, f"elsewhere:12345678:{DEAD_PID}")
        assert recover_lost_files() == []
        IngestFile.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        assert len(recover_lost_files()) == 1

    def test_a_file_that_takes_its_workers_with_it_is_given_up(self, file: IngestFile) -> None:
        for _ in range(MAX_ATTEMPTS):
            assert claim_file(file.pk, f"{machine_name()}:{DEAD_PID}") is not None
            recover(0)
        file.refresh_from_db()
        assert (file.state, file.reason_code) == ("failed", "ingest.given_up")
        assert "its worker was killed" in file.reason
        assert Ingest.objects.get().state == Ingest.State.FINISHED
        assert len(queued_files()) == MAX_ATTEMPTS, "each loss but the last queued it again"

    def test_what_is_known_and_set_aside_is_said(
        self, bank: Bank, file: IngestFile, real_media: Path
    ) -> None:
        work = carried(file).work
        assert work is not None
        withdraw_work(work, "Its licence ended.")
        again = carried(upload(bank, real_media / "imageio" / "coins.png"))
        assert (again.state, again.work) == ("known", work)
        assert "withdrawn" in again.reason

    def test_a_row_is_claimed_exactly_while_it_is_worked_on(self, file: IngestFile) -> None:
        for broken in ({"state": "working"}, {"claim_token": uuid4()}, {"state": "failed"}, {"state": "odd"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                IngestFile.objects.filter(pk=file.pk).update(**broken)


@pytest.mark.django_db(transaction=True)
def test_many_workers_never_take_one_file_twice(real_media: Path) -> None:
    bank = get_or_create_bank(factories.make_studio(), "Films")
    actor = factories.make_person(bank.studio)
    ingest = begin_upload(bank, [Announced(f"{n}.mp4", 1) for n in range(12)], actor=actor)
    ingest.files.update(state=IngestFile.State.WAITING)
    taken: list[UUID] = []

    def take() -> None:
        try:
            while (claim := claim_next(ingest, "racer")) is not None:
                taken.append(claim.file_id)
        finally:
            connections.close_all()

    racers = [threading.Thread(target=take) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(taken) == sorted(ingest.files.values_list("pk", flat=True))


class TestKindsOfFiles:
    """Each gets a right answer or a clear error."""

    @pytest.fixture
    def added(self, bank: Bank) -> Callable[[Path], IngestFile]:
        return lambda path: add_works(bank, [path])[0]

    def clip_of(self, file: IngestFile) -> ClipFingerprint:
        assert (file.state, file.work is None) == ("added", False), file.reason
        clip = load_fingerprint(work=file.work)
        assert clip is not None
        return clip

    def proxy_of(self, file: IngestFile) -> Any:
        shown = WorkFile.objects.get(work=file.work, kind="proxy")
        return probe(default_storage.path(shown.storage_name))

    def test_a_silent_film_is_added_and_said_to_be_silent(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        path = tmp_path / "silent.mp4"
        write_frames(path, pictures, [n / 20 for n in range(len(pictures))])
        file = added(path)
        assert self.clip_of(file).sound is None
        assert "no sound" in file.reason

    def test_a_film_of_one_frame_is_a_work(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        path = tmp_path / "one.mp4"
        write_frames(path, pictures[:1], [0.0])
        file = added(path)
        assert len(self.clip_of(file).frames) == 1
        assert "one single frame" in file.reason
        assert self.proxy_of(file).duration_frames == 1

    def test_ten_bits_are_as_good_as_eight(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        times = [n / 20 for n in range(len(pictures))]
        write_frames(tmp_path / "eight.mp4", pictures, times)
        write_frames(tmp_path / "ten.mp4", pictures, times, "yuv420p10le")
        eight, ten = (self.clip_of(added(tmp_path / name)) for name in ("eight.mp4", "ten.mp4"))
        assert [frame.time_s for frame in ten.frames] == [frame.time_s for frame in eight.frames]
        for one, other in zip(eight.frames, ten.frames, strict=True):
            assert bin(int.from_bytes(one.pdq) ^ int.from_bytes(other.pdq)).count("1") <= 12

    def test_a_film_turned_by_its_header_is_kept_as_it_is_shown(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        times = [n / 20 for n in range(len(pictures))]
        lying = [np.ascontiguousarray(np.rot90(rgb)) for rgb in pictures]
        upright, turned = tmp_path / "upright.mp4", tmp_path / "turned.mp4"
        write_frames(upright, pictures, times)
        write_frames(turned, lying, times)
        turn_by_header(turned, 1)
        straight, file = added(upright), added(turned)
        assert "turned upright by 90°" in file.reason
        assert file.work is not None
        assert straight.work is not None
        assert (file.work.width, file.work.height) == (straight.work.width, straight.work.height)
        seen = self.proxy_of(file)
        assert seen.width > seen.height, "the copy to look at stands upright too"
        for one, other in zip(self.clip_of(straight).frames, self.clip_of(file).frames, strict=True):
            assert bin(int.from_bytes(one.pdq) ^ int.from_bytes(other.pdq)).count("1") <= 20

    def test_uneven_frame_times_are_kept_and_the_proxy_follows_them(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        path = tmp_path / "uneven.mp4"
        times = [0.0]
        for number in range(1, len(pictures)):
            times.append(times[-1] + (0.02 if number % 5 else 0.4))
        write_frames(path, pictures, times)
        clip, length_s = self.clip_of(added(path)), times[-1]
        assert clip.duration_s == pytest.approx(length_s, abs=0.5)
        assert all(any(abs(frame.time_s - time_s) < 0.005 for time_s in times) for frame in clip.frames)
        assert self.proxy_of(IngestFile.objects.get()).duration_s == pytest.approx(length_s, abs=0.5)

    def test_odd_sizes_are_read_and_shown_at_even_ones(
        self, added: Callable[[Path], IngestFile], pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        path = tmp_path / "odd.mp4"
        odd = [np.ascontiguousarray(rgb[:77, :131]) for rgb in pictures]
        write_frames(path, odd, [n / 20 for n in range(len(odd))], "yuv444p")
        file = added(path)
        assert self.clip_of(file).frames
        assert file.work is not None
        assert (file.work.width, file.work.height) == (131, 77)
        seen = self.proxy_of(file)
        assert (seen.width % 2, seen.height % 2) == (0, 0)

    def test_a_film_that_breaks_off_says_where(
        self, added: Callable[[Path], IngestFile], real_media: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "cut off.mkv"
        strip_metadata_copy(real_media / "imageio" / "cockatoo.mp4", path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        file = added(path)
        assert file.state == "failed"
        assert file.hint
        assert not Fingerprint.objects.exists()
        assert not WorkFile.objects.exists()


def test_a_dark_film_is_added_with_a_warning() -> None:
    def clip(*qualities: int) -> ClipFingerprint:
        frames = (
            FrameFingerprint(n, n / 4, bytes(32), bytes(8), quality) for n, quality in enumerate(qualities)
        )
        return ClipFingerprint(frames=tuple(frames))

    assert remarks(clip(100, 100, 0), is_still=True) == []
    assert "All of it" in remarks(clip(0, 49), is_still=True)[0]
    assert "1 of 3 pictures" in remarks(clip(100, 0, 0), is_still=True)[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("C:\\fakepath\\film.mp4", "film.mp4"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\x1b[31m.mp4", "a?b?[31m.mp4"),
        ("", "file"),
        ("x" * 400 + ".mp4", "x" * 296 + ".mp4"),
    ],
)
def test_names_of_uploads_can_be_shown(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert "/" not in local_name(shown)
    assert local_name(shown).encode()


def test_a_claim_can_be_given_up_by_nobody_else(bank: Bank) -> None:
    assert not give_back(Claim(uuid4(), uuid4()))
