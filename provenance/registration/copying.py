"""Copies a mark from one clip onto another without the key, as anyone can, to see whether the content check is fooled.

The attack is the averaging of arXiv 2406.09026: content differs from frame to frame and tile to tile, the mark does
not. The attacker knows the method, the tile's size and how often it turns, and nothing secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.media import Picture, VideoWriter, probe, read_frames
from provenance.registration.clip import Clip, Grey
from provenance.registration.comparing import compare
from provenance.watermark import SEGMENT_S, Detection, Detector, WatermarkKey, canonical_scale
from provenance.watermark.carrier import TILE
from provenance.watermark.embed import spread

_CONTENT_SIGMA = 4.0
_LEVEL_WINDOW = 17
_CLIP = 2.5
_LOUDNESS = 1.5  # times what the picture hides well: an attacker need not be shy

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class CopyAttack:
    """What became of one copied mark.

    is_read: the detector reads the donor's message in the victim. is_accepted: the content check takes the victim
    for the donor. reason: what the check said.
    """

    is_read: bool
    is_accepted: bool
    reason: str


class StolenMark:
    """The pattern of a marked clip as far as averaging tells it, one estimate per segment."""

    def __init__(self, width: int, height: int) -> None:
        scale = canonical_scale(width, height)
        self._size = round(width / scale), round(height / scale)
        self._sums: dict[int, NDArray[np.float64]] = {}

    def add(self, luma: Grey, time_s: float) -> None:
        """Takes one frame of the marked clip, (H, W) uint8."""
        picture = luma.astype(np.float32)
        detail = picture - cv2.GaussianBlur(picture, (0, 0), _CONTENT_SIGMA)
        power = np.maximum(cv2.blur(detail * detail, (_LEVEL_WINDOW, _LEVEL_WINDOW)), 0)
        even = np.clip(detail / (np.sqrt(power) + 2), -_CLIP, _CLIP)
        canonical = cv2.resize(even, self._size, interpolation=cv2.INTER_AREA)
        rows, columns = (side // TILE for side in canonical.shape[:2])
        tiles = canonical[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
        segment = int(time_s / SEGMENT_S)
        self._sums[segment] = self._sums.get(segment, np.zeros((TILE, TILE))) + tiles.mean(axis=(0, 2))

    def tile_at(self, time_s: float) -> Plane:
        """(TILE, TILE) of mean 0 and deviation 1: the segment's, or the last one known."""
        total = self._sums[min(int(time_s / SEGMENT_S), max(self._sums))]
        unit: Plane = ((total - total.mean()) / total.std()).astype(np.float32)
        return unit

    def paste(self, luma: Grey, time_s: float) -> Grey:
        """(H, W) uint8 luma of another clip with the stolen pattern in it."""
        height, width = luma.shape
        picture = luma.astype(np.float32)
        detail = picture - cv2.blur(picture, (7, 7))
        texture = np.sqrt(np.maximum(cv2.blur(detail * detail, (5, 5)), 0))
        amplitude = _LOUDNESS * np.minimum(0.6 + 0.3 * texture, 4)
        pasted = picture + amplitude * spread(self.tile_at(time_s), width, height)
        copy: Grey = np.clip(np.rint(pasted), 0, 255).astype(np.uint8)
        return copy


def steal(marked: Path) -> StolenMark:
    """Averages what is left of a marked clip's frames. Raises what reading it raises."""
    info = probe(marked)
    stolen = StolenMark(info.width, info.height)
    for frame in read_frames(marked, threads=1):
        stolen.add(frame.luma, frame.time_s)
    return stolen


def paste_copy(stolen: StolenMark, victim: Path, copy: Path, *, crf: int = 20) -> None:
    """Writes `victim` with the stolen mark to `copy`. Raises what reading and writing raise."""
    info = probe(victim)
    with VideoWriter(copy, info.width, info.height, Fraction(info.fps), crf=crf, threads=1) as writer:
        for frame in read_frames(victim, threads=1):
            picture = Picture.from_rgb(frame.rgb)
            picture.luma = stolen.paste(picture.luma, frame.time_s)
            writer.write(picture)


def attack(master: Path, victim: Path, keys: Sequence[WatermarkKey], asset_id: int, copy: Path) -> CopyAttack:
    """Copies the mark of `master` onto `victim`, written to `copy`, and asks detector and content check about it.

    asset_id: what the master's mark says. Raises what reading and writing raise.
    """
    paste_copy(steal(master), victim, copy)
    found = read_mark(copy, keys, asset_id)
    if found is None:
        return CopyAttack(False, False, "The copied mark cannot be read.")
    agreement = compare(Clip.of_file(copy, threads=1), Clip.of_file(master, threads=1), found).agreement
    return CopyAttack(True, agreement.same, agreement.reason)


def read_mark(path: Path, keys: Sequence[WatermarkKey], asset_id: int) -> Detection | None:
    """The mark in a file that names this asset, None where there is none. Raises what reading raises."""
    detector = Detector()
    for frame in read_frames(path, threads=1):
        detector.add(frame.luma, time_s=frame.time_s, is_key=frame.is_key)
    named = [one for one in detector.detect(keys) if one.payload and one.payload.asset_id == asset_id]
    return named[0] if named else None
