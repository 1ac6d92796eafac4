from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import cv2
import numpy as np
import pytest

from provenance.fingerprint import FrameFingerprint, Hit, align, mirror_pdq

Fingerprints = list[FrameFingerprint]
Excerpt = Callable[..., Fingerprints]
Search = Callable[[Fingerprints, Fingerprints], list[Hit]]


def _letterboxed(rgb: np.ndarray) -> np.ndarray:
    return np.pad(rgb, ((60, 60), (0, 0), (0, 0)))


def _tiny(rgb: np.ndarray) -> np.ndarray:
    return cv2.resize(rgb, (320, 180), interpolation=cv2.INTER_AREA)


EDITS = {"as it is": lambda rgb: rgb, "letterboxed": _letterboxed, "320x180": _tiny}


@pytest.mark.parametrize("edit", EDITS)
def test_cut_from_the_middle_is_found_with_its_times(
    references: dict[str, Fingerprints], excerpt: Excerpt, hits_between: Search, edit: str
) -> None:
    query = excerpt("bunny", 8.0, 12.0, 35, EDITS[edit])
    segments = align(hits_between(query, references["bunny"]))
    assert len(segments) == 1
    found = segments[0]
    assert (found.query_start_s, found.query_end_s) == pytest.approx((0.0, 4.0), abs=0.5)
    assert (found.reference_start_s, found.reference_end_s) == pytest.approx((8.0, 12.0), abs=0.5)
    assert found.speed == 1.0
    assert found.hits >= 12


def test_cut_of_a_clip_with_bars_is_found_in_the_sepia_version_too(
    references: dict[str, Fingerprints], excerpt: Excerpt, hits_between: Search
) -> None:
    query = excerpt("chair", 5.0, 9.0, fps=Fraction(30))
    for name in ("chair", "sepia"):
        (found,) = align(hits_between(query, references[name]))
        assert (found.reference_start_s, found.reference_end_s) == pytest.approx((5.0, 9.0), abs=0.5)


def test_slow_scene_from_a_fixed_camera_is_found_in_place(
    references: dict[str, Fingerprints], excerpt: Excerpt, hits_between: Search
) -> None:
    query = excerpt("bottles", 6.0, 9.0, 30, fps=Fraction(179, 6))
    hits = hits_between(query, references["bottles"])
    assert len(hits) > 3 * len(query)
    (found,) = align(hits)
    assert (found.reference_start_s, found.reference_end_s) == pytest.approx((6.0, 9.0), abs=0.5)


def test_faster_copy_is_found_with_its_speed(
    references: dict[str, Fingerprints], excerpt: Excerpt, hits_between: Search
) -> None:
    query = excerpt("bunny", 5.0, 11.0, 28, fps=Fraction(30))
    (found,) = align(hits_between(query, references["bunny"]))
    assert found.speed == pytest.approx(1.25, abs=0.03)
    assert (found.reference_start_s, found.reference_end_s) == pytest.approx((5.0, 11.0), abs=0.5)


def test_mirrored_copy_is_found_by_mirrored_hashes(
    references: dict[str, Fingerprints], excerpt: Excerpt, hits_between: Search
) -> None:
    query = excerpt("bunny", 8.0, 11.0, 28, lambda rgb: rgb[:, ::-1])
    assert align(hits_between(query, references["bunny"])) == []
    turned = [replace(frame, pdq=mirror_pdq(frame.pdq)) for frame in query]
    (found,) = align(hits_between(turned, references["bunny"]))
    assert found.reference_start_s == pytest.approx(8.0, abs=0.5)


def test_two_stretches_of_one_reference_are_two_segments(
    references: dict[str, Fingerprints], hits_between: Search
) -> None:
    part = [f for f in references["bunny"] if f.is_searchable]
    early, late = [f for f in part if 5 <= f.time_s < 8], [f for f in part if 20 <= f.time_s < 23]
    query = [replace(f, time_s=n / 4) for n, f in enumerate(late + early)]
    segments = align(hits_between(query, references["bunny"]))
    spans = [(s.query_start_s, s.query_end_s, s.reference_start_s, s.reference_end_s) for s in segments]
    assert spans == [pytest.approx((0, 3, 20, 23), abs=0.3), pytest.approx((3, 6, 5, 8), abs=0.3)]


def test_unrelated_clips_share_no_segment(references: dict[str, Fingerprints], hits_between: Search) -> None:
    names = ("bunny", "chair", "doorknob", "bottles")
    for query, reference in permutations(names, 2):
        assert align(hits_between(references[query], references[reference])) == []


def test_other_clips_of_the_same_room_share_no_segment(
    gestures: dict[str, Fingerprints], hits_between: Search
) -> None:
    """Many single frames of these lie within 31 bits of each other; evidence over time must tell them apart."""
    with_hits = 0
    for query, reference in permutations(gestures, 2):
        hits = hits_between(gestures[query], gestures[reference])
        with_hits += bool(hits)
        frames = sum(frame.is_searchable for frame in gestures[query])
        assert align(hits, query_frames=frames) == [], (query, reference)
    assert with_hits >= 10


def test_every_gesture_is_found_in_itself(gestures: dict[str, Fingerprints], hits_between: Search) -> None:
    for own in gestures.values():
        (found,) = align(hits_between(own, own))
        assert (found.query_start_s, found.reference_start_s, found.mean_distance) == (0.0, 0.0, 0.0)
        assert found.query_end_s == pytest.approx(own[-1].time_s + 0.25)


def _hit(query_s: float, reference_s: float, distance: int = 4) -> Hit:
    return Hit(round(query_s * 24), query_s, reference_s, distance)


def test_a_frozen_picture_counts_once() -> None:
    """Ten identical frames against ten identical frames are one picture seen once, not a hundred hits."""
    grid = [_hit(q / 4, r / 4, 2) for q in range(10) for r in range(10)]
    assert align(grid) == []
    moving = [_hit(q / 4, 5 + q / 4) for q in range(10)]
    assert len(align(moving)) == 1


def test_three_hits_over_three_quarters_of_a_second_are_needed() -> None:
    assert align([_hit(0.0, 5.0), _hit(0.25, 5.25)]) == []
    assert align([_hit(0.0, 5.0), _hit(0.25, 5.25), _hit(0.5, 5.5)]) == []
    (found,) = align([_hit(0.0, 5.0), _hit(0.25, 5.25), _hit(0.5, 5.5), _hit(0.75, 5.75)])
    assert (found.query_start_s, found.query_end_s, found.reference_end_s) == pytest.approx((0.0, 1.0, 6.0))
    assert align([]) == []


def test_few_hits_must_be_close() -> None:
    near = [_hit(n / 4, 5 + n / 4, 16) for n in range(6)]
    far = [_hit(n / 4, 5 + n / 4, 24) for n in range(6)]
    many_far = [_hit(n / 4, 5 + n / 4, 24) for n in range(12)]
    assert (len(align(near)), len(align(far)), len(align(many_far))) == (1, 0, 1)


def test_an_unusual_speed_takes_more_hits() -> None:
    for count, segments in ((5, 0), (9, 1)):
        assert len(align([_hit(n / 4, 5 + 1.5 * n / 4) for n in range(count)])) == segments


def test_a_still_image_is_matched_by_its_only_frame() -> None:
    assert len(align([_hit(0.0, 5.0, 12)], query_frames=1)) == 1
    assert align([_hit(0.0, 5.0, 28)], query_frames=1) == []
    assert align([_hit(0.0, 5.0, 12)], query_frames=9) == []


def test_hits_scattered_in_time_are_no_copy() -> None:
    random = np.random.default_rng(13)
    times = random.permutation(200)[:24] / 4
    assert align([_hit(n / 4, float(time_s), 24) for n, time_s in enumerate(times)]) == []


def test_reversed_order_is_no_copy() -> None:
    assert align([_hit(n / 4, 10 - n / 4) for n in range(16)]) == []


def test_a_gap_of_more_than_two_seconds_splits() -> None:
    first = [_hit(n / 4, 5 + n / 4) for n in range(8)]
    second = [_hit(5 + n / 4, 10 + n / 4) for n in range(8)]
    segments = align(first + second)
    assert [(s.query_start_s, s.query_end_s) for s in segments] == [(0.0, 2.0), (5.0, 7.0)]
