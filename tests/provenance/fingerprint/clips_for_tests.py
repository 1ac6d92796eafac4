"""Odd files made of real footage: turned by their header, ten bits deep, of uneven frame times."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# 3 x 3 in 16.16 fixed point, the last column 2.30: (x, y) of the picture to where it is shown.
TURNED_MATRICES = {
    0: (1, 0, 0, 1),
    1: (0, 1, -1, 0),
    2: (-1, 0, 0, -1),
    3: (0, -1, 1, 0),
}


def turn_by_header(path: Path, quarter_turns: int) -> None:
    """Makes the MP4 say that its picture is to be shown with so many quarter turns clockwise."""
    content = bytearray(path.read_bytes())
    upright = _matrix(0)
    at = content.index(upright, content.index(b"tkhd"))
    content[at : at + len(upright)] = _matrix(quarter_turns)
    path.write_bytes(content)


def _matrix(quarter_turns: int) -> bytes:
    a, b, c, d = (value << 16 for value in TURNED_MATRICES[quarter_turns])
    return struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


def write_frames(
    path: Path, pictures: Sequence[np.ndarray], times_s: Sequence[float], pixel_format: str = "yuv420p"
) -> None:
    """Encodes RGB pictures, each shown from its own time on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "18", "preset": "veryfast"})
        stream.pix_fmt, stream.time_base = pixel_format, Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.height, stream.width = pictures[0].shape[:2]
        for rgb, time_s in zip(pictures, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
