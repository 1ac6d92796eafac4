"""Paints the letters A and B over the frames of a marked clip, strong and low enough to outlive a poor copy."""

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.watermark.copies.carrier import letter_pattern
from provenance.watermark.embed import spread
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.mask import Mask
from provenance.watermark.profiles import small_picture_allowance_db

# Luma PSNR of a painted frame against the marked one, at least; with a clean mark of 46 dB 44.5 dB are left.
LETTER_PSNR_DB = 50.0
_MEMORY_FRAMES = 48
_STRENGTH_RANGE = (0.05, 4.0)
# Luma steps; lower than a mark's, because a letter that follows another turns its pattern around at once.
_CEILING = 2.5

Luma = NDArray[np.uint8]


class LetterPainter:
    """Adds the pattern of the letters to the frames of one clip, in their order: as it is for A, negated for B."""

    def __init__(self, key: WatermarkKey, width: int, height: int) -> None:
        self._pattern = spread(letter_pattern(key), width, height)
        self._mask = Mask()
        psnr_db = LETTER_PSNR_DB - small_picture_allowance_db(width, height)
        self._target_power = 255.0**2 * 10 ** (-psnr_db / 10)
        self._usual_power = 0.0
        self._frames = 0

    def paint(self, luma: Luma) -> tuple[Luma, Luma]:
        """(H, W) uint8 luma of the next frame with the letter A, and with the letter B; the input stays as it is."""
        allowed = self._mask.amplitude(luma)
        power = max(float(np.mean(np.square(allowed))), 1e-6)
        self._frames += 1
        self._usual_power += (power - self._usual_power) / min(self._frames, _MEMORY_FRAMES)
        # A frame that bears more than its neighbours gets no more than they: it would stand out.
        strength = np.sqrt(self._target_power / max(self._usual_power, power))
        allowed *= float(np.clip(strength, *_STRENGTH_RANGE))
        height, width = luma.shape
        change = cv2.resize(np.minimum(allowed, _CEILING), (width, height), interpolation=cv2.INTER_LINEAR)
        cv2.multiply(change, self._pattern, dst=change)
        with_a = cv2.add(luma, change, dtype=cv2.CV_8U)
        with_b = cv2.subtract(luma, change, dtype=cv2.CV_8U)
        return with_a.astype(np.uint8, copy=False), with_b.astype(np.uint8, copy=False)
