"""Segments say where a copy lies, to the frame, and another take of the scene is not taken for a copy."""

import numpy as np
import pytest

from provenance.fingerprint.judging import Calibration, Thresholds, judge, score_of
from provenance.fingerprint.judging.judge import STILL_PROBABILITY, Outcome
from provenance.fingerprint.matching.features import near_hits
from provenance.fingerprint.matching.frames import match_frames
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.matching.tracks import Timeline
from tests.provenance.fingerprint.tracks_for_tests import FPS, moving, noisy, timeline

FILM = moving(1, 14.0)
CALIBRATION = Calibration("test", threshold=1.0, exceeding=100, trials=10_000, shape=0.0, scale=0.3)


def matched(query: Timeline, reference: Timeline) -> list[Segment]:
    return match_frames(query, reference, near_hits(query, reference))


@pytest.mark.parametrize("start_s", [0.0, 3.0, 7.125])
def test_a_stretch_is_placed_to_the_frame(start_s: float) -> None:
    first = round(start_s * FPS)
    copy = noisy(FILM[first : first + 6 * FPS], 10)
    (segment,) = matched(timeline(copy), timeline(FILM))
    assert segment.query_start_s == pytest.approx(0.0, abs=1 / FPS)
    assert segment.query_end_s == pytest.approx(6.0, abs=1 / FPS)
    assert segment.reference_start_s == pytest.approx(start_s, abs=1 / FPS)
    assert segment.motion is not None
    assert segment.motion > 0.5


def test_a_stretch_within_another_film_is_cut_out_to_the_frame() -> None:
    other = moving(2, 6.0)
    spliced = np.concatenate([other[: 2 * FPS], noisy(FILM[96:240], 8), other[2 * FPS : 5 * FPS]])
    (segment,) = matched(timeline(spliced), timeline(FILM))
    assert segment.query_start_s == pytest.approx(2.0, abs=1 / FPS)
    assert segment.query_end_s == pytest.approx(8.0, abs=1 / FPS)
    assert segment.reference_start_s == pytest.approx(4.0, abs=1 / FPS)


def test_two_stretches_in_another_order_are_two_segments() -> None:
    swapped = np.concatenate([FILM[192:312], FILM[24:144]])
    found = matched(timeline(noisy(swapped, 6)), timeline(FILM))
    assert [round(segment.reference_start_s) for segment in found] == [8, 1]
    assert found[0].query_end_s == pytest.approx(5.0, abs=1 / FPS)
    assert found[1].query_start_s == pytest.approx(5.0, abs=1 / FPS)


@pytest.mark.parametrize("speed", [0.5, 0.8, 24 / 25, 1.25, 2.0])
def test_another_speed_is_told_within_a_hundredth(speed: float) -> None:
    count = round(min(6.5, 13 / speed) * FPS)
    copy = FILM[(np.arange(count) * speed).astype(int)]
    (segment,) = matched(timeline(noisy(copy, 4)), timeline(FILM))
    assert segment.speed == pytest.approx(speed, rel=0.01)


def test_another_frame_rate_is_the_same_film() -> None:
    copy = FILM[(np.arange(12 * 6) * FPS / 12).astype(int) + 2 * FPS]
    (segment,) = matched(timeline(noisy(copy, 4), fps=12), timeline(FILM))
    assert segment.speed == pytest.approx(1.0, rel=0.01)
    assert segment.reference_start_s == pytest.approx(2.0, abs=2 / FPS)


def test_unrelated_films_share_nothing() -> None:
    assert matched(timeline(moving(3, 8.0)), timeline(FILM)) == []


def test_a_film_played_backwards_is_not_a_copy() -> None:
    segments = matched(timeline(noisy(FILM[::-1].copy(), 4)), timeline(FILM))
    assert judge(segments, Thresholds(), CALIBRATION).outcome is Outcome.CLEAR


def still_room(seed: int, seconds: float) -> np.ndarray:
    """One background, before which something else moves: 24 of the bits change with time, the others stay."""
    background = np.unpackbits(np.random.default_rng(0).integers(0, 256, 32, np.uint8))
    rng = np.random.default_rng(seed)
    rows = np.repeat(background[None], round(seconds * FPS), axis=0)
    for start in range(0, len(rows), FPS // 4):
        rows[start : start + FPS // 4, :24] = rng.integers(0, 2, 24, np.uint8)
    return np.packbits(rows, axis=1)


def test_another_take_in_the_same_room_is_cleared_although_every_frame_is_near() -> None:
    query, reference = timeline(still_room(1, 6.0)), timeline(still_room(2, 9.0))
    segments = matched(query, reference)
    assert segments, "the background brings every frame within reach"
    assert all(segment.mean_distance < 20 for segment in segments)
    assert judge(segments, Thresholds(), CALIBRATION).outcome is Outcome.CLEAR


def test_a_copy_of_that_take_is_recognised() -> None:
    take = still_room(1, 9.0)
    (segment,) = matched(timeline(noisy(take[24:168], 3)), timeline(take))
    assert segment.reference_start_s == pytest.approx(1.0, abs=1 / FPS)
    assert judge([segment], Thresholds(), CALIBRATION).outcome is Outcome.BLOCK


def test_a_still_picture_is_shown_to_a_person_and_never_blocks() -> None:
    held = np.repeat(FILM[:1], 6 * FPS, axis=0)
    segments = matched(timeline(noisy(held, 2)), timeline(held))
    judged = judge(segments, Thresholds(), CALIBRATION)
    assert (judged.outcome, judged.probability) == (Outcome.REVIEW, STILL_PROBABILITY)


def test_a_single_frame_is_found_in_the_film() -> None:
    (segment,) = matched(timeline(noisy(FILM[100:101], 5)), timeline(FILM))
    assert segment.reference_start_s == pytest.approx(100 / FPS, abs=0.13)
    assert segment.motion is None


def test_flat_frames_neither_match_nor_split_a_match() -> None:
    fade = timeline(FILM)
    plain = np.zeros(len(FILM), bool)
    plain[120:140] = True
    fade.is_plain = plain
    (segment,) = matched(timeline(noisy(FILM[48:240], 6)), fade)
    assert segment.duration_s == pytest.approx(8.0, abs=2 / FPS)


def test_motion_that_agrees_scores_higher_the_longer_it_does() -> None:
    short, long = (
        Segment(0, seconds, 0, seconds, 1.0, "frames", 100, 10.0, 0.5, 0.0) for seconds in (1.0, 6.0)
    )
    assert score_of(long) > score_of(short)
