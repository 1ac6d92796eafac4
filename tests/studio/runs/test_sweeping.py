"""Sweeping removes what no row owns and nothing else."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from studio.ids import uuid7
from studio.runs.attempts import claim_run
from studio.runs.sweeping import LEFTOVER_AFTER_S, sweep_leftovers
from tests.studio import factories

pytestmark = pytest.mark.django_db

OLD_S = LEFTOVER_AFTER_S + 60


@pytest.fixture(autouse=True)
def clean_folders() -> Iterator[None]:
    sweep_leftovers()
    yield
    for path in Path(settings.WORK_DIR).iterdir():
        path.rmdir()


def aged(path: Path, age_s: float) -> Path:
    moment = time.time() - age_s
    os.utime(path, (moment, moment))
    return path


def folder(name: str, age_s: float) -> Path:
    path = Path(settings.WORK_DIR) / name
    path.mkdir()
    return aged(path, age_s)


def media_file(age_s: float, name: str = "") -> Path:
    digest = name or factories.digest(str(uuid4()))
    path = Path(settings.MEDIA_DIR) / digest[:2] / digest[2:4] / f"{digest}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"bytes")
    return aged(path, age_s)


def test_a_dead_attempt_s_folder_goes_and_a_living_one_s_stays() -> None:
    studio = factories.make_studio()
    run = factories.make_run(factories.make_shot(studio), factories.make_person(studio))
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    living = folder(str(claim.token), OLD_S)
    dead, fresh = folder(str(uuid7()), OLD_S), folder(str(uuid7()), 0)
    foreign = folder("not an attempt", OLD_S)
    assert sweep_leftovers() == 1
    assert not dead.exists()
    assert living.exists()
    assert fresh.exists(), "its row may be about to be written"
    assert foreign.exists(), "Slate removes only what it made"


def test_a_stored_file_without_a_row_goes_once_it_is_old() -> None:
    studio = factories.make_studio()
    take = factories.make_take(factories.make_shot(studio), factories.make_person(studio))
    owned = media_file(OLD_S)
    name = str(owned.relative_to(settings.MEDIA_DIR))
    factories.make_rendition(take, storage_name=name)
    orphan, young = media_file(OLD_S), media_file(10)
    sweep_leftovers()
    assert not orphan.exists()
    assert owned.exists()
    assert young.exists()
    owned.unlink()
    young.unlink()


def test_an_upload_that_nobody_waits_for_goes_once_it_is_old() -> None:
    old, young = Path(settings.UPLOAD_DIR) / "old.upload", Path(settings.UPLOAD_DIR) / "young.upload"
    for path in (old, young):
        path.write_bytes(b"bytes")
    aged(old, OLD_S)
    assert sweep_leftovers() == 1
    assert not old.exists()
    assert young.exists()
    young.unlink()


def test_with_nothing_to_sweep_nothing_is_removed() -> None:
    assert sweep_leftovers() == 0
