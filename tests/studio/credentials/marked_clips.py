"""Makes clips of real footage that carry marks of chosen keys and numbers, read or unreadable."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from provenance.media import Picture, VideoWriter, read_frames
from provenance.watermark import Embedder, Payload, WatermarkKey

FPS = Fraction(25)
SIZE = (640, 360)
# So many numbers under one key that none of them can be told, while what they have in common adds up.
UNREADABLE = tuple(int.from_bytes(hashlib.sha256(bytes([number])).digest()[:8], "big") for number in range(6))


def mark_clip(
    source: Path, dest: Path, key: WatermarkKey, numbers: Sequence[int], *, end_s: float = 1.0
) -> Path:
    """Writes the first `end_s` seconds of `source`, small, with the mean of the marks of all `numbers` to `dest`."""
    embedders = [Embedder(key, Payload(asset_id=number), *SIZE, FPS) for number in numbers]
    with VideoWriter(dest, *SIZE, FPS, threads=1) as writer:
        for frame in read_frames(source, end_s=end_s, threads=1):
            picture = Picture.from_rgb(cv2.resize(frame.rgb, SIZE, interpolation=cv2.INTER_AREA))
            marked = np.mean([embedder.mark(picture.luma) for embedder in embedders], axis=0)
            picture.luma = np.clip(np.rint(marked), 0, 255).astype(np.uint8)
            writer.write(picture)
    return dest
