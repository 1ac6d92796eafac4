"""A sound is found among the works and takes that keep it, by whoever may search them, and nothing else is found."""

from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provenance.fingerprint.contents import ClipFingerprint, SoundTrack
from provenance.fingerprint.sound import sound_of, sounds_of
from studio.references.models import Bank, BankShare, Work
from studio.references.services import get_or_create_bank
from studio.references.sounds import find_sounds, sounds_of_takes, sounds_of_works
from studio.references.storing import store_fingerprints
from tests.provenance.fingerprint.sounds_for_tests import (
    RATE_HZ,
    needs_chromaprint,
    sound_in,
    write_sound,
)
from tests.studio import factories

pytestmark = [pytest.mark.django_db, needs_chromaprint]

BUNNY = "bigbuckbunny/bbb-480p-30s-video.mp4"
CHAIR = "threatexchange/videos/chair-orig-22-sd-bar.mp4"


@pytest.fixture(scope="session")
def bunny(real_media: Path) -> SoundTrack:
    track = sound_of(real_media / BUNNY)
    assert track is not None
    return track


@pytest.fixture(scope="session")
def chair(real_media: Path) -> SoundTrack:
    track = sound_of(real_media / CHAIR)
    assert track is not None
    return track


@pytest.fixture(scope="session")
def copy(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SoundTrack, ...]:
    """Six seconds of the first film, as AAC, to be searched for."""
    sound = sound_in(real_media / BUNNY, 9, 15)
    return sounds_of(write_sound(tmp_path_factory.mktemp("sound") / "copy.m4a", sound, "aac", 96_000))


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


def keep(bank: Bank, title: str, sound: SoundTrack) -> Work:
    work = factories.make_work(bank, title)
    store_fingerprints(ClipFingerprint(sound=sound), work=work)
    return work


def test_a_work_is_found_by_a_stretch_of_its_sound(
    bank: Bank, bunny: SoundTrack, chair: SoundTrack, copy: tuple[SoundTrack, ...]
) -> None:
    work = keep(bank, "film", bunny)
    keep(bank, "another", chair)
    (found,) = find_sounds(copy, sounds_of_works([bank.studio_id]))
    (segment,) = found.segments
    assert found.subject_id == work.pk
    assert found.probability == segment.probability < 1e-6
    assert segment.reference_start_s == pytest.approx(9, abs=0.7)
    assert segment.query_end_s == pytest.approx(6, abs=0.7)


def test_a_film_played_faster_is_found(
    real_media: Path, tmp_path: Path, bank: Bank, bunny: SoundTrack
) -> None:
    work = keep(bank, "film", bunny)
    sound = sound_in(real_media / BUNNY, 9, 19)
    faster = write_sound(tmp_path / "pal.wav", sound, played_at_hz=round(RATE_HZ * 25 / 24))
    (found,) = find_sounds(sounds_of(faster), sounds_of_works([bank.studio_id]))
    assert found.subject_id == work.pk
    assert found.segments[0].speed == pytest.approx(25 / 24, rel=0.01)
    assert find_sounds(sounds_of(faster, speeds=(1.0,)), sounds_of_works([bank.studio_id])) == []


def test_only_works_of_readable_banks_are_found(
    bank: Bank, bunny: SoundTrack, copy: tuple[SoundTrack, ...]
) -> None:
    mine = keep(bank, "mine", bunny)
    south = factories.make_studio("south")
    theirs_bank = get_or_create_bank(south, "Films")
    theirs = keep(theirs_bank, "theirs", bunny)
    assert {one.subject_id for one in find_sounds(copy, sounds_of_works([bank.studio_id]))} == {mine.pk}
    assert {one.subject_id for one in find_sounds(copy, sounds_of_works([south.pk]))} == {theirs.pk}
    assert find_sounds(copy, sounds_of_works([])) == []
    BankShare.objects.create(bank=theirs_bank, studio=bank.studio)
    shared = find_sounds(copy, sounds_of_works([bank.studio_id]))
    assert {one.subject_id for one in shared} == {mine.pk, theirs.pk}


@pytest.mark.parametrize("status", [Work.Status.WITHDRAWN, Work.Status.QUARANTINED])
def test_a_work_that_is_not_active_is_not_found(
    bank: Bank, bunny: SoundTrack, copy: tuple[SoundTrack, ...], status: str
) -> None:
    work = keep(bank, "film", bunny)
    Work.objects.filter(pk=work.pk).update(status=status, status_reason="test", status_at=work.created_at)
    assert find_sounds(copy, sounds_of_works([bank.studio_id])) == []


def test_works_and_takes_are_found_apart(bank: Bank, bunny: SoundTrack, copy: tuple[SoundTrack, ...]) -> None:
    work = keep(bank, "film", bunny)
    take = factories.make_take(factories.make_shot(bank.studio), factories.make_person(bank.studio))
    store_fingerprints(ClipFingerprint(sound=bunny), take=take)
    assert [one.subject_id for one in find_sounds(copy, sounds_of_works([bank.studio_id]))] == [work.pk]
    assert [one.subject_id for one in find_sounds(copy, sounds_of_takes())] == [take.pk]


def test_a_clip_without_sound_finds_nothing(bank: Bank, bunny: SoundTrack) -> None:
    keep(bank, "film", bunny)
    assert find_sounds((), sounds_of_works([bank.studio_id])) == []


def test_the_surest_comes_first_and_weak_ones_are_left_out(
    bank: Bank, bunny: SoundTrack, copy: tuple[SoundTrack, ...]
) -> None:
    rng = np.random.default_rng(1)
    flips = np.bitwise_or.reduce(
        [(rng.random(len(bunny.codes)) < 0.15).astype(np.uint32) << bit for bit in range(8)]
    )
    worn = keep(bank, "worn", SoundTrack(bunny.start_s, bunny.interval_s, bunny.codes ^ flips))
    whole = keep(bank, "whole", bunny)
    found = find_sounds(copy, sounds_of_works([bank.studio_id]))
    assert [one.subject_id for one in found] == [whole.pk, worn.pk]
    surest, second = found
    strict = (surest.probability * second.probability) ** 0.5
    assert [
        one.subject_id for one in find_sounds(copy, sounds_of_works([bank.studio_id]), max_probability=strict)
    ] == [whole.pk]


def test_keys_are_looked_up_in_the_index(bank: Bank, bunny: SoundTrack, copy: tuple[SoundTrack, ...]) -> None:
    for number in range(20):
        keep(bank, f"film {number}", bunny)
    with CaptureQueriesContext(connection) as captured:
        find_sounds(copy, sounds_of_works([bank.studio_id]))
    (lookup,) = (query["sql"] for query in captured if "slate_sound_keys" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + lookup[lookup.index("SELECT") :])
        assert "references_soundprint_search_keys" in str(cursor.fetchall())
