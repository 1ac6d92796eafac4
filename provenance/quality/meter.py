"""Measures the quality of a clip while its frames go by, looking at a bounded number of them."""

import numpy as np
from numpy.typing import NDArray

from provenance.quality.measures import SSIM_WINDOW, mean_square, psnr_of_mean_square, ssim

_SSIM_EVERY = 8


class QualityMeter:
    """Averages PSNR (over mean squares) and SSIM over every `every`-th pair of frames.

    SSIM costs more, so every eighth of those pairs is measured by it, the first one always.
    """

    def __init__(self, every: int = 1) -> None:
        self._every = max(1, every)
        self._seen = 0
        self._powers: list[float] = []
        self._likeness: list[float] = []

    def wants_next(self) -> bool:
        """Whether the pair that comes next is measured, for callers who would have to copy it first."""
        return self._seen % self._every == 0

    def add(self, reference: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
        """Takes a pair of (H, W) uint8 luma planes; must be called for every frame. Raises PictureShape."""
        if self.wants_next():
            is_for_ssim = len(self._powers) % _SSIM_EVERY == 0 and min(reference.shape) >= SSIM_WINDOW
            self._powers.append(mean_square(reference, other))
            if is_for_ssim:
                self._likeness.append(ssim(reference, other))
        self._seen += 1

    @property
    def measured_frames(self) -> int:
        """How many pairs were compared."""
        return len(self._powers)

    @property
    def psnr_db(self) -> float | None:
        """PSNR of the mean square over the measured frames; None before the first, infinite when all are equal."""
        return psnr_of_mean_square(float(np.mean(self._powers))) if self._powers else None

    @property
    def worst_psnr_db(self) -> float | None:
        """PSNR of the frame that came out worst."""
        return psnr_of_mean_square(max(self._powers)) if self._powers else None

    @property
    def ssim(self) -> float | None:
        """Mean SSIM; None where no frame was measured or pictures are smaller than its window."""
        return float(np.mean(self._likeness)) if self._likeness else None
