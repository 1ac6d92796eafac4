"""PSNR, SSIM and VMAF say what their definitions say, on real pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.errors import PictureShape
from provenance.media import read_frames
from provenance.quality import QualityMeter, VmafResult, psnr_db, ssim, vmaf


@pytest.fixture(scope="module")
def photo(real_media: Path) -> np.ndarray:
    return cv2.imread(str(real_media / "imageio" / "camera.png"), cv2.IMREAD_GRAYSCALE)


def grain(shape: tuple[int, ...], deviation: float) -> np.ndarray:
    return np.random.default_rng(3).normal(0, deviation, shape)


def noisy(luma: np.ndarray, deviation: float) -> np.ndarray:
    return np.clip(np.round(luma + grain(luma.shape, deviation)), 0, 255).astype(np.uint8)


def test_psnr_of_a_known_difference(photo: np.ndarray) -> None:
    grey = np.full_like(photo, 100)
    assert psnr_db(grey, grey + 1) == pytest.approx(48.1308, abs=1e-3)
    assert psnr_db(grey, grey + 10) == pytest.approx(28.1308, abs=1e-3)
    assert psnr_db(photo, photo) == float("inf")


def test_ssim_of_a_constant_shift_is_its_closed_form() -> None:
    a, b = np.full((32, 32), 100, np.uint8), np.full((32, 32), 120, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 120 + c1) / (100**2 + 120**2 + c1), abs=2e-5)


def test_ssim_agrees_with_a_direct_evaluation_of_the_formula(photo: np.ndarray) -> None:
    a, b = photo[100:124, 100:124], noisy(photo, 8)[100:124, 100:124]
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(axis, axis) / axis.sum() ** 2
    values = []
    for y in range(14):
        for x in range(14):
            p, q = a[y : y + 11, x : x + 11].astype(float), b[y : y + 11, x : x + 11].astype(float)
            mean_p, mean_q = (weights * p).sum(), (weights * q).sum()
            var_p, var_q = (weights * (p - mean_p) ** 2).sum(), (weights * (q - mean_q) ** 2).sum()
            both = (weights * (p - mean_p) * (q - mean_q)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            likeness = (2 * mean_p * mean_q + c1) * (2 * both + c2)
            values.append(likeness / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2)))
    assert ssim(a, b) == pytest.approx(float(np.mean(values)), abs=1e-4)


def test_more_noise_is_worse_by_every_measure(photo: np.ndarray) -> None:
    clean, rough = noisy(photo, 2), noisy(photo, 8)
    assert psnr_db(photo, clean) > psnr_db(photo, rough) + 10
    assert 1 > ssim(photo, clean) > ssim(photo, rough) > 0


def test_planes_that_cannot_be_compared_are_refused(photo: np.ndarray) -> None:
    with pytest.raises(PictureShape):
        psnr_db(photo, photo[:-2])
    with pytest.raises(PictureShape):
        ssim(photo[:8, :8], photo[:8, :8])
    with pytest.raises(PictureShape):
        psnr_db(photo.astype(float), photo.astype(float))


def test_the_meter_averages_power_not_decibels(photo: np.ndarray) -> None:
    meter = QualityMeter()
    grey = np.full_like(photo, 100)
    for step in (1, 3):
        meter.add(grey, grey + step)
    assert meter.psnr_db == pytest.approx(10 * np.log10(255**2 / 5), abs=1e-3)
    assert meter.worst_psnr_db == pytest.approx(10 * np.log10(255**2 / 9), abs=1e-3)


def test_the_meter_measures_every_nth_pair_and_nothing_before_the_first(photo: np.ndarray) -> None:
    meter = QualityMeter(every=4)
    assert (meter.psnr_db, meter.ssim, meter.measured_frames) == (None, None, 0)
    for _ in range(10):
        meter.add(photo, photo)
    assert meter.measured_frames == 3
    assert meter.psnr_db == float("inf")
    assert meter.ssim == pytest.approx(1.0)


def test_the_meter_takes_pictures_smaller_than_the_window_of_ssim() -> None:
    meter = QualityMeter()
    meter.add(np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8))
    assert meter.ssim is None
    assert meter.psnr_db == pytest.approx(48.13, abs=0.01)


def test_vmaf_of_real_film_falls_with_noise(real_media: Path) -> None:
    film = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    lumas = [frame.luma[:360, :640].copy() for frame in read_frames(film, end_s=0.3, threads=1)]
    same = vmaf((luma, luma) for luma in lumas)
    rough = vmaf((luma, noisy(luma, 6)) for luma in lumas)
    assert same.score is not None
    assert rough.score is not None
    assert 100 >= same.score > 95
    assert 40 < rough.score < same.score - 5


def test_vmaf_without_frames_is_an_answer_with_a_reason() -> None:
    result = vmaf([])
    assert result == VmafResult(None, result.reason)
    assert "no frames" in result.reason


def test_vmaf_refuses_a_change_of_size_and_leaves_no_process(photo: np.ndarray) -> None:
    with pytest.raises(PictureShape):
        vmaf([(photo, photo), (photo[:100], photo[:100])])
    with pytest.raises(PictureShape):
        vmaf([(photo[:101], photo[:101])])
