"""Encodes the benchmark's clips with the encoders that PyAV brings, one thread each so that a run repeats exactly."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from provenance.media import Picture

LIBRARIES = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}


@dataclass(frozen=True)
class Encoding:
    """A codec of LIBRARIES with its constant rate factor; `preset` and `tune` are those of the encoder."""

    codec: str = "h264"
    crf: int = 23
    preset: str = "veryfast"
    tune: str = ""

    def options(self) -> dict[str, str]:
        """What the encoder is told, besides one thread."""
        quality = {"crf": str(self.crf)}
        if self.codec == "vp9":
            return quality | {"b": "0", "deadline": "good", "cpu-used": self.preset}
        if self.codec == "av1":
            return quality | {"preset": self.preset, "svtav1-params": "lp=1"}
        if self.codec == "hevc":
            single = "pools=none:frame-threads=1:log-level=error"
            return quality | {"preset": self.preset, "x265-params": single}
        return quality | {"preset": self.preset} | ({"tune": self.tune} if self.tune else {})


LOSSLESS = Encoding("h264", 0, "ultrafast")


def encode(pictures: Iterable[Any], fps: Fraction, path: Path, encoding: Encoding) -> None:
    """Writes an MP4 of decoded frames, Pictures or (H, W, 3) RGB; it has its name only once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with av.open(str(partial), "w", format="mp4") as container:
        stream: Any = None
        for number, picture in enumerate(pictures):
            frame = _frame_of(picture)
            if stream is None:
                stream = container.add_stream(LIBRARIES[encoding.codec], rate=fps, options=encoding.options())
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.thread_count = 1
                stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
            frame.pts, frame.time_base = number, 1 / fps
            # An encoder must decide by itself where its key frames go.
            frame.pict_type = av.video.frame.PictureType.NONE
            container.mux(stream.encode(frame))
        if stream is None:
            raise ValueError(f"{path.name} would have no frames")
        container.mux(stream.encode(None))
    partial.replace(path)


def _frame_of(picture: Any) -> Any:
    if isinstance(picture, av.VideoFrame):
        return picture
    return (picture if isinstance(picture, Picture) else Picture.from_rgb(picture)).frame
