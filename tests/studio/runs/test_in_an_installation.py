"""What only shows with commits and several connections: racing claims, and runs interrupted on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SLATE_")},
        "SLATE_VAR": str(tmp_path_factory.mktemp("installation") / "var"),
        "SLATE_DATABASE_DURABLE": "false",
        "SLATE_TORCH_THREADS": "1",
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.studio.runs.scenarios"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_of_workers_that_claim_at_once_exactly_one_gets_each_run(seen: dict[str, Any]) -> None:
    assert seen["claims"] == [1, 1, 1]


def test_cancelling_a_running_run_ends_it_without_a_take_or_a_file(seen: dict[str, Any]) -> None:
    assert seen["cancelled"] == {
        "state": "cancelled",
        "outcomes": ["cancelled"],
        "was_interrupted": True,
        "takes": 0,
        "renditions": 0,
        "folders": [],
    }


def test_an_attempt_that_fell_silent_throws_its_work_away(seen: dict[str, Any]) -> None:
    assert seen["lost"] == {
        "state": "queued",
        "outcomes": ["lost"],
        "was_interrupted": True,
        "takes": 0,
        "renditions": 0,
        "folders": [],
    }


def test_an_undisturbed_run_is_one_take_afterwards(seen: dict[str, Any]) -> None:
    assert seen["undisturbed"] == {
        "state": "succeeded",
        "outcomes": ["published"],
        "was_interrupted": True,
        "takes": 1,
        "renditions": 1,
        "folders": [],
    }
