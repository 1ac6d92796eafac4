"""A clip's fingerprint comes back from the database as it went in, and belongs to one work or one take."""

import numpy as np
import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from provenance.fingerprint.contents import (
    ClipFingerprint,
    FrameFingerprint,
    Keyframe,
    SoundTrack,
    Track,
)
from studio.references.models import Algorithm, Bank, ClipTrack, Fingerprint, SoundPrint
from studio.references.models import Keyframe as KeyframeRow
from studio.references.services import get_or_create_bank
from studio.references.storing import forget_fingerprint, load_fingerprint, store_fingerprints
from tests.studio import factories

pytestmark = pytest.mark.django_db

ALGORITHMS = ("pdq-256/1", "imagehash-phash-64/1", "orb/1", "track/1", "chromaprint/1")


def some_clip(frames: int = 40, *, seed: int = 1, with_sound: bool = True) -> ClipFingerprint:
    rng = np.random.default_rng(seed)
    return ClipFingerprint(
        algorithms=ALGORITHMS,
        duration_s=frames * 0.25 + 1 / 3,
        frames=tuple(
            FrameFingerprint(
                frame_index=n * 6,
                time_s=n / 4 + 1e-9,
                pdq=rng.bytes(32),
                phash=rng.bytes(8),
                quality=int(rng.integers(0, 101)),
                duration_s=0.25 + n / 7,
                is_shot_start=n % 10 == 0,
            )
            for n in range(frames)
        ),
        keyframes=tuple(
            Keyframe(
                frame_index=n,
                time_s=n / 3,
                width=641,
                height=359,
                points=rng.integers(0, 65536, (n * 5, 2), dtype=np.uint16),
                descriptors=rng.integers(0, 256, (n * 5, 32), dtype=np.uint8),
                preview=rng.bytes(100 + n),
                is_mirrored=n == 2,
            )
            for n in range(4)
        ),
        track=Track(
            times_s=np.arange(100) / 24000 * 1001,
            hashes=rng.integers(0, 256, (100, 32), dtype=np.uint8),
            qualities=rng.integers(0, 101, 100).astype(np.uint8),
        ),
        sound=SoundTrack(0.5, 4096 / 3 / 11025, rng.integers(0, 2**32, 77, dtype=np.uint32))
        if with_sound
        else None,
    )


def assert_same(one: ClipFingerprint | None, other: ClipFingerprint) -> None:
    assert one is not None
    assert (one.algorithms, one.duration_s, one.frames) == (other.algorithms, other.duration_s, other.frames)
    assert len(one.keyframes) == len(other.keyframes)
    for mine, theirs in zip(one.keyframes, other.keyframes, strict=True):
        for name in ("frame_index", "time_s", "width", "height", "preview", "is_mirrored"):
            assert getattr(mine, name) == getattr(theirs, name)
        np.testing.assert_array_equal(mine.points, theirs.points, strict=True)
        np.testing.assert_array_equal(mine.descriptors, theirs.descriptors, strict=True)
    for name in ("times_s", "hashes", "qualities"):
        np.testing.assert_array_equal(getattr(one.track, name), getattr(other.track, name), strict=True)
    assert (one.sound is None) == (other.sound is None)
    if one.sound is not None and other.sound is not None:
        assert (one.sound.start_s, one.sound.interval_s) == (other.sound.start_s, other.sound.interval_s)
        np.testing.assert_array_equal(one.sound.codes, other.sound.codes, strict=True)


@pytest.fixture
def bank() -> Bank:
    return get_or_create_bank(factories.make_studio(), "Films")


def test_a_fingerprint_comes_back_as_it_was_kept(bank: Bank) -> None:
    work = factories.make_work(bank)
    take = factories.make_take(factories.make_shot(bank.studio), factories.make_person(bank.studio))
    clip, other = some_clip(), some_clip(seed=2, with_sound=False)
    store_fingerprints(clip, work=work)
    store_fingerprints(other, take=take)
    assert_same(load_fingerprint(work=work), clip)
    assert_same(load_fingerprint(take=take), other)
    assert Algorithm.objects.filter(names=list(ALGORITHMS)).count() == 1, "two clips share the one row"


def test_a_clip_of_which_nothing_could_be_kept_is_still_a_clip(bank: Bank) -> None:
    work = factories.make_work(bank)
    assert load_fingerprint(work=work) is None
    store_fingerprints(ClipFingerprint(algorithms=("pdq-256/1",), duration_s=2.0), work=work)
    assert_same(load_fingerprint(work=work), ClipFingerprint(("pdq-256/1",), 2.0))


def test_a_clip_is_kept_once_and_can_be_replaced(bank: Bank) -> None:
    work = factories.make_work(bank)
    store_fingerprints(some_clip(), work=work)
    with pytest.raises(IntegrityError), transaction.atomic():
        store_fingerprints(some_clip(seed=3), work=work)
    assert work.fingerprints.count() == 40, "the second one left nothing"
    forget_fingerprint(work=work)
    store_fingerprints(some_clip(7, seed=3), work=work)
    assert_same(load_fingerprint(work=work), some_clip(7, seed=3))


def test_everything_kept_goes_with_its_work(bank: Bank) -> None:
    work = factories.make_work(bank)
    store_fingerprints(some_clip(), work=work)
    work.delete()
    for kind in (Fingerprint, KeyframeRow, ClipTrack, SoundPrint):
        assert not kind.objects.exists(), kind


@pytest.mark.parametrize("with_both", [False, True])
def test_a_fingerprint_belongs_to_a_work_or_to_a_take(bank: Bank, with_both: bool) -> None:
    work = factories.make_work(bank)
    take = factories.make_take(factories.make_shot(bank.studio), factories.make_person(bank.studio))
    owners = {"work": work, "take": take} if with_both else {}
    with pytest.raises(IntegrityError, match="of_one_thing"), transaction.atomic():
        store_fingerprints(some_clip(), **owners)
    assert not Fingerprint.objects.exists()
