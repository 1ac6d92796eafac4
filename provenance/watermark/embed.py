"""Marks the frames of a clip one by one at a steady quality."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.carrier import TILE, canonical_scale, tile, variant_at
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.mask import CEILING, Mask
from provenance.watermark.profiles import CLEAN, Profile, small_picture_allowance_db

_STRENGTH_RANGE = (0.2, 2.5)
_MEMORY_FRAMES = 12
_FRAME_EXCESS = 1.26  # in amplitude: no frame comes out more than 2 dB below the target
_CEILING_STEPS = 4
_ROUNDING_POWER = 1 / 12


def default_psnr_db(width: int, height: int, profile: Profile = CLEAN) -> float:
    """The luma PSNR a clip of this size is marked at where its strength follows the profile."""
    return profile.psnr_db - small_picture_allowance_db(width, height)


class Embedder:
    """Adds the mark of one payload to the frames of one clip, in their order, or to a still picture.

    With `fps` the pattern turns with every segment of the clip; without, every frame is marked as the first.
    `strength` is a factor on the amplitude that the picture can bear, lessened wherever the profile's floor of
    quality asks for it; without it the strength follows what the last 12 frames or so could bear, so that the
    luma PSNR comes out near `default_psnr_db` and no single frame falls far below it. Holds a few pictures
    of memory.
    """

    def __init__(
        self,
        key: WatermarkKey,
        payload: Payload,
        width: int,
        height: int,
        fps: Fraction | None = None,
        *,
        profile: Profile = CLEAN,
        strength: float | None = None,
    ) -> None:
        self.width, self.height, self.fps = width, height, fps
        self._key, self._payload, self._profile = key, payload, profile
        self._fixed_strength = strength
        self._mask = Mask()
        allowance_db = small_picture_allowance_db(width, height)
        psnr_db = profile.psnr_db if strength is None else profile.floor_psnr_db
        self._target_power = max(255.0**2 * 10 ** (-(psnr_db - allowance_db) / 10) - _ROUNDING_POWER, 0.0)
        self._followed = 0.0
        self._frames = 0
        self._variant = -1
        self._pattern: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def mark(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W) uint8 luma in, marked luma of the same shape out; the input is not changed. Raises PictureShape."""
        if luma.shape != (self.height, self.width) or luma.dtype != np.uint8:
            raise PictureShape(
                f"Luma of shape {luma.shape} and type {luma.dtype} cannot be marked.",
                f"This embedder takes uint8 ({self.height}, {self.width}).",
            )
        pattern = self._pattern_now()
        allowed = self._mask.amplitude(luma)
        self._frames += 1
        allowed *= self._strength(allowed)
        change = cv2.resize(
            np.minimum(allowed, CEILING), (self.width, self.height), interpolation=cv2.INTER_LINEAR
        )
        cv2.multiply(change, pattern, dst=change)
        return cv2.add(luma, change, dtype=cv2.CV_8U).astype(np.uint8, copy=False)

    def _pattern_now(self) -> NDArray[np.float32]:
        variant = 0 if self.fps is None else variant_at(float(self._frames / self.fps))
        if variant != self._variant:
            self._variant = variant
            one = tile(self._key, self._payload, variant, self._profile)
            self._pattern = spread(one, self.width, self.height)
        return self._pattern

    def _strength(self, allowed: NDArray[np.float32]) -> float:
        exact = self._reaching(self._target_power, allowed)
        self._followed += (exact - self._followed) / min(self._frames, _MEMORY_FRAMES)
        followed = min(self._followed, exact * _FRAME_EXCESS)
        if self._fixed_strength is not None:
            return min(self._fixed_strength, followed)
        return float(np.clip(followed, *_STRENGTH_RANGE))

    @staticmethod
    def _reaching(power: float, allowed: NDArray[np.float32]) -> float:
        """The strength at which a frame's mark has this power, its ceiling respected."""
        strength = 1.0
        for _ in range(_CEILING_STEPS):
            reached = float(np.mean(np.square(np.minimum(allowed * strength, CEILING))))
            strength = min(strength * float(np.sqrt(power / max(reached, 1e-9))), 2 * _STRENGTH_RANGE[1])
        return strength


def embed(
    frames: Iterable[NDArray[np.uint8]],
    payload: Payload,
    key: WatermarkKey,
    fps: Fraction | None = None,
    *,
    profile: Profile = CLEAN,
    strength: float | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Marks (H, W, 3) uint8 RGB frames, one at a time. The change in luma is added to all three channels alike."""
    embedder: Embedder | None = None
    for rgb in frames:
        luma = grey_of(rgb)
        if embedder is None:
            height, width = luma.shape
            embedder = Embedder(key, payload, width, height, fps, profile=profile, strength=strength)
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


def spread(pattern: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """A (TILE, TILE) pattern repeated over (height, width) at the canonical scale, corner on corner."""
    scale = canonical_scale(width, height)
    columns, rows = int(np.ceil(width / scale)) + 2, int(np.ceil(height / scale)) + 2
    # One tile of lead-in keeps the interpolation at the first pixels inside the repeated pattern.
    canonical = np.tile(pattern, (rows // TILE + 3, columns // TILE + 3))
    if scale == 1.0:
        return np.ascontiguousarray(canonical[:height, :width])
    offset = 0.5 / scale - 0.5
    to_canonical = np.array([[1 / scale, 0, offset + TILE], [0, 1 / scale, offset + TILE]])
    wide = cv2.warpAffine(
        canonical, to_canonical, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    return wide.astype(np.float32, copy=False)
