"""The search benchmark asks what has answers, knows the right ones, and counts what an engine misses."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import search, search_engines, search_material


@pytest.fixture
def material(tmp_path: Path) -> Path:
    search_material.make(tmp_path, 3000, 20)
    return tmp_path


def test_the_right_answers_are_right(material: Path) -> None:
    loaded = search_material.load(material)
    pairs = {
        (query, int(row))
        for query, one in enumerate(loaded.asked)
        for row in np.flatnonzero(np.bitwise_count(loaded.hashes ^ one).sum(axis=1) <= search_material.RADIUS)
    }
    assert loaded.pairs == pairs
    assert {query for query, _ in pairs} == set(range(20)), "every question has an answer"
    assert len(pairs) > 40, "and its neighbours of the same shot"


@pytest.mark.parametrize("name", ["Slate, segments", "numpy, every hash"])
def test_exact_engines_miss_nothing(material: Path, name: str) -> None:
    row = search.measured(name, material)
    assert (row["recall"], row["false"], row["rows"]) == (1.0, 0, 3000)
    assert f"| {name} |" in search.table([row])


def test_what_is_missed_shows(material: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search_engines.compared
    monkeypatch.setattr(search_engines, "compared", lambda columns, one, radius: whole(columns, one, 12))
    row = search.measured("numpy, every hash", material)
    assert 0 < row["recall"] < 1
    assert f"{row['recall']:.5f}" in search.table([row])
