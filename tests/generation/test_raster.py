"""The delivery raster is filled without distortion, borders or shifted colours."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from generation.raster import fit


@pytest.fixture(scope="module")
def photo(real_media: Path) -> np.ndarray:
    return cv2.imread(str(next((real_media / "imageio").glob("chelsea*.png"))))[..., ::-1].copy()


@pytest.mark.parametrize("size", [(1280, 720), (64, 64), (720, 1280), (640, 272), (451, 300), (452, 302)])
def test_the_result_has_exactly_the_delivery_raster(photo: np.ndarray, size: tuple[int, int]) -> None:
    result = fit(photo, *size)
    assert result.shape == (size[1], size[0], 3)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous


def test_a_frame_that_fits_is_left_alone(photo: np.ndarray) -> None:
    height, width = photo.shape[:2]
    assert fit(photo, width, height) is photo


def test_the_middle_stays_the_middle_when_sides_are_cropped() -> None:
    frame = np.zeros((160, 288, 3), dtype=np.uint8)
    frame[80 - 8 : 80 + 8, 144 - 8 : 144 + 8] = 255
    result = fit(frame, 360, 720).astype(float).mean(axis=2)
    rows, columns = np.nonzero(result > 128)
    assert rows.mean() == pytest.approx(359.5, abs=1)
    assert columns.mean() == pytest.approx(179.5, abs=1)
    # A square stays a square: no distortion.
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


def test_a_photo_keeps_its_colours_when_shrunk_and_grown(photo: np.ndarray) -> None:
    height, width = photo.shape[:2]
    for factor in (0.5, 2.0):
        result = fit(photo, round(width * factor / 2) * 2, round(height * factor / 2) * 2)
        assert np.abs(result.mean(axis=(0, 1)) - photo.mean(axis=(0, 1))).max() < 1.0
