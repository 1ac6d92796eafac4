"""The mask asks for less where a pattern would show or cost bits, and never flickers."""

from pathlib import Path

import numpy as np
import pytest

from provenance.media import read_frames
from provenance.watermark.mask import CEILING, Mask, amplitude


def moved(luma: np.ndarray, steps: int) -> list[np.ndarray]:
    return [np.ascontiguousarray(luma[:360, 4 * n : 4 * n + 640]) for n in range(steps)]


@pytest.fixture(scope="module")
def film(real_media: Path) -> np.ndarray:
    return next(read_frames(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", threads=1)).luma


def test_a_flat_area_bears_less_than_texture(film: np.ndarray) -> None:
    flat = amplitude(np.full((360, 640), 128, np.uint8))
    assert flat.shape == (45, 80)
    assert np.ptp(flat) < 1e-4
    assert 0 < flat[0, 0] < 0.5 < amplitude(film).max() <= CEILING


def test_darkness_bears_less_than_middle_grey() -> None:
    dark, grey = (amplitude(np.full((64, 64), level, np.uint8)).mean() for level in (16, 128))
    assert dark < 0.7 * grey


def test_a_pan_is_marked_more_faintly_than_the_same_shot_at_rest(film: np.ndarray) -> None:
    panning, resting = Mask(), Mask()
    for luma in moved(film, 8):
        while_moving = panning.amplitude(luma)
    for _ in range(8):
        at_rest = resting.amplitude(luma)
    assert 0.45 < while_moving.mean() / at_rest.mean() < 0.7


def test_a_shot_at_rest_keeps_all_of_its_amplitude(film: np.ndarray) -> None:
    mask = Mask()
    first = mask.amplitude(film)
    for _ in range(3):
        later = mask.amplitude(film)
    assert np.allclose(first, later, rtol=0.02)


def test_amplitude_changes_gently_when_motion_starts(film: np.ndarray) -> None:
    mask = Mask()
    frames = moved(film, 3)
    mask.amplitude(frames[0])
    before = mask.amplitude(frames[0]).mean()
    assert mask.amplitude(frames[1]).mean() > 0.75 * before


@pytest.mark.parametrize("shape", [(8, 8), (17, 33), (64, 64), (130, 2), (361, 643)])
@pytest.mark.parametrize("level", [0, 255])
def test_odd_and_tiny_and_flat_pictures_have_a_finite_amplitude(shape: tuple[int, int], level: int) -> None:
    mask = Mask()
    for _ in range(3):
        allowed = mask.amplitude(np.full(shape, level, np.uint8))
    assert allowed.shape == (-(-shape[0] // 8), -(-shape[1] // 8))
    assert np.isfinite(allowed).all()
    assert (allowed > 0).all()
