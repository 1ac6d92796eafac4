"""Copies that show a part of a picture, or show it within another one, are found by features and placed by hashes."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.fingerprint import ClipFingerprint, fingerprint_file
from provenance.fingerprint.judging import Outcome, Thresholds, judge, shipped
from provenance.fingerprint.matching.candidates import asked_features, neighbouring, promising
from provenance.fingerprint.matching.clip import candidate_overlays, part_segments
from provenance.fingerprint.matching.looking import FileLook, PreviewLook
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.matching.views import WHOLE, View
from provenance.media import read_frames
from tests.provenance.fingerprint.clips_for_tests import write_frames

FILM = "bigbuckbunny/bbb-480p-30s-video.mp4"
CUT_S = (16.0, 19.5)
AROUND_S = (14.0, 22.0)

Rgb = np.ndarray


def cropped(rgb: Rgb) -> Rgb:
    height, width = rgb.shape[:2]
    top, left = height // 10, width // 10
    return np.ascontiguousarray(
        rgb[top : top + height * 8 // 10 // 2 * 2, left : left + width * 8 // 10 // 2 * 2]
    )


def within(rgb: Rgb) -> Rgb:
    height, width = rgb.shape[:2]
    canvas = np.full_like(rgb, 90)
    cv2.circle(canvas, (width // 5, height // 2), height // 4, (200, 120, 40), -1)
    small = cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    canvas[height // 4 : height // 4 + small.shape[0], width // 3 : width // 3 + small.shape[1]] = small
    return canvas


def mirrored_crop(rgb: Rgb) -> Rgb:
    return np.ascontiguousarray(cropped(rgb)[:, ::-1])


def stretch(source: Path, target: Path, start_s: float, end_s: float, edit: Callable[[Rgb], Rgb]) -> Path:
    frames = [
        (frame.time_s - start_s, edit(frame.rgb))
        for frame in read_frames(source, start_s=start_s, end_s=end_s)
    ]
    write_frames(target, [rgb for _, rgb in frames], [time_s for time_s, _ in frames])
    return target


@pytest.fixture(scope="module")
def reference(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClipFingerprint]:
    path = tmp_path_factory.mktemp("reference") / "reference.mp4"
    stretch(real_media / FILM, path, *AROUND_S, lambda rgb: rgb)
    return path, fingerprint_file(path, threads=1)


def found(
    copy: Path, reference: tuple[Path, ClipFingerprint], *, with_file: bool = True
) -> tuple[list[Segment], ClipFingerprint]:
    path, kept = reference
    query = fingerprint_file(copy, query=True, threads=1)
    overlays = candidate_overlays(product(query.keyframes, kept.keyframes), [])
    there = FileLook(path, threads=1) if with_file else PreviewLook(kept.keyframes)
    segments = part_segments(
        overlays,
        FileLook(copy, threads=1),
        FileLook(copy, is_mirrored=True, threads=1),
        there,
        query.duration_s,
        kept.duration_s,
    )
    return segments, query


@pytest.mark.parametrize("edit", [cropped, within, mirrored_crop])
def test_a_part_is_found_placed_and_boxed(
    edit: Callable[[Rgb], Rgb], real_media: Path, reference: tuple[Path, ClipFingerprint], tmp_path: Path
) -> None:
    copy = stretch(real_media / FILM, tmp_path / "copy.mp4", *CUT_S, edit)
    segments, _ = found(copy, reference)
    best = max(segments, key=lambda segment: segment.duration_s)
    assert best.method == "features"
    assert best.is_mirrored == (edit is mirrored_crop)
    assert best.reference_start_s == pytest.approx(CUT_S[0] - AROUND_S[0], abs=0.1)
    assert best.duration_s == pytest.approx(CUT_S[1] - CUT_S[0], abs=0.3)
    assert judge(segments, Thresholds(), shipped()).outcome is not Outcome.CLEAR
    if edit is within:
        box = best.query_box
        assert box is not None
        assert (box.left, box.top, box.right, box.bottom) == pytest.approx(
            (1 / 3, 1 / 4, 5 / 6, 3 / 4), abs=0.02
        )
    else:
        assert best.reference_box is not None
        assert best.reference_box.area == pytest.approx(0.64, abs=0.04)


def test_without_a_file_the_previews_say_enough_for_a_person_to_look(
    real_media: Path, reference: tuple[Path, ClipFingerprint], tmp_path: Path
) -> None:
    copy = stretch(real_media / FILM, tmp_path / "copy.mp4", *CUT_S, within)
    segments, _ = found(copy, reference, with_file=False)
    assert segments
    assert judge(segments, Thresholds(), shipped()).outcome is not Outcome.BLOCK


def test_an_unrelated_clip_has_no_part_in_common(
    real_media: Path, reference: tuple[Path, ClipFingerprint], tmp_path: Path
) -> None:
    copy = stretch(real_media / "imageio/cockatoo.mp4", tmp_path / "copy.mp4", 1.0, 4.0, lambda rgb: rgb)
    segments, _ = found(copy, reference)
    assert judge(segments, Thresholds(), shipped()).outcome is Outcome.CLEAR


def test_key_frames_that_share_features_are_promising_and_bring_their_neighbours(
    reference: tuple[Path, ClipFingerprint],
) -> None:
    _, kept = reference
    asked, descriptors = asked_features(kept)
    stored = np.repeat(np.arange(len(kept.keyframes)), [len(one.descriptors) for one in kept.keyframes])
    own = np.arange(len(descriptors))
    pairs = promising(asked, own, stored, np.zeros(len(own), np.uint8))
    assert {(pair.asked, pair.stored) for pair in pairs} == {(n, n) for n in range(len(kept.keyframes))}
    near = neighbouring([kept.keyframes[0]], kept.keyframes)
    assert near[0] is kept.keyframes[0]
    assert len(near) == len([one for one in kept.keyframes if one.time_s <= 8.0 + kept.keyframes[0].time_s])


def test_a_view_of_the_whole_shows_the_whole_and_its_parts_are_its_quarters() -> None:
    picture = np.zeros((100, 200), np.uint8)
    picture[:50, :100] = 200
    assert WHOLE.cut(picture)[:60, :60].min() == 200
    quarter: View = WHOLE.part(0.0, 0.0, 0.5, 0.5)
    assert quarter.cut(picture)[:120, :120].min() == 200
