"""Every engine of the library answers what comparing everything answers, whatever the layout and the radius."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.index import (
    FrameIndex,
    LinearIndex,
    Manifest,
    SegmentStore,
    open_segment,
    words_of,
    write_segment,
)
from provenance.fingerprint.index.layout import Layout, layout_for, masks_within, radii_for
from provenance.fingerprint.index.words import bit_order
from tests.provenance.fingerprint.hashes_for_search import (
    Hashes,
    assert_same,
    clustered_hashes,
    compared,
    flipped,
    random_hashes,
    spread_over,
)

RADII = (0, 1, 5, 8, 15, 16, 22, 30, 31, 32, 36, 41, 48, 64, 100, 255)
# Narrow chunks keep the files of a test small; the widths of large segments are tried on their own.
LAYOUTS = {
    "16 chunks of 16 bits": Layout((16,) * 16),
    "uneven chunks over word ends": Layout((9, 13, 11, 14, 10, 12, 13, 7, 14, 11) + (12,) * 10 + (22,)),
}
Maker = Callable[[NDArray[np.int64], Hashes], FrameIndex]


@pytest.fixture(params=["linear", "three segments", "chosen layout", *LAYOUTS])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Puts rows and hashes into an engine."""

    def segment(rows: NDArray[np.int64], hashes: Hashes) -> FrameIndex:
        layout = LAYOUTS.get(request.param)
        write_segment(tmp_path / "one.segment", rows, words_of(hashes), layout)
        return open_segment(tmp_path / "one.segment")

    def store(rows: NDArray[np.int64], hashes: Hashes) -> FrameIndex:
        kept = SegmentStore(tmp_path)
        parts = np.array_split(np.arange(len(rows)), 3)
        entries = tuple(kept.add(rows[part], words_of(hashes[part])) for part in parts)
        return kept.open(Manifest.new("", entries))

    return {"linear": LinearIndex, "three segments": store}.get(request.param, segment)


@pytest.fixture(params=list(LAYOUTS))
def listed(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Layout, Maker]:
    """A layout, and a segment that looks up every radius, however few its rows."""
    layout = LAYOUTS[request.param]
    for name in ("SCAN_COST", "SCAN_COST_TOGETHER"):
        monkeypatch.setattr(f"provenance.fingerprint.index.layout.{name}", 1.0)

    def segment(rows: NDArray[np.int64], hashes: Hashes) -> FrameIndex:
        radii_for.cache_clear()
        write_segment(tmp_path / "one.segment", rows, words_of(hashes), layout)
        return open_segment(tmp_path / "one.segment")

    return layout, segment


@pytest.mark.parametrize("radius", RADII)
def test_random_and_clustered_hashes(make: Maker, radius: int) -> None:
    rng = np.random.default_rng(radius)
    hashes = np.concatenate([clustered_hashes(rng, 600), random_hashes(rng, 300)])
    rows = np.sort(rng.choice(1 << 40, len(hashes), replace=False)).astype(np.int64)
    asked = np.stack(
        [
            flipped(hashes[rng.integers(len(hashes))], rng.permutation(256)[: rng.integers(0, 50)])
            for _ in range(20)
        ]
    )
    assert_same(make(rows, hashes).search(asked, radius), compared(rows, hashes, asked, radius))


def test_the_same_hash_many_times_is_every_row_once(make: Maker) -> None:
    hashes = np.repeat(random_hashes(np.random.default_rng(1), 2), 400, axis=0)
    rows = np.arange(800, dtype=np.int64)
    found = make(rows, hashes).search(np.repeat(hashes[:1], 3, axis=0), 31)
    np.testing.assert_array_equal(found.row, np.tile(rows[:400], 3))
    np.testing.assert_array_equal(found.query, np.repeat([0, 1, 2], 400))
    assert not found.distance.any()


def test_nothing_stored_and_nothing_asked(make: Maker) -> None:
    rng = np.random.default_rng(2)
    nothing, some = random_hashes(rng, 0), random_hashes(rng, 50)
    assert len(make(np.arange(50), some).search(nothing, 31)) == 0
    assert len(make(np.zeros(0, np.int64), nothing).search(some, 31)) == 0


def test_questions_that_make_no_sense_are_refused(make: Maker) -> None:
    index = make(np.arange(3), random_hashes(np.random.default_rng(3), 3))
    for hashes, radius in (
        (np.zeros((1, 31), np.uint8), 31),
        (np.zeros(32, np.uint8), 31),
        (np.zeros((1, 32), np.int64), 31),
        (np.zeros((1, 32), np.uint8), -1),
        (np.zeros((1, 32), np.uint8), 256),
    ):
        with pytest.raises(FingerprintInvalid):
            index.search(hashes, radius)


@pytest.mark.parametrize("radius", [*range(32), 36, 41, 47])
def test_flips_spread_so_that_only_one_chunk_is_near_enough(
    listed: tuple[Layout, Maker], radius: int
) -> None:
    """For every chunk: all others differ by one bit more than they are probed for, as far as the flips go.

    That is the adversary's best: a layout or choice of radii with a hole anywhere would miss one of these.
    """
    layout, make = listed
    rng = np.random.default_rng(100 + radius)
    order = bit_order()
    chunks = [
        order[start : start + width].tolist()
        for start, width in zip(layout.starts, layout.widths, strict=True)
    ]
    stored = random_hashes(rng, 200)
    make(np.arange(len(stored)), stored)
    radii = radii_for(layout, radius, len(stored))
    assert radii is not None
    assert sum(reach + 1 for reach in radii) > radius, "the generalised pigeonhole"
    asked = []
    for spared in range(len(chunks)):
        counts = [reach + 1 for reach in radii]
        counts[spared] = 0
        counts[spared] = max(0, radius - sum(counts))
        while sum(counts) > radius:
            counts[int(np.argmax(counts))] -= 1
        asked.append(spread_over(stored[spared], chunks, counts, rng))
    rows = np.arange(len(stored), dtype=np.int64)
    found = make(rows, stored).search(np.stack(asked), radius)
    assert_same(found, compared(rows, stored, np.stack(asked), radius))
    assert set(range(len(chunks))) <= set(found.query.tolist())


def test_the_layout_of_ten_million_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_for(10_000_000)
    assert layout.widths == (21,) * 8 + (22,) * 4
    for name in ("SCAN_COST", "SCAN_COST_TOGETHER"):
        monkeypatch.setattr(f"provenance.fingerprint.index.layout.{name}", 1.0)
    radii_for.cache_clear()
    rng = np.random.default_rng(5)
    stored = clustered_hashes(rng, 1000)
    rows = np.arange(0, 5000, 5, dtype=np.int64)
    write_segment(tmp_path / "one.segment", rows, words_of(stored), layout)
    segment = open_segment(tmp_path / "one.segment")
    asked = np.stack(
        [flipped(stored[at], rng.permutation(256)[: rng.integers(0, 36)]) for at in range(0, 1000, 50)]
    )
    for radius in (12, 31, 36):
        assert_same(segment.search(asked, radius), compared(rows, stored, asked, radius))
    radii_for.cache_clear()


def test_each_pair_of_flips_is_found(listed: tuple[Layout, Maker]) -> None:
    _, make = listed
    stored = random_hashes(np.random.default_rng(4), 1)
    asked = np.stack([flipped(stored[0], [bit, (bit * 7 + 1) % 256]) for bit in range(256)])
    found = make(np.array([9]), stored).search(asked, 2)
    assert found.query.tolist() == list(range(256))
    assert set(found.distance.tolist()) <= {0, 2}


def test_masks_are_all_values_with_so_few_bits() -> None:
    assert masks_within(4, 1).tolist() == [0, 1, 2, 4, 8]
    assert len(masks_within(21, 2)) == 1 + 21 + 210
