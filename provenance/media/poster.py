"""Makes a still JPEG of a clip for lists and players."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.media.limits import Limits
from provenance.media.reading import Frame, read_frames

JPEG_QUALITY = 85


def poster(
    path: Path | str, dest_jpg: Path | str, at_s: float = 0.0, width: int = 640, limits: Limits | None = None
) -> None:
    """Writes the frame shown at `at_s` seconds (the last one, when the clip is shorter) `width` pixels wide.

    Never enlarges. Raises what `read_frames` raises; nothing is left at `dest_jpg` on failure.
    """
    frame = _frame_at(Path(path), at_s, limits)
    write_jpeg(frame.rgb, dest_jpg, width)


def write_jpeg(rgb: NDArray[np.uint8], dest_jpg: Path | str, width: int) -> None:
    """Writes (H, W, 3) uint8 RGB as a JPEG at most `width` pixels wide, without metadata."""
    dest_jpg = Path(dest_jpg)
    image = Image.fromarray(rgb)
    if image.width > width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    partial = dest_jpg.with_name(dest_jpg.name + ".partial")
    try:
        image.save(partial, format="JPEG", quality=JPEG_QUALITY, optimize=True)
        partial.replace(dest_jpg)
    finally:
        partial.unlink(missing_ok=True)


def _frame_at(path: Path, at_s: float, limits: Limits | None) -> Frame:
    shown: Frame | None = None
    for frame in read_frames(path, limits=limits):
        if shown is not None and frame.time_s > at_s:
            break
        shown = frame
    if shown is None:
        raise AssertionError("read_frames yields at least one frame or raises")
    return shown
