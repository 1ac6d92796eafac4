"""Finds a mark in a clip of unknown origin with nothing but the keys, and says how sure it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.carrier import TILE, Carriers, carriers
from provenance.watermark.embed import grey_of
from provenance.watermark.geometry import (
    REFINED_POSITIONS,
    Candidate,
    Geometry,
    refine,
    scales_to_try,
    survey,
)
from provenance.watermark.keys import TAG_BYTES, Payload, WatermarkKey
from provenance.watermark.readout import CANDIDATES_PER_TRY, read_payload
from provenance.watermark.residual import Plane, Sum, Windows, residual

_REFINE_ABOVE_Z = 4.6
_READ_ABOVE_Z = 5.3
_SURE_Z = 9.0
_TRIED_PER_SUM = 3
_MAX_READS = 24
_LARGE_SHORT_SIDE = 1440
_DENSE_FRAMES = 96
_OPENING_FRAMES = 4
_FRAMES_PER_KEY_FRAME = 4
_MAX_KEY_FRAMES_SUM = 48


@dataclass(frozen=True)
class Detection:
    """A mark whose payload was read and whose tag is right.

    z: strength of the pilot in standard deviations of chance. p_presence: bound on the probability that an
    unmarked clip shows such a z. p_message: bound on the probability that a wrong message passes the tag.
    p_false_positive: the smaller of the two, because a false detection needs both. frames_used: frames summed.
    """

    payload: Payload
    key_id: str
    z: float
    p_presence: float
    p_message: float
    p_false_positive: float
    frames_used: int
    geometry: Geometry


class Detector:
    """Takes the frames of a clip one by one, then answers. Memory does not grow with the length of the clip.

    All of the first 96 frames are used, then every 2nd, 4th, 8th ... of the next 96 each, plus the
    neighbourhood of the first key frames, where a strong recompression leaves most of a mark.
    """

    def __init__(self) -> None:
        self._windows = Windows()
        self._opening = Sum()
        self._near_keys = Sum()
        self._since_key = _FRAMES_PER_KEY_FRAME
        self._frames_seen = 0
        self._shape: tuple[int, int] | None = None
        self._reduction = 1

    def add(self, luma: NDArray[np.uint8], *, is_key: bool = False) -> None:
        """Takes one frame of (H, W) uint8 luma; all must have the same size. Raises PictureShape."""
        self._check(luma)
        self._since_key = 0 if is_key else self._since_key + 1
        is_near_key = self._since_key < _FRAMES_PER_KEY_FRAME and self._near_keys.frames < _MAX_KEY_FRAMES_SUM
        is_sampled = _is_sampled(self._frames_seen)
        is_opening = self._frames_seen < _OPENING_FRAMES
        self._frames_seen += 1
        if not (is_sampled or is_near_key):
            return
        plane = residual(self._reduce(luma))
        if is_sampled:
            self._windows.add(plane)
        if is_opening:
            self._opening.add(plane)
        if is_near_key:
            self._near_keys.add(plane)

    def detect(self, keys: Sequence[WatermarkKey]) -> Detection | None:
        """The mark made with one of `keys`, or None when there is none that can be read."""
        if self._shape is None or not keys:
            return None
        return _Search(list(keys), self._sums(), self._reduction).run()

    def _sums(self) -> list[Sum]:
        """What to look into, likeliest first; every one counts as a hypothesis."""
        sums = [self._windows.total()]
        if self._frames_seen > _OPENING_FRAMES:
            sums.append(self._opening)
        if _OPENING_FRAMES < self._near_keys.frames < self._frames_seen:
            sums.append(self._near_keys)
        windows = self._windows.each()
        return sums + windows if len(windows) > 1 else sums

    def _check(self, luma: NDArray[np.uint8]) -> None:
        if luma.ndim != 2 or luma.dtype != np.uint8 or 0 in luma.shape:
            raise PictureShape(
                f"An array of shape {luma.shape} and type {luma.dtype} is not luma.",
                "It must be uint8 (H, W).",
            )
        if self._shape is None:
            self._shape = luma.shape
            self._reduction = max(1, min(luma.shape) // 720) if min(luma.shape) >= _LARGE_SHORT_SIDE else 1
        elif self._shape != luma.shape:
            raise PictureShape(
                f"A frame of {luma.shape} follows frames of {self._shape}.", "Use one size per clip."
            )

    def _reduce(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._reduction == 1:
            return luma
        height, width = (side // self._reduction * self._reduction for side in luma.shape)
        size = (width // self._reduction, height // self._reduction)
        reduced = cv2.resize(luma[:height, :width], size, interpolation=cv2.INTER_AREA)
        return reduced.astype(np.uint8, copy=False)


def detect(frames: Iterable[NDArray[np.uint8]], keys: Sequence[WatermarkKey]) -> Detection | None:
    """Detects in a stream of frames: (H, W) uint8 luma or (H, W, 3) uint8 RGB."""
    detector = Detector()
    for frame in frames:
        detector.add(frame if frame.ndim == 2 else grey_of(frame))
    return detector.detect(keys)


class _Search:
    """One search over all sums, scales, flips and keys."""

    def __init__(self, keys: list[WatermarkKey], sums: list[Sum], reduction: int) -> None:
        self._keys = keys
        self._planes = [(total.plane, total.frames) for total in sums if total.plane is not None]
        self._secrets: list[Carriers] = [carriers(key) for key in keys]
        self._reduction = reduction
        height, width = self._planes[0][0].shape
        self._scales = scales_to_try(width, height)
        # All that may be tried counts, also where the search stops early: that keeps the bound honest.
        self._hypotheses = 2 * len(self._scales) * len(self._planes) * len(keys)
        self._reads = 0
        # Chance reaches as much higher as there are more keys to choose from.
        self._refine_above_z = sqrt(_REFINE_ABOVE_Z**2 + 2 * log(len(keys)))

    def run(self) -> Detection | None:
        for plane, frames in self._planes:
            found = self._look_into(plane, frames)
            if found is not None:
                return found
        return None

    def _look_into(self, plane: Plane, frames: int) -> Detection | None:
        per_key = survey(plane, self._scales, self._secrets)
        ranked = sorted(
            ((number, candidate) for number, found in enumerate(per_key) for candidate in found[:2]),
            key=lambda pair: -pair[1].z,
        )
        for number, candidate in ranked[:_TRIED_PER_SUM]:
            if candidate.z < self._refine_above_z or self._reads >= _MAX_READS:
                break
            found = self._read(plane, candidate, number, frames)
            if found is not None:
                return found
        return None

    def _read(self, plane: Plane, first: Candidate, number: int, frames: int) -> Detection | None:
        key, best = self._keys[number], first
        if first.z < _SURE_Z:
            best = refine(plane, first, self._secrets[number])
        if best.z < _READ_ABOVE_Z:
            return None
        self._reads += 1
        payload = read_payload(best.seen, best.peak, key)
        if payload is None and best is first:
            best = refine(plane, first, self._secrets[number])
            self._reads += 1
            payload = read_payload(best.seen, best.peak, key)
        if payload is None:
            return None
        return self._detection(payload, key, first, best, frames)

    def _detection(
        self, payload: Payload, key: WatermarkKey, first: Candidate, best: Candidate, frames: int
    ) -> Detection:
        # Two ways to be this extreme: on the fixed grid, or anywhere refinement could have moved to.
        on_grid = self._hypotheses * TILE**2 * exp(-(first.z**2) / 2)
        refined = self._hypotheses * REFINED_POSITIONS * TILE**2 * exp(-(best.z**2) / 2)
        p_presence = min(1.0, 2 * min(on_grid, refined))
        p_message = (_MAX_READS + 1) * CANDIDATES_PER_TRY / 2.0 ** (8 * TAG_BYTES)
        geometry = replace(
            best.geometry,
            scale_x=best.geometry.scale_x * self._reduction,
            scale_y=best.geometry.scale_y * self._reduction,
        )
        return Detection(
            payload, key.key_id, best.z, p_presence, p_message, min(p_presence, p_message), frames, geometry
        )


def _is_sampled(index: int) -> bool:
    """True for all of the first 96 frames, every 2nd of the following 192, every 4th of the following 384, ..."""
    stride, level_start, level_frames = 1, 0, _DENSE_FRAMES
    while index >= level_start + level_frames:
        level_start += level_frames
        stride, level_frames = stride * 2, level_frames * 2
    return (index - level_start) % stride == 0
