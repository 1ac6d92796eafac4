"""Time alone decides which frames are hashed, and a picture that stands is kept once."""

from fractions import Fraction

import pytest

from provenance.fingerprint import FrameFingerprint, Sampler
from provenance.fingerprint.sampling import Runs


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_four_frames_a_second_for_a_minute_and_two_from_then_on(fps: Fraction) -> None:
    sampler = Sampler()
    taken = [float(n / fps) for n in range(int(70 * fps)) if sampler.wants(float(n / fps))]
    assert len(taken) == 240 + 20
    ticks = [n / 4 for n in range(240)] + [60 + n / 2 for n in range(20)]
    assert all(
        tick - 0.002 <= time_s < tick + float(1 / fps) for tick, time_s in zip(ticks, taken, strict=True)
    )


def test_slow_clips_give_every_frame_once() -> None:
    sampler = Sampler()
    assert [sampler.wants(n / 2) for n in range(6)] == [True] * 6


def test_repeated_time_is_taken_once() -> None:
    sampler = Sampler()
    assert [sampler.wants(1.0), sampler.wants(1.0), sampler.wants(1.1), sampler.wants(1.25)] == [
        True,
        False,
        False,
        True,
    ]


def _frame(time_s: float, set_bits: int, *, starts: bool = False) -> FrameFingerprint:
    pdq = ((1 << set_bits) - 1).to_bytes(32, "big")
    return FrameFingerprint(round(time_s * 24), time_s, pdq, bytes(8), 100, is_shot_start=starts)


def test_a_standing_picture_is_kept_once_with_its_duration() -> None:
    runs = Runs()
    for time_s, bits in [(0.0, 0), (0.25, 4), (0.5, 3), (0.75, 5), (1.0, 60), (1.1, 120)]:
        runs.add(_frame(time_s, bits))
    kept = runs.finish(3.0)
    assert [(frame.time_s, frame.duration_s) for frame in kept] == [
        (0.0, 0.75),
        (0.75, 0.25),
        # Never shorter than from one sampled frame to the next, even where a shot begins in between.
        (1.0, 0.25),
        (1.1, pytest.approx(1.9)),
    ]


def test_slow_change_adds_up_against_the_frame_kept_not_the_one_before() -> None:
    runs = Runs()
    for number in range(12):
        runs.add(_frame(number / 4, number * 2))
    assert [frame.time_s for frame in runs.finish(3.0)] == [0.0, 0.75, 1.5, 2.25]


def test_a_shot_start_near_equal_to_the_frame_kept_marks_that_one() -> None:
    runs = Runs()
    for frame in (_frame(0.0, 0), _frame(0.25, 100), _frame(0.3, 101, starts=True)):
        runs.add(frame)
    assert [frame.is_shot_start for frame in runs.finish(1.0)] == [False, True]


def test_nothing_comes_of_nothing() -> None:
    assert Runs().finish(1.0) == ()
