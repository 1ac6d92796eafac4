"""Marks and reads single pictures in PNG and JPEG files with the tiled mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.media import Limits
from provenance.watermark.embed import Embedder, grey_of
from provenance.watermark.engines.contract import Candidate, RgbPicture
from provenance.watermark.engines.errors import MarkUnreadable
from provenance.watermark.engines.still_files import (
    Pixels,
    Still,
    encode_still,
    read_still,
    read_still_bytes,
    write_bytes,
)
from provenance.watermark.engines.tilemark import TileMark
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.profiles import CLEAN, Profile

_READ_BACK_S = 20.0


@dataclass(frozen=True)
class MarkedStill:
    """What was written: size in pixels as shown, bits per channel, luma PSNR against the source, what was read back."""

    width: int
    height: int
    bits: int
    psnr_db: float
    read_back: Candidate


def embed_still(
    path_in: Path,
    path_out: Path,
    key: WatermarkKey,
    payload: Payload,
    *,
    profile: Profile = CLEAN,
    strength: float | None = None,
    limits: Limits | None = None,
) -> MarkedStill:
    """Marks a PNG or JPEG file; the new file appears only when its mark could be read from its very bytes.

    Depth, transparency, colour profile and EXIF are kept; the picture is turned upright and its small EXIF preview
    dropped. `path_out` may be `path_in`. Raises what `read_still` raises, StillUnsupported where the output's
    format cannot hold the picture, MarkUnreadable, EncodingFailed; on each of them nothing is left behind.
    """
    still = read_still(path_in, limits)
    marked = mark_still(still, key, payload, profile=profile, strength=strength)
    data = encode_still(marked, path_out)
    again = read_still_bytes(data, path_out.name, limits)
    found = [one for one in _look(again, [key], _READ_BACK_S) if one.payload == payload]
    if not found:
        size = f"{again.colour.shape[1]}x{again.colour.shape[0]}"
        raise MarkUnreadable(
            f"The mark of {path_in.name} cannot be read back from {size} pixels.",
            "Take a larger picture, or a stronger profile.",
        )
    write_bytes(data, path_out)
    height, width = still.colour.shape[:2]
    return MarkedStill(width, height, 16 if still.is_deep else 8, _psnr_db(still.rgb, again.rgb), found[0])


def detect_still(
    path: Path, keys: Sequence[WatermarkKey], *, budget_s: float | None = None, limits: Limits | None = None
) -> list[Candidate]:
    """The marks in a PNG or JPEG file, best first; empty where there is none. Raises what `read_still` raises."""
    return _look(read_still(path, limits), keys, budget_s)


def mark_still(
    still: Still,
    key: WatermarkKey,
    payload: Payload,
    *,
    profile: Profile = CLEAN,
    strength: float | None = None,
) -> Still:
    """The picture with the mark in its luma. What is fully transparent stays as it is."""
    luma = grey_of(still.rgb)
    height, width = luma.shape
    embedder = Embedder(key, payload, width, height, profile=profile, strength=strength)
    change = embedder.mark(luma).astype(np.int32) - luma
    if still.alpha is not None:
        change *= still.alpha[:, :, 0] > 0
    return still.with_colour(_changed(still.colour, change))


def _changed(colour: Pixels, change: NDArray[np.int32]) -> Pixels:
    """All channels moved by steps of 8-bit luma; the finer digits of 16-bit channels stay what they were."""
    step, most = (257, 65535) if colour.dtype == np.uint16 else (1, 255)
    moved: Pixels = np.clip(colour + step * change[:, :, None], 0, most).astype(colour.dtype)
    return moved


def _look(still: Still, keys: Sequence[WatermarkKey], budget_s: float | None) -> list[Candidate]:
    picture = RgbPicture(still.rgb, is_key=True)
    return [one for one in TileMark().detect([picture], keys, budget_s) if one.is_found]


def _psnr_db(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    error = float(np.mean((grey_of(first).astype(np.float64) - grey_of(second)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
