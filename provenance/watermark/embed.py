"""Marks the frames of a clip one by one at a steady quality."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.carrier import TILE, canonical_scale, tile
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.mask import CEILING, amplitude

DEFAULT_PSNR_DB = 46.0
_SMALLEST_PSNR_DB = 42.0
_FULL_EVIDENCE_PIXELS = 1280 * 720
_STRENGTH_RANGE = (0.25, 2.0)
_MEMORY_FRAMES = 48
_FRAME_EXCESS = 1.6  # in power: no frame comes out more than 2 dB below the target
_ROUNDING_POWER = 1 / 12


def default_psnr_db(width: int, height: int) -> float:
    """46 dB at 1280x720 and above; 1 dB less for every halving of the area, which halves the evidence, down to 42."""
    missing = np.log2(_FULL_EVIDENCE_PIXELS / (width * height))
    return float(np.clip(DEFAULT_PSNR_DB - missing, _SMALLEST_PSNR_DB, DEFAULT_PSNR_DB))


class Embedder:
    """Adds the mark of one payload to frames of one size.

    The strength follows what the last 48 frames or so could bear, so that the luma PSNR of the clip comes out
    near `target_psnr_db` (`default_psnr_db` of the size unless given) and no single frame falls far below it.
    A fixed `strength` overrides that. Holds two pictures of memory.
    """

    def __init__(
        self,
        key: WatermarkKey,
        payload: Payload,
        width: int,
        height: int,
        *,
        target_psnr_db: float | None = None,
        strength: float | None = None,
    ) -> None:
        self.width, self.height = width, height
        self._pattern = _spread(tile(key, payload), width, height)
        self._fixed_strength = strength
        psnr_db = default_psnr_db(width, height) if target_psnr_db is None else target_psnr_db
        self._target_power = max(255.0**2 * 10 ** (-psnr_db / 10) - _ROUNDING_POWER, 0.0)
        self._usual_power = 0.0
        self._frames = 0

    def mark(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W) uint8 luma in, marked luma of the same shape out; the input is not changed. Raises PictureShape."""
        if luma.shape != (self.height, self.width) or luma.dtype != np.uint8:
            raise PictureShape(
                f"Luma of shape {luma.shape} and type {luma.dtype} cannot be marked.",
                f"This embedder takes uint8 ({self.height}, {self.width}).",
            )
        allowed = amplitude(luma)
        allowed *= self._strength(allowed)
        change = cv2.resize(
            np.minimum(allowed, CEILING), (self.width, self.height), interpolation=cv2.INTER_LINEAR
        )
        cv2.multiply(change, self._pattern, dst=change)
        return cv2.add(luma, change, dtype=cv2.CV_8U).astype(np.uint8, copy=False)

    def _strength(self, allowed: NDArray[np.float32]) -> float:
        if self._fixed_strength is not None:
            return self._fixed_strength
        power = max(float(np.mean(np.square(allowed))), 1e-6)
        self._frames += 1
        self._usual_power += (power - self._usual_power) / min(self._frames, _MEMORY_FRAMES)
        wanted = np.sqrt(self._target_power / max(self._usual_power, power / _FRAME_EXCESS))
        return float(np.clip(wanted, *_STRENGTH_RANGE))


def embed(
    frames: Iterable[NDArray[np.uint8]],
    payload: Payload,
    key: WatermarkKey,
    *,
    target_psnr_db: float | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Marks (H, W, 3) uint8 RGB frames, one at a time. The change in luma is added to all three channels alike."""
    embedder: Embedder | None = None
    for rgb in frames:
        luma = grey_of(rgb)
        if embedder is None:
            height, width = luma.shape
            embedder = Embedder(key, payload, width, height, target_psnr_db=target_psnr_db)
        change = embedder.mark(luma).astype(np.int16) - luma
        yield np.clip(rgb + change[:, :, None], 0, 255).astype(np.uint8)


def grey_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) luma of (H, W, 3) RGB, by the weights of BT.601. Raises PictureShape."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise PictureShape(
            f"An array of shape {rgb.shape} and type {rgb.dtype} is not a picture.",
            "It must be uint8 (H, W, 3).",
        )
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _spread(pattern: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """The tile repeated over (height, width) at the canonical scale, the picture's corner on the tile's corner."""
    scale = canonical_scale(width, height)
    columns, rows = int(np.ceil(width / scale)) + 2, int(np.ceil(height / scale)) + 2
    # One tile of lead-in keeps the interpolation at the first pixels inside the repeated pattern.
    canonical = np.tile(pattern, (rows // TILE + 3, columns // TILE + 3))
    if scale == 1.0:
        return np.ascontiguousarray(canonical[:height, :width])
    offset = 0.5 / scale - 0.5
    to_canonical = np.array([[1 / scale, 0, offset + TILE], [0, 1 / scale, offset + TILE]])
    spread = cv2.warpAffine(
        canonical, to_canonical, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    return spread.astype(np.float32, copy=False)
