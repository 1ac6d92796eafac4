"""The search finds every stored frame within 31 bits, no other, and nobody else's works."""

import random
from uuid import UUID

import numpy as np
import pytest
from django.db import connection

from provenance.fingerprint import ClipFingerprint, FrameFingerprint, Track, chunk_keys
from provenance.fingerprint.judging import Outcome
from studio.references.matching import keep_matches, replayed, state_for
from studio.references.models import Bank, Match, Work
from studio.references.search import Found, find_takes, find_works
from studio.references.services import (
    get_or_create_bank,
    restore_work,
    share_bank,
    store_fingerprints,
    withdraw_work,
)
from studio.takes.models import Take
from studio.tenancy.models import Studio
from tests.studio import factories

pytestmark = pytest.mark.django_db

STEP_S = 0.25
PER_STEP = 6


@pytest.mark.parametrize(
    "value", [bytes(32), b"\xff" * 32, bytes(range(32)), *(random.Random(n).randbytes(32) for n in range(20))]
)
def test_the_keys_in_sql_are_those_of_the_library(value: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slate_pdq_keys(('x' || %s)::bit(256))", [value.hex()])
        assert cursor.fetchone()[0] == chunk_keys(value)


def film(seed: int, seconds: float = 6.0, *, flips: int = 0, start_s: float = 0.0) -> ClipFingerprint:
    """A film whose picture drifts from each quarter of a second to the next, as moving pictures do."""
    rng = np.random.default_rng(seed)
    steps = round((start_s + seconds) / STEP_S) + 1
    bits = [rng.integers(0, 2, 256, np.uint8)]
    for _ in range(steps):
        changed = bits[-1].copy()
        changed[rng.choice(256, 30, replace=False)] ^= 1
        bits.append(changed)
    noise = np.random.default_rng(seed + 1000)
    hashes = []
    for step in range(round(start_s / STEP_S), steps - 1):
        for part in range(PER_STEP):
            share = part / PER_STEP
            differing = np.flatnonzero(bits[step] != bits[step + 1])
            mixed = bits[step].copy()
            mixed[differing[: round(share * len(differing))]] ^= 1
            mixed[noise.choice(256, flips, replace=False)] ^= 1
            hashes.append(np.packbits(mixed))
    stacked = np.stack(hashes)
    times = np.arange(len(stacked)) * STEP_S / PER_STEP
    frames = tuple(
        FrameFingerprint(
            number * PER_STEP, number * STEP_S, stacked[number * PER_STEP].tobytes(), bytes(8), 100
        )
        for number in range(len(stacked) // PER_STEP)
    )
    track = Track(times, stacked, np.full(len(stacked), 100, np.uint8))
    return ClipFingerprint(("pdq-256/2",), len(stacked) * STEP_S / PER_STEP, frames, track=track)


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


def a_take() -> Take:
    studio = Studio.objects.first() or factories.make_studio()
    return factories.make_take(factories.make_shot(studio), factories.make_person(studio))


def keep(bank: Bank, title: str, clip: ClipFingerprint) -> Work:
    work = factories.make_work(bank, title)
    store_fingerprints(clip, work=work)
    return work


def names_found(studio: Studio, clip: ClipFingerprint) -> list[UUID]:
    return [one.subject_id for one in find_works(clip, [studio.pk])]


def test_a_copied_stretch_is_found_with_its_times(bank: Bank) -> None:
    work = keep(bank, "Feature", film(1, 12.0))
    (found,) = find_works(film(1, 5.0, flips=6, start_s=4.0), [bank.studio_id])
    assert found.subject_id == work.pk
    (segment,) = found.segments
    assert segment.query_start_s == pytest.approx(0.0, abs=0.05)
    assert segment.query_end_s == pytest.approx(5.0, abs=0.05)
    assert segment.reference_start_s == pytest.approx(4.0, abs=0.05)
    assert segment.speed == pytest.approx(1.0, abs=0.01)
    assert found.judgement.outcome is Outcome.BLOCK


def test_another_film_is_not_found(bank: Bank) -> None:
    keep(bank, "Feature", film(1, 12.0))
    assert find_works(film(2, 5.0), [bank.studio_id]) == []


def test_another_studio_finds_it_only_while_the_bank_is_shared(bank: Bank) -> None:
    work = keep(bank, "Feature", film(1, 8.0))
    other = factories.make_studio("south")
    assert names_found(other, film(1, 6.0)) == []
    share_bank(bank, other.slug)
    assert names_found(other, film(1, 6.0)) == [work.pk]
    bank.shares.all().delete()
    assert names_found(other, film(1, 6.0)) == []


def test_a_withdrawn_work_stops_matching_at_once_and_matches_again_when_brought_back(bank: Bank) -> None:
    work = keep(bank, "Feature", film(1, 8.0))
    withdraw_work(work, "The rights were sold.")
    assert names_found(bank.studio, film(1, 6.0)) == []
    restore_work(work)
    assert names_found(bank.studio, film(1, 6.0)) == [work.pk]


def test_what_common_content_explains_does_not_count(bank: Bank) -> None:
    keep(bank, "Feature with a leader", film(1, 8.0))
    common = get_or_create_bank(bank.studio, "Leaders")
    Bank.objects.filter(pk=common.pk).update(kind=Bank.Kind.COMMON)
    keep(common, "Leader", film(1, 8.0))
    assert find_works(film(1, 6.0), [bank.studio_id]) == []


def test_the_thresholds_of_the_bank_decide(bank: Bank) -> None:
    keep(bank, "Feature", film(1, 8.0))
    Bank.objects.filter(pk=bank.pk).update(block_at=1e-30)
    (found,) = find_works(film(1, 6.0), [bank.studio_id])
    assert found.judgement.outcome is Outcome.REVIEW
    assert state_for([found]) == Take.State.IN_REVIEW


def test_a_mirrored_copy_is_found_as_such(bank: Bank) -> None:
    odd = np.frombuffer(b"\x55" * 32, np.uint8)
    plain = film(1, 8.0)
    work = keep(bank, "Feature", plain)
    turned = [
        FrameFingerprint(f.frame_index, f.time_s, bytes(np.frombuffer(f.pdq, np.uint8) ^ odd), f.phash, 100)
        for f in plain.frames
    ]
    track = Track(plain.track.times_s, plain.track.hashes ^ odd, plain.track.qualities)
    (found,) = find_works(ClipFingerprint((), plain.duration_s, tuple(turned), track=track), [bank.studio_id])
    assert found.subject_id == work.pk
    assert all(segment.is_mirrored for segment in found.segments)


def test_a_frame_below_quality_50_is_not_searched(bank: Bank) -> None:
    clip = film(1, 8.0)
    dark = tuple(FrameFingerprint(f.frame_index, f.time_s, f.pdq, f.phash, 49) for f in clip.frames)
    keep(bank, "Night", ClipFingerprint(clip.algorithms, clip.duration_s, dark, track=clip.track))
    assert find_works(film(1, 6.0), [bank.studio_id]) == []


def test_takes_are_found_by_the_same_search() -> None:
    take = a_take()
    store_fingerprints(film(3, 8.0), take=take)
    (found,) = find_takes(film(3, 4.0, flips=4, start_s=2.0))
    assert found.subject_id == take.pk


def test_a_kept_match_can_be_worked_out_again_to_the_same_bytes(bank: Bank) -> None:
    keep(bank, "Feature", film(1, 8.0))
    take = a_take()
    found: list[Found] = find_works(film(1, 6.0, flips=8), [bank.studio_id])
    keep_matches(take, found, bank.studio)
    match = Match.objects.get(take=take)
    again = replayed(match)
    assert (again.probability, str(again.outcome)) == (match.probability, match.outcome)
    assert again.segments[0].as_dict() == match.segment
