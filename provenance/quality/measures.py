"""PSNR and SSIM of luma planes, as defined in the literature and nothing rounder."""

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape

PEAK = 255.0
SSIM_WINDOW = 11
_SIGMA = 1.5
_C1 = np.float32((0.01 * PEAK) ** 2)
_C2 = np.float32((0.03 * PEAK) ** 2)
_MIDDLE = np.float32(128)

Luma = NDArray[np.uint8]


def mean_square(reference: Luma, other: Luma) -> float:
    """Mean of the squared difference of two (H, W) uint8 planes. Raises PictureShape."""
    _check(reference, other)
    difference = cv2.absdiff(reference, other)
    return float(cv2.norm(difference, cv2.NORM_L2SQR)) / difference.size


def psnr_of_mean_square(power: float) -> float:
    """10 log10(255^2 / power), infinite for 0."""
    return float("inf") if power <= 0 else float(10 * np.log10(PEAK**2 / power))


def psnr_db(reference: Luma, other: Luma) -> float:
    """Peak signal-to-noise ratio of two (H, W) uint8 planes, in dB; infinite when equal. Raises PictureShape."""
    return psnr_of_mean_square(mean_square(reference, other))


def ssim(reference: Luma, other: Luma) -> float:
    """Mean structural similarity of two (H, W) uint8 planes, at most 1.

    Wang, Bovik, Sheikh and Simoncelli (2004): Gaussian window 11x11 of sigma 1.5, K1 = 0.01, K2 = 0.03, only
    windows that lie wholly inside. Raises PictureShape, also for planes smaller than a window.
    """
    _check(reference, other)
    if min(reference.shape) < SSIM_WINDOW:
        raise PictureShape(
            f"A plane of {reference.shape} is smaller than the window of SSIM.",
            f"Both sides must have at least {SSIM_WINDOW} pixels.",
        )
    # About mid-grey, so that float32 does not lose the variance of bright flat areas to rounding.
    a, b = reference.astype(np.float32) - _MIDDLE, other.astype(np.float32) - _MIDDLE
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    product = mean_a * mean_b
    squares = mean_a * mean_a + mean_b * mean_b
    together = _window_mean(a * b) - product
    spreads = _window_mean(a * a + b * b) - squares
    sums = _MIDDLE * (mean_a + mean_b) + _MIDDLE**2
    likeness = (2 * (product + sums) + _C1) * (2 * together + _C2)
    likeness /= (squares + 2 * sums + _C1) * (spreads + _C2)
    return float(likeness.mean(dtype=np.float64))


def _window_mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted means of all windows that lie inside, (H - 10, W - 10)."""
    inset = SSIM_WINDOW // 2
    blurred = cv2.GaussianBlur(plane, (SSIM_WINDOW, SSIM_WINDOW), _SIGMA)
    return blurred[inset:-inset, inset:-inset].astype(np.float32, copy=False)


def _check(reference: Luma, other: Luma) -> None:
    for plane in (reference, other):
        if plane.ndim != 2 or plane.dtype != np.uint8 or 0 in plane.shape:
            raise PictureShape(
                f"An array of shape {plane.shape} and type {plane.dtype} is not luma.",
                "It must be uint8 (H, W).",
            )
    if reference.shape != other.shape:
        raise PictureShape(
            f"Planes of {reference.shape} and {other.shape} cannot be compared.",
            "Scale one to the other first.",
        )
