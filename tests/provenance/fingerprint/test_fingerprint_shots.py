"""Cuts are found at their first unblended frame; flashes, fades and pans are not taken for cuts."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.fingerprint.pdq256 import hash_picture
from provenance.fingerprint.shots import ShotFinder
from provenance.media import read_frames

FPS = 24
Pictures = list[np.ndarray]


def starts(pictures: Sequence[np.ndarray]) -> list[int]:
    finder = ShotFinder()
    return [n for n, luma in enumerate(pictures) if finder.begins(n / FPS, hash_picture(luma).small)]


@pytest.fixture(scope="module")
def bunny(real_media: Path) -> Pictures:
    return _frames(real_media / "bigbuckbunny" / "bigbuckbunny.mp4")


@pytest.fixture(scope="module")
def chair(real_media: Path) -> Pictures:
    """Hand-held."""
    return _frames(real_media / "threatexchange" / "videos" / "chair-orig-22-sd-bar.mp4")


def _frames(path: Path) -> Pictures:
    return [
        cv2.resize(frame.luma, (320, 180), interpolation=cv2.INTER_AREA)
        for frame in read_frames(path, end_s=3.0, threads=1)
    ][:60]


def test_every_cut_of_a_real_clip_is_found(real_media: Path) -> None:
    finder = ShotFinder()
    found = [
        frame.index
        for frame in read_frames(real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4", threads=1)
        if finder.begins(frame.time_s, hash_picture(frame.luma).small)
    ]
    # After the fade from black, one frame after each cut, and one whipped pan.
    assert found[0] <= 24
    assert found[1:] == [286, 379, 502, 554]


def test_a_cut_is_reported_at_the_second_frame_of_the_new_shot(bunny: Pictures, chair: Pictures) -> None:
    assert starts([*bunny[:30], *chair[:30], *bunny[30:60]]) == [0, 31, 61]


def test_a_blend_of_two_shots_starts_none(bunny: Pictures, chair: Pictures) -> None:
    blends = [cv2.addWeighted(bunny[30], 1 - share, chair[0], share, 0) for share in (0.4, 0.8)]
    found = starts([*bunny[:30], *blends, *chair[:30]])
    assert found[0] == 0
    assert len(found) == 2
    assert 32 <= found[1] <= 34


def test_a_flash_is_no_cut(bunny: Pictures) -> None:
    white = np.full_like(bunny[0], 250)
    noise = np.random.default_rng(0).integers(0, 255, bunny[0].shape).astype(np.uint8)
    assert starts([*bunny[:20], white, white, *bunny[22:40], cv2.blur(noise, (25, 25)), *bunny[41:60]]) == [0]


def test_a_fade_is_no_cut_and_a_pan_neither(bunny: Pictures, chair: Pictures) -> None:
    faded = [(luma * (1 - n / 40)).astype(np.uint8) for n, luma in enumerate(bunny[:40])]
    assert starts([*faded, *faded[::-1]]) == [0]
    assert starts(chair) == [0]


def test_a_clip_that_begins_black_has_its_first_shot_where_the_picture_appears(chair: Pictures) -> None:
    black = np.full_like(chair[0], 16)
    (only,) = starts([*[black] * 12, *chair[:20]])
    assert 12 <= only <= 13
    assert starts([black] * 12) == []


def test_a_shot_that_never_settles_begins_after_half_a_second(bunny: Pictures) -> None:
    rng = np.random.default_rng(1)
    restless = [cv2.resize(rng.integers(0, 255, (6, 8)).astype(np.uint8), (320, 180)) for _ in range(40)]
    found = starts([*bunny[:20], *restless])
    assert found[0] == 0
    assert 32 <= found[1] <= 33


def test_other_bars_are_no_other_shot(bunny: Pictures) -> None:
    finder = ShotFinder()
    assert finder.begins(0.0, hash_picture(bunny[0]).small)
    cut = [np.ascontiguousarray(luma[40:140]) for luma in bunny]
    finder.reframe(hash_picture(cut[0]).small)
    assert not any(finder.begins(n / FPS, hash_picture(cut[n]).small) for n in range(1, 20))
