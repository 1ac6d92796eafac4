"""Files of the index are whole or refused: whatever happens to a byte, nothing is silently searched."""

import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import FingerprintInvalid, SegmentCorrupt
from provenance.fingerprint.index import (
    LinearIndex,
    Manifest,
    SegmentStore,
    open_segment,
    to_merge,
    words_of,
    write_segment,
)
from provenance.fingerprint.index.layout import BYTES_PER_ROW, SCANNED, Layout, layout_for, segment_bytes
from tests.provenance.fingerprint.hashes_for_search import assert_same, clustered_hashes, random_hashes

NARROW = Layout((8,) * 32)
RNG = np.random.default_rng(31)


def _written(path: Path, count: int = 500) -> Path:
    write_segment(path, np.arange(count, dtype=np.int64), words_of(random_hashes(RNG, count)), NARROW)
    return path


def test_a_changed_byte_anywhere_is_noticed(tmp_path: Path) -> None:
    path = _written(tmp_path / "one")
    whole = path.read_bytes()
    open_segment(path)
    header = json.loads(whole[48 : 48 + int.from_bytes(whole[12:16], "little")])
    inside = [offset + length // 2 for _, offset, length, _ in header["arrays"]]
    for at in [0, 9, 13, 20, 60, *inside, len(whole) - 1]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(SegmentCorrupt):
            open_segment(path)


def test_a_file_cut_short_missing_or_foreign_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path / "one")
    whole = path.read_bytes()
    for size in (0, 7, 40, 3000, 20_000, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(SegmentCorrupt):
            open_segment(path)
    path.write_bytes(whole[:8] + (2).to_bytes(4, "little") + whole[12:])
    with pytest.raises(SegmentCorrupt, match="version 2"):
        open_segment(path)
    path.unlink()
    with pytest.raises(SegmentCorrupt, match="No such file"):
        open_segment(path)


def test_another_whole_segment_in_its_place_is_refused(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path)
    mine = store.add(np.arange(9), words_of(random_hashes(RNG, 9)))
    other = store.add(np.arange(9), words_of(random_hashes(RNG, 9)))
    (tmp_path / other.name).replace(tmp_path / mine.name)
    with pytest.raises(SegmentCorrupt, match="manifest"):
        SegmentStore(tmp_path).open(Manifest.new("", (mine,)))


def test_rows_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    words = words_of(random_hashes(RNG, 2))
    for rows in ([1, 1], [2, 1], [1]):
        with pytest.raises(FingerprintInvalid):
            write_segment(tmp_path / "one", np.array(rows), words)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_is_replaced_whole(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path / "new")
    assert store.manifest() is None
    entry_kept = store.add(np.arange(3), words_of(random_hashes(RNG, 3)))
    first, second = Manifest.new("5:9:", (entry_kept,)), Manifest.new("7:7:", ())
    store.commit(first)
    assert store.manifest() == first
    store.commit(second)
    assert store.manifest() == second
    path = tmp_path / "new" / "manifest.json"
    for damaged in ("", "{}", path.read_text().replace("7:7:", "8:8:"), path.read_text()[:-4]):
        path.write_text(damaged)
        with pytest.raises(SegmentCorrupt):
            store.manifest()


def test_merging_keeps_the_living_rows_once_and_the_latest_hash(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path)
    old, new = random_hashes(RNG, 6), random_hashes(RNG, 4)
    entries = (
        store.add(np.arange(6), words_of(old)),
        store.add(np.array([4, 5, 6, 7]), words_of(new)),
    )
    merged = store.merge(entries, lambda rows: rows != 1)
    index = store.open(Manifest.new("", (merged,)))
    expected = LinearIndex(np.array([0, 2, 3, 4, 5, 6, 7]), np.concatenate([old[[0, 2, 3]], new]))
    asked = np.concatenate([old, new])
    assert len(index) == 7
    assert_same(index.search(asked, 31), expected.search(asked, 31))


def test_segments_are_merged_by_fours_of_a_size() -> None:
    assert to_merge([]) == []
    assert to_merge([1000, 2000, 3000]) == []
    assert to_merge([9_000_000, 1000, 2000, 3000, 4000]) == [1, 2, 3, 4]
    assert to_merge([70_000, 1000, 80_000, 90_000, 100_000, 1000]) == [0, 2, 3, 4]
    assert to_merge([16_000_000] * 9) == []


def test_sweeping_leaves_what_is_live_or_young(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path)
    live, young, old = (store.add(np.arange(3), words_of(random_hashes(RNG, 3))) for _ in range(3))
    store.commit(Manifest.new("", (live,)))
    for entry in (live, old):
        os.utime(tmp_path / entry.name, (0, 0))
    assert store.sweep() == 1
    assert {path.name for path in tmp_path.iterdir()} == {live.name, young.name, "manifest.json"}


def _die_while_writing(directory: Path) -> None:
    """Merges the store's segments, and is killed when the new file has been written and not yet renamed."""
    store = SegmentStore(directory)
    seen = store.manifest()
    assert seen is not None
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    store.commit(Manifest.new("", (store.merge(seen.segments, lambda rows: rows >= 0),)))


def test_a_builder_killed_at_work_leaves_the_old_index_whole(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path)
    hashes = clustered_hashes(RNG, 200)
    entry = store.add(np.arange(200), words_of(hashes))
    store.commit(Manifest.new("", (entry,)))
    killed = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(tmp_path,))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    assert list(tmp_path.glob("*.new")), "it was killed while it wrote"
    manifest = SegmentStore(tmp_path).manifest()
    assert manifest is not None
    assert_same(
        SegmentStore(tmp_path).open(manifest).search(hashes, 31),
        LinearIndex(np.arange(200), hashes).search(hashes, 31),
    )


@pytest.mark.parametrize("rows", [1_000_000, 3_000_000, 10_000_000, 1 << 24])
def test_large_segments_stay_within_a_hundred_bytes_a_row(rows: int) -> None:
    layout = layout_for(rows)
    assert layout.widths
    assert sum(layout.widths) == 256
    assert segment_bytes(layout, rows) <= BYTES_PER_ROW * rows


def test_few_rows_are_compared_one_by_one() -> None:
    assert layout_for(0) == layout_for(5000) == SCANNED
