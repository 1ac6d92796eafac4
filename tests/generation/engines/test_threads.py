"""Threads follow what the container allows, not what the machine has."""

from pathlib import Path

import pytest

from generation.engines.threads import usable_threads


@pytest.mark.parametrize(("quota", "most"), [("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1)])
def test_a_quota_caps_the_threads(tmp_path: Path, quota: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert 1 <= usable_threads(file) <= most


def test_without_a_quota_the_affinity_mask_counts(tmp_path: Path) -> None:
    unlimited = tmp_path / "cpu.max"
    unlimited.write_text("max 100000")
    assert usable_threads(unlimited) == usable_threads(tmp_path / "absent") >= 1
