"""One picture between generation and encoding: made from RGB once, marked in its luma, encoded as it is."""

from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from provenance.errors import PictureShape

_EIGHT_BIT_PLANAR = frozenset(
    {
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuvj420p",
        "yuvj422p",
        "yuvj444p",
        "nv12",
        "nv21",
        "gray",
        "yuv410p",
        "yuv411p",
    }
)
BT709 = 1  # the number of BT.709 in the tables for primaries and transfer of ITU-T H.273


class Picture:
    """A yuv420p picture in BT.709, limited range, as the encoder takes it."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    @classmethod
    def from_rgb(cls, rgb: NDArray[np.uint8]) -> "Picture":
        """From (H, W, 3) uint8 RGB; H and W must be even because chroma is halved. Raises PictureShape."""
        require_rgb(rgb)
        height, width = rgb.shape[:2]
        if height % 2 or width % 2:
            raise PictureShape(
                f"A picture of {width}x{height} cannot be encoded.", "Width and height must be even."
            )
        source = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame = source.reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        return cls(frame)

    @classmethod
    def scaled_from(cls, decoded: Any, width: int, height: int) -> "Picture":
        """From a decoded frame, scaled to even sides by libswscale; deeper pictures are reduced to 8 bit."""
        frame = decoded.reformat(
            width=width,
            height=height,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        # A frame that had this shape already is handed back as it is; its times are the caller's to set.
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        return cls(frame)

    @property
    def width(self) -> int:
        """Pixels per line."""
        return int(self.frame.width)

    @property
    def height(self) -> int:
        """Lines."""
        return int(self.frame.height)

    @property
    def luma(self) -> NDArray[np.uint8]:
        """(H, W) uint8 view of the luma plane, 16 to 235; writing to it changes the picture."""
        return _plane_view(self.frame)

    @luma.setter
    def luma(self, value: NDArray[np.uint8]) -> None:
        view = _plane_view(self.frame)
        if value.shape != view.shape or value.dtype != np.uint8:
            raise PictureShape(
                f"Luma of shape {value.shape} and type {value.dtype} does not fit.",
                f"It must be uint8 {view.shape}.",
            )
        view[...] = value

    def to_rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of the picture as it is now."""
        return rgb_of(self.frame)


def require_rgb(rgb: NDArray[np.uint8]) -> None:
    """Raises PictureShape unless `rgb` is a uint8 array of shape (H, W, 3)."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise PictureShape(
            f"An array of shape {rgb.shape} and type {rgb.dtype} is not a picture.",
            "It must be uint8 (H, W, 3).",
        )


def rgb_of(frame: Any) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a decoded frame, by libswscale's default scaler."""
    # Starting threads takes longer than one needs for a frame.
    rgb: NDArray[np.uint8] = frame.to_ndarray(format="rgb24", threads=1)
    return rgb


def luma_of(frame: Any) -> NDArray[np.uint8]:
    """(H, W) uint8 copy of a decoded frame's luma."""
    if frame.format.name not in _EIGHT_BIT_PLANAR:
        frame = frame.reformat(format="yuv420p", threads=1)
    return _plane_view(frame).copy()


def _plane_view(frame: Any) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    flat: NDArray[np.uint8] = np.frombuffer(plane, dtype=np.uint8)
    return flat.reshape(-1, plane.line_size)[: frame.height, : frame.width]
