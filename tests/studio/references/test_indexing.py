"""The search answers the same from every engine, and says what the database says at the moment it is asked."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from provenance.fingerprint.contents import ClipFingerprint, FrameFingerprint, Keyframe
from provenance.fingerprint.index import Hits
from studio.references.indexes import background
from studio.references.indexes.building import Built, build, needs_build
from studio.references.indexes.inside_postgres import (
    PostgresIndex,
    StreamedIndex,
    search_parameters,
    search_sql,
)
from studio.references.indexes.segments import LiveSegments
from studio.references.indexes.sources import Source, features, frames
from studio.references.indexing import ChosenIndex
from studio.references.models import Fingerprint, IndexBuild, Work
from studio.references.models import Keyframe as KeyframeRow
from studio.references.services import get_or_create_bank
from studio.references.standing import restore_work, withdraw_work
from studio.references.storing import forget_fingerprint, store_fingerprints
from tests.provenance.fingerprint.hashes_for_search import (
    Hashes,
    assert_same,
    clustered_hashes,
    compared,
    flipped,
    random_hashes,
    spread_over,
)
from tests.studio import factories
from tests.studio.references.own_database import own_database, search_folder

__all__ = ["own_database", "search_folder"]

pytestmark = pytest.mark.usefixtures("own_database", "search_folder")

FRAMES, FEATURES = frames(100), features(100)
RNG = np.random.default_rng(4)
CHUNKS = [[bit for bit in range(256) if (bit // 16 + bit % 16) % 16 == chunk] for chunk in range(16)]


@pytest.fixture
def new_work(own_database: None) -> Iterator[Callable[..., Work]]:
    """Makes works of hashes, committed; they are gone after the test."""
    bank = get_or_create_bank(factories.make_studio(f"s{RNG.integers(1 << 40)}"), "Films")

    def make(hashes: Hashes, *, quality: int = 100, described: Sequence[Hashes] = ()) -> Work:
        work = factories.make_work(bank, f"work {RNG.integers(1 << 40)}")
        shown = tuple(
            FrameFingerprint(n, n / 4, one.tobytes(), bytes(8), quality) for n, one in enumerate(hashes)
        )
        store_fingerprints(
            ClipFingerprint(frames=shown, keyframes=tuple(map(_keyframe, described))), work=work
        )
        return work

    yield make
    with transaction.atomic():
        for work in Work.objects.all():
            forget_fingerprint(work=work)
    IndexBuild.objects.all().delete()


def _keyframe(descriptors: Hashes) -> Keyframe:
    return Keyframe(0, 0.0, 640, 360, np.zeros((len(descriptors), 2), np.uint16), descriptors, b"jpeg")


def stored_frames() -> tuple[np.ndarray, Hashes]:
    rows = list(Fingerprint.objects.filter(quality__gte=50).order_by("pk").values_list("pk", "pdq"))
    return (
        np.array([pk for pk, _ in rows], np.int64),
        np.frombuffer(b"".join(pdq for _, pdq in rows), np.uint8).reshape(-1, 32),
    )


def answers_from(engine: object, hashes: Hashes, radius: int = 31) -> Hits:
    return engine.search(hashes, radius)  # type: ignore[attr-defined, no-any-return]


def built(source: Source = FRAMES, *, rebuild: bool = False) -> Built:
    done = build(source, rebuild=rebuild)
    assert done is not None
    return done


def uses_segments(source: Source = FRAMES) -> bool:
    return LiveSegments(source).parts() is not None


def found_rows(engine: object, one: np.ndarray) -> set[int]:
    return set(answers_from(engine, one[None]).row.tolist())


def pk_of(work: Work) -> int:
    return int(Fingerprint.objects.get(work=work).pk)


@pytest.mark.parametrize("radius", [0, 7, 15, 16, 20, 31, 32, 40, 47, 48, 70])
def test_every_engine_answers_what_comparing_everything_answers(
    new_work: Callable[..., Work], radius: int
) -> None:
    rng = np.random.default_rng(radius)
    hashes = np.concatenate([clustered_hashes(rng, 160), random_hashes(rng, 60), np.zeros((3, 32), np.uint8)])
    new_work(hashes)
    new_work(random_hashes(rng, 20), quality=49)
    new_work(hashes[:5])
    rows, stored = stored_frames()
    asked = np.stack(
        [
            flipped(stored[rng.integers(len(stored))], rng.permutation(256)[: rng.integers(0, 50)])
            for _ in range(20)
        ]
        + [
            spread_over(stored[at], CHUNKS, [2 - (chunk == at) for chunk in range(16)], rng)
            for at in range(16)
        ]
        + [np.zeros(32, np.uint8)]
    )
    expected = compared(rows, stored, asked, radius)
    assert_same(answers_from(PostgresIndex(FRAMES), asked, radius), expected)
    assert_same(answers_from(StreamedIndex(FRAMES), asked, radius), expected)
    assert_same(answers_from(ChosenIndex(FRAMES), asked, radius), expected)
    assert not uses_segments()
    assert built().rows == len(rows)
    assert uses_segments()
    new_work(hashes[7:9])
    rows, stored = stored_frames()
    expected = compared(rows, stored, asked, radius)
    assert_same(answers_from(ChosenIndex(FRAMES), asked, radius), expected)
    assert_same(answers_from(PostgresIndex(FRAMES), asked, radius), expected)


def test_more_hashes_than_one_statement_takes(new_work: Callable[..., Work]) -> None:
    hashes = random_hashes(RNG, 150)
    new_work(hashes)
    found = answers_from(PostgresIndex(FRAMES), hashes)
    assert found.query.tolist() == list(range(150))
    assert len(answers_from(PostgresIndex(FRAMES), hashes[:0])) == 0
    assert len(answers_from(ChosenIndex(FRAMES), hashes[:0])) == 0


def test_the_plan_looks_up_and_never_reads_the_table(new_work: Callable[..., Work]) -> None:
    hashes = random_hashes(RNG, 300)
    new_work(hashes)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE references_fingerprint")
        cursor.execute(f"EXPLAIN {search_sql(FRAMES)}", search_parameters(hashes[:9], 31))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "references_fingerprint_pdq_keys" in plan
    assert "Seq Scan on references_fingerprint" not in plan


def test_a_row_is_found_as_soon_as_its_transaction_commits(new_work: Callable[..., Work]) -> None:
    new_work(random_hashes(RNG, 200))
    built()
    index = ChosenIndex(FRAMES)
    (one,) = random_hashes(RNG, 1)
    for _ in range(3):
        assert found_rows(index, one) == set()
        work = new_work(one[None])
        assert found_rows(index, one) == {pk_of(work)}
        (one,) = random_hashes(RNG, 1)
    assert uses_segments()


def test_rows_of_a_slow_transaction_are_not_lost(new_work: Callable[..., Work]) -> None:
    """Their ids lie below those of rows that are in segments already when they become visible."""
    work = new_work(random_hashes(RNG, 200))
    slow, quick, still_open = random_hashes(RNG, 3)
    index = ChosenIndex(FRAMES)
    others = [_insert_slowly(work, slow), _insert_slowly(work, still_open)]
    quick_pk = pk_of(new_work(quick[None]))
    built()
    assert found_rows(index, slow) == set()
    others[0].commit()
    (slow_pk,) = found_rows(index, slow)
    assert slow_pk < quick_pk
    new_work(random_hashes(RNG, 1))
    assert found_rows(index, slow) == {slow_pk}, "kept by the process"
    assert found_rows(ChosenIndex(FRAMES), slow) == {slow_pk}, "read by another"
    built(rebuild=True)
    assert found_rows(index, still_open) == set()
    others[1].commit()
    assert len(found_rows(index, still_open)) == 1
    assert len(found_rows(ChosenIndex(FRAMES), still_open)) == 1
    for other in others:
        other.close()


def _insert_slowly(work: Work, one: np.ndarray) -> Any:
    """Another connection that has inserted a frame and not committed yet."""
    other = connections["default"].copy()
    other.ensure_connection()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(
            """INSERT INTO references_fingerprint (work_id, frame_index, time_s, duration_s, quality,
                   is_shot_start, algorithm_id, pdq, phash)
               SELECT work_id, 999, 0, 1, 100, false, algorithm_id, ('x' || %s)::bit(256), phash
               FROM references_fingerprint WHERE work_id = %s LIMIT 1""",
            [one.tobytes().hex(), work.pk],
        )
    return other


def test_ones_own_uncommitted_rows_are_found_and_those_after_them(new_work: Callable[..., Work]) -> None:
    new_work(random_hashes(RNG, 200))
    built()
    index = ChosenIndex(FRAMES)
    first, second, third = random_hashes(RNG, 3)
    with transaction.atomic():
        for one in (first, second):
            work = new_work(one[None])
            assert found_rows(index, one) == {pk_of(work)}
        transaction.set_rollback(True)
    assert found_rows(index, first) == found_rows(index, second) == set()
    work = new_work(third[None])
    assert found_rows(index, third) == {pk_of(work)}


def test_what_is_deleted_or_withdrawn_is_never_found(new_work: Callable[..., Work]) -> None:
    hashes = random_hashes(RNG, 200)
    old = new_work(hashes)
    built()
    young = new_work(hashes[:5])
    index, inside = ChosenIndex(FRAMES), PostgresIndex(FRAMES)
    assert uses_segments()
    for work in (old, young):
        withdraw_work(work, "Sold.")
        for engine in (index, inside):
            gone = set(Fingerprint.objects.filter(work=work).values_list("pk", flat=True))
            assert gone.isdisjoint(answers_from(engine, hashes).row.tolist())
        restore_work(work)
    assert len(answers_from(index, hashes)) == 205
    forget_fingerprint(work=old)
    assert answers_from(index, hashes).query.tolist() == [0, 1, 2, 3, 4]
    forget_fingerprint(work=young)
    assert len(answers_from(index, hashes)) == 0


def test_a_hash_that_is_changed_is_found_as_it_is_now(new_work: Callable[..., Work]) -> None:
    before, after = random_hashes(RNG, 2)
    new_work(random_hashes(RNG, 200))
    work = new_work(before[None])
    built()
    index = ChosenIndex(FRAMES)
    Fingerprint.objects.filter(work=work).update(pdq=after.tobytes())
    assert found_rows(index, before) == set()
    assert found_rows(index, after) == {pk_of(work)}


def test_newer_rows_become_segments_and_segments_become_fewer(
    new_work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.references.indexes.building.SEGMENT_FROM_HASHES", 10)
    first = new_work(random_hashes(RNG, 100))
    assert needs_build(FRAMES)
    assert built() == Built(added=100, rows=100, segments=1)
    assert not needs_build(FRAMES)
    assert built() == Built(added=0, rows=100, segments=1)
    for count in (2, 3):
        new_work(random_hashes(RNG, 10))
        assert needs_build(FRAMES)
        assert built().segments == count
    gone = new_work(random_hashes(RNG, 10))
    forget_fingerprint(work=gone)
    forget_fingerprint(work=first)
    new_work(random_hashes(RNG, 10))
    assert built() == Built(added=10, rows=30, segments=1), "merged, without what was deleted"
    rows, stored = stored_frames()
    assert_same(answers_from(ChosenIndex(FRAMES), stored), compared(rows, stored, stored, 31))
    assert IndexBuild.objects.count() == 4


def test_few_frames_are_left_to_the_database(new_work: Callable[..., Work]) -> None:
    new_work(random_hashes(RNG, 99))
    assert not needs_build(FRAMES)
    assert built().segments == 0
    assert not uses_segments()
    assert built(rebuild=True).rows == 99, "but for whoever insists"
    assert uses_segments()


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "manifest"])
def test_damaged_segments_are_not_searched_and_built_again(
    new_work: Callable[..., Work], search_folder: Path, damage: str
) -> None:
    hashes = random_hashes(RNG, 200)
    new_work(hashes)
    built()
    (path,) = search_folder.rglob("*.segment")
    if damage == "changed":
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "missing":
        path.unlink()
    else:
        (manifest,) = search_folder.rglob("manifest.json")
        manifest.write_text(manifest.read_text()[:-9])
    index = ChosenIndex(FRAMES)
    assert len(answers_from(index, hashes)) == 200
    assert not uses_segments()
    assert needs_build(FRAMES)
    assert built() == Built(added=200, rows=200, segments=1)
    assert uses_segments()
    assert len(answers_from(index, hashes)) == 200
    assert list(search_folder.rglob("*.damaged")) == []


def test_segments_of_a_later_state_than_the_restored_database_are_not_used(
    new_work: Callable[..., Work],
) -> None:
    hashes = random_hashes(RNG, 200)
    new_work(hashes)
    built()
    IndexBuild.objects.all().delete()  # as a backup from before the build does not have it
    assert not uses_segments()
    assert len(answers_from(ChosenIndex(FRAMES), hashes)) == 200
    assert built().added == 200
    assert uses_segments()


def test_rows_restored_with_transactions_still_to_come_are_found_once(new_work: Callable[..., Work]) -> None:
    hashes = random_hashes(RNG, 200)
    early = new_work(hashes[:100])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE references_fingerprint SET written_by = '999999999999'")
    built()
    new_work(hashes[100:])
    index = ChosenIndex(FRAMES)
    assert uses_segments()
    assert len(answers_from(index, hashes)) == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE references_fingerprint SET written_by = '999999999999' WHERE work_id = %s", [early.pk]
        )
    assert len(answers_from(ChosenIndex(FRAMES), hashes)) == 200
    built(rebuild=True)
    assert len(answers_from(ChosenIndex(FRAMES), hashes)) == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM references_fingerprint"
            " WHERE written_by >= pg_snapshot_xmax(pg_current_snapshot())"
        )
        assert cursor.fetchone() == (0,)


def test_the_database_alone_says_which_transaction_wrote_a_row(new_work: Callable[..., Work]) -> None:
    work = new_work(random_hashes(RNG, 1))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO references_fingerprint (work_id, frame_index, time_s, duration_s, quality,
                   is_shot_start, algorithm_id, pdq, phash, written_by)
               SELECT work_id, 7, 0, 1, 100, false, algorithm_id, pdq, phash, '3'
               FROM references_fingerprint WHERE work_id = %s
               RETURNING written_by = pg_current_xact_id()""",
            [work.pk],
        )
        assert cursor.fetchone() == (True,)


def test_of_two_builders_one_builds(new_work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch) -> None:
    new_work(random_hashes(RNG, 200))
    other = connections["default"].copy()
    results = []

    def build_too(word: str, _done: int, _total: int) -> None:
        mine = connections["default"]
        connections["default"] = other
        try:
            results.append(build(FRAMES))
        finally:
            connections["default"] = mine

    done = build(FRAMES, on_progress=build_too)
    other.close()
    assert done == Built(added=200, rows=200, segments=1)
    assert set(results) == {None}


def test_a_tail_too_long_to_compare_is_left_to_the_database(
    new_work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.references.indexes.tail.MOST_HASHES", 50)
    hashes = random_hashes(RNG, 200)
    new_work(hashes[:100])
    built()
    new_work(hashes[100:140])
    index = ChosenIndex(FRAMES)
    assert uses_segments()
    assert len(answers_from(index, hashes)) == 140
    new_work(hashes[140:])
    assert not uses_segments()
    assert len(answers_from(index, hashes)) == 200


def test_features_of_keyframes_are_found_by_frame_and_number(new_work: Callable[..., Work]) -> None:
    described = [random_hashes(RNG, count) for count in (128, 0, 3, 60)]
    new_work(random_hashes(RNG, 1), described=described)
    keyframes = list(KeyframeRow.objects.order_by("pk"))
    rows = np.concatenate(
        [row.pk * 128 + np.arange(len(one)) for row, one in zip(keyframes, described, strict=True)]
    ).astype(np.int64)
    stored = np.concatenate(described)
    asked = np.stack([flipped(one, RNG.permutation(256)[: RNG.integers(0, 60)]) for one in stored[::7]])
    expected = compared(rows, stored, asked, 48)
    index = ChosenIndex(FEATURES)
    assert_same(answers_from(StreamedIndex(FEATURES), asked, 48), expected)
    assert_same(answers_from(index, asked, 48), expected)
    assert built(FEATURES).rows == len(stored)
    assert_same(answers_from(index, asked, 48), expected)
    late = random_hashes(RNG, 5)
    new_work(random_hashes(RNG, 1), described=[late])
    assert found_rows(index, late[4]) == {KeyframeRow.objects.latest("pk").pk * 128 + 4}
    keyframes[0].delete()
    found = answers_from(index, described[0])
    assert len(found) == 0


def test_a_builder_that_meets_a_damaged_segment_begins_anew(
    new_work: Callable[..., Work], search_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.references.indexes.building.SEGMENT_FROM_HASHES", 10)
    new_work(random_hashes(RNG, 100))
    built()
    for _ in range(2):
        new_work(random_hashes(RNG, 10))
        built()
    damaged = next(search_folder.rglob("*.segment"))
    damaged.write_bytes(b"nothing")
    new_work(random_hashes(RNG, 10))
    assert built() == Built(added=130, rows=130, segments=1)


def test_the_command_builds_and_says_what_there_is(new_work: Callable[..., Work]) -> None:
    new_work(random_hashes(RNG, 60), described=[random_hashes(RNG, 9)])
    for arguments, lines in (
        ([], ["Frames: no segments", "Features: no segments"]),
        (
            ["--rebuild"],
            ["Frames: 60 hashes in 1 segments, 60 of them new.", "Features: 9 hashes in 1 segments"],
        ),
    ):
        out = io.StringIO()
        call_command("search_index", *arguments, stdout=out)
        for line, start in zip(out.getvalue().splitlines(), lines, strict=True):
            assert line.startswith(start)


def test_the_worker_starts_a_builder_once_there_is_enough(
    new_work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    class Builder:
        pid = 1 << 30

        def __init__(self, command: list[str], **_: Any) -> None:
            started.append(command)

        def poll(self) -> int | None:
            return None

    monkeypatch.setattr(background, "sources", lambda: (FRAMES, FEATURES))
    monkeypatch.setattr(background.subprocess, "Popen", Builder)
    monkeypatch.setattr(background, "_builder", None)
    assert not background.start_building_if_needed()
    new_work(random_hashes(RNG, 100))
    assert background.start_building_if_needed()
    assert not background.start_building_if_needed(), "while the first is at work"
    assert [command[-1] for command in started] == ["search_index"]


def test_many_keyframes_of_few_features_are_all_searched(
    new_work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.references.indexes.tail.MOST_HASHES", 500)
    monkeypatch.setattr("studio.references.indexes.tail.MOST_ROWS", 4)
    described = [random_hashes(RNG, 2) for _ in range(7)]
    new_work(random_hashes(RNG, 1), described=described[:4])
    index = ChosenIndex(FEATURES)
    assert uses_segments(FEATURES)
    assert len(answers_from(index, np.concatenate(described))) == 8
    new_work(random_hashes(RNG, 1), described=described[4:])
    assert not uses_segments(FEATURES)
    assert len(answers_from(ChosenIndex(FEATURES), np.concatenate(described))) == 14
    assert len(answers_from(index, np.concatenate(described))) == 14, "what it kept and what is new"
