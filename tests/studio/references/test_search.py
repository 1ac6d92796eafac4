"""The search finds every stored frame within 31 bits, no other, and nobody else's works."""

import random
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from provenance.fingerprint import EXACT_RADIUS, FrameFingerprint, Hit, align, chunk_keys, hamming
from studio.references.models import Bank, Work
from studio.references.search import find_takes, find_works
from studio.references.services import get_or_create_bank, store_fingerprints
from studio.tenancy.models import Studio
from tests.studio import factories

pytestmark = pytest.mark.django_db

STEP_S = 0.25


def random_hash(rng: random.Random) -> bytes:
    return rng.randbytes(32)


def flipped(value: bytes, positions: list[int]) -> bytes:
    number = int.from_bytes(value, "big")
    for position in positions:
        number ^= 1 << 255 - position
    return number.to_bytes(32, "big")


def frames_of(hashes: list[bytes], *, quality: int = 100) -> list[FrameFingerprint]:
    """One frame per hash, at the rate clips are sampled with."""
    return [
        FrameFingerprint(index * 6, index * STEP_S, value, bytes(8), quality)
        for index, value in enumerate(hashes)
    ]


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


def keep(bank: Bank, title: str, hashes: list[bytes], *, quality: int = 100) -> Work:
    work = factories.make_work(bank, title)
    store_fingerprints(frames_of(hashes, quality=quality), work=work)
    return work


def found_in(studio: Studio, asked: list[bytes], *, quality: int = 100) -> dict[UUID, int]:
    """Hits per work found."""
    found = find_works(frames_of(asked, quality=quality), [studio.pk])
    return {one.subject_id: sum(segment.hits for segment in one.segments) for one in found}


@pytest.mark.parametrize(
    "value", [bytes(32), b"\xff" * 32, bytes(range(32)), *(random.Random(n).randbytes(32) for n in range(20))]
)
def test_the_keys_in_sql_are_those_of_the_library(value: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slate_pdq_keys(('x' || %s)::bit(256))", [value.hex()])
        assert cursor.fetchone()[0] == chunk_keys(value)


def one_bit_in_one_chunk_two_in_the_rest(rng: random.Random) -> list[int]:
    """31 flips placed so that a single chunk differs by one bit and every other by two: the hardest case."""
    lucky = rng.randrange(16)
    return [
        16 * chunk + bit for chunk in range(16) for bit in rng.sample(range(16), 1 if chunk == lucky else 2)
    ]


def two_bits_in_every_chunk(rng: random.Random) -> list[int]:
    return [16 * chunk + bit for chunk in range(16) for bit in rng.sample(range(16), 2)]


def anywhere(count: int) -> Callable[[random.Random], list[int]]:
    return lambda rng: rng.sample(range(256), count)


def all_in_two_chunks(rng: random.Random) -> list[int]:
    return list(range(16, 16 + EXACT_RADIUS))


@pytest.mark.parametrize(
    ("flips", "is_found"),
    [
        (anywhere(0), True),
        (anywhere(1), True),
        (anywhere(16), True),
        (anywhere(EXACT_RADIUS), True),
        (one_bit_in_one_chunk_two_in_the_rest, True),
        (all_in_two_chunks, True),
        (two_bits_in_every_chunk, False),
        (anywhere(EXACT_RADIUS + 1), False),
        (anywhere(64), False),
    ],
)
def test_a_frame_is_found_up_to_31_bits_and_never_beyond(
    bank: Bank, flips: Callable[[random.Random], list[int]], is_found: bool
) -> None:
    rng = random.Random(1)
    stored = [random_hash(rng) for _ in range(12)]
    work = keep(bank, "stored", stored)
    keep(bank, "something else", [random_hash(rng) for _ in range(12)])
    asked = [flipped(value, flips(rng)) for value in stored]
    assert found_in(bank.studio, asked) == ({work.pk: 12} if is_found else {})


def test_the_answer_is_the_one_that_comparing_everything_gives(bank: Bank) -> None:
    rng = random.Random(2)
    asked = [random_hash(rng) for _ in range(16)]
    works = {}
    for title, budget in (("near", 20), ("edge", 31), ("over", 32), ("mixed", 40), ("far", 90)):
        stored = [
            flipped(value, rng.sample(range(256), rng.randint(max(0, budget - 8), budget))) for value in asked
        ]
        stored += [random_hash(rng) for _ in range(60)]
        works[keep(bank, title, stored).pk] = stored
    expected = {}
    for pk, stored in works.items():
        hits = [
            Hit(q.frame_index, q.time_s, r.time_s, hamming(q.pdq, r.pdq))
            for q in frames_of(asked)
            for r in frames_of(stored)
            if hamming(q.pdq, r.pdq) <= EXACT_RADIUS
        ]
        if segments := tuple(align(hits, query_frames=len(asked))):
            expected[pk] = segments
    found = find_works(frames_of(asked), [bank.studio_id])
    assert {one.subject_id: one.segments for one in found} == expected
    assert len(expected) >= 3, "near, edge and some of mixed must be among them"
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_long_clip_is_searched_whole(bank: Bank) -> None:
    rng = random.Random(3)
    stored = [random_hash(rng) for _ in range(200)]
    work = keep(bank, "long", stored)
    (found,) = find_works(frames_of(stored), [bank.studio_id])
    (segment,) = found.segments
    assert found.subject_id == work.pk
    assert (segment.hits, segment.mean_distance) == (200, 0.0)
    assert (segment.query_start_s, segment.reference_start_s) == (0.0, 0.0)
    assert segment.query_end_s == pytest.approx(199 * STEP_S, abs=STEP_S)


def test_frames_that_say_little_are_neither_searched_nor_found(bank: Bank) -> None:
    rng = random.Random(4)
    dark, clear = ([random_hash(rng) for _ in range(12)] for _ in range(2))
    keep(bank, "dark", dark, quality=49)
    work = keep(bank, "clear", clear, quality=50)
    assert found_in(bank.studio, dark) == {}
    assert found_in(bank.studio, clear, quality=49) == {}
    assert found_in(bank.studio, clear, quality=50) == {work.pk: 12}


def test_works_of_another_studio_are_never_found(bank: Bank) -> None:
    rng = random.Random(5)
    hashes = [random_hash(rng) for _ in range(12)]
    mine = keep(bank, "mine", hashes)
    theirs_bank = get_or_create_bank(factories.make_studio("south"), "Films")
    theirs = keep(theirs_bank, "theirs", hashes)
    assert set(found_in(bank.studio, hashes)) == {mine.pk}
    assert set(found_in(theirs_bank.studio, hashes)) == {theirs.pk}
    assert find_works(frames_of(hashes), []) == []
    both = find_works(frames_of(hashes), [bank.studio_id, theirs_bank.studio_id])
    assert {one.subject_id for one in both} == {mine.pk, theirs.pk}


def test_works_and_takes_are_found_apart(bank: Bank) -> None:
    rng = random.Random(6)
    hashes = [random_hash(rng) for _ in range(12)]
    work = keep(bank, "work", hashes)
    artist = factories.make_person(bank.studio)
    take = factories.make_take(factories.make_shot(bank.studio), artist)
    store_fingerprints(frames_of(hashes), take=take)
    assert [one.subject_id for one in find_works(frames_of(hashes), [bank.studio_id])] == [work.pk]
    assert [one.subject_id for one in find_takes(frames_of(hashes))] == [take.pk]


def test_a_still_is_found_by_its_one_frame_when_it_is_close_enough(bank: Bank) -> None:
    rng = random.Random(7)
    stored = random_hash(rng)
    work = keep(bank, "still", [stored])
    near, far = (flipped(stored, rng.sample(range(256), count)) for count in (20, 21))
    assert found_in(bank.studio, [near]) == {work.pk: 1}
    assert found_in(bank.studio, [far]) == {}


def test_nothing_asked_is_nothing_found(bank: Bank) -> None:
    keep(bank, "work", [bytes(32)] * 12)
    assert find_works([], [bank.studio_id]) == []
    assert find_takes([]) == []
