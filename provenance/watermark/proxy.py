"""A copy of a shot as a platform would make it, and whether its mark is still read in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from provenance.errors import EncodingFailed
from provenance.watermark.carrier import canonical_scale
from provenance.watermark.findings import Geometry
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits
from provenance.watermark.profiles import Profile
from provenance.watermark.reading import Tries, align, pilot_z, read
from provenance.watermark.residual import Accumulator, Equaliser

# Mean over standard deviation of the soft bits at which about 90 % of messages are read; 1.0 reads all (white noise).
_READABLE_RATIO = 0.95
# Of the pilot; a fainter one is not found by somebody who has to search for it.
_FINDABLE_Z = 5.5
_NEUTRAL_CHROMA = 128
# As `VideoWriter` encodes a take: whoever copies it starts from that, not from the frames.
_MASTER = {"crf": "17", "preset": "fast", "tune": "film"}
_COPY_PRESET = "fast"


@dataclass(frozen=True)
class ProxyKind:
    """A re-encoding to survive: H.264 at `crf`, after scaling both sides by `scale`."""

    name: str
    crf: int
    scale: float = 1.0


PHONE_UPLOAD = ProxyKind("phone", 28, 0.5)


def streaming_copy(profile: Profile) -> ProxyKind:
    """The copy that decides: full size at the profile's CRF."""
    return ProxyKind("streaming", profile.proxy_crf)


@dataclass(frozen=True)
class ProxyReading:
    """What is left in the copy for a detector.

    z: of the pilot, in standard deviations of chance, 0.0 where nothing was found. margin_db: how much fainter
    the mark could be before its message would be lost, negative where it is; None where nothing was found.
    """

    kind: ProxyKind
    reads_message: bool
    z: float
    margin_db: float | None

    def as_dict(self) -> dict[str, object]:
        """JSON-able."""
        return {
            "name": self.kind.name,
            "crf": self.kind.crf,
            "scale": self.kind.scale,
            "z": round(self.z, 2),
            "reads_message": self.reads_message,
            "margin_db": None if self.margin_db is None else round(self.margin_db, 2),
        }


class ProxyReader:
    """Takes marked luma frames one by one, encodes them as a take, copies that, and reads it; nothing goes to disk.

    Memory: two encoders' look-ahead and up to 32 planes of residuals. Frames keep the time given, so that several
    stretches of one take can be read as one clip.
    """

    def __init__(
        self, kind: ProxyKind, key: WatermarkKey, payload: Payload, width: int, height: int, fps: Fraction
    ) -> None:
        self._kind, self._key, self._payload, self._fps = kind, key, payload, fps
        # Sides of yuv420p must be even.
        self._size = (max(2, round(width * kind.scale / 2) * 2), max(2, round(height * kind.scale / 2) * 2))
        whole = (width // 2 * 2, height // 2 * 2)
        self._master = _Generation(_MASTER, whole, fps)
        self._copy = _Generation({"crf": str(kind.crf), "preset": _COPY_PRESET}, self._size, fps)
        self._accumulator = Accumulator()
        self._equaliser = Equaliser(self._size[1], self._size[0])
        # Where the pattern lies is known here, so that nothing needs to be searched for.
        across, down = (side / one for side, one in zip(self._size, whole, strict=True))
        scale = canonical_scale(width, height)
        self._geometry = Geometry(across * scale, 0.0, 0.0, down * scale, 0.0, 0.0)
        self.frames = 0

    def add(self, luma: NDArray[np.uint8], time_s: float) -> None:
        """Takes one frame of (H, W) uint8 luma shown at `time_s` of the take. Raises EncodingFailed."""
        self.frames += 1
        self._hand_on(self._master.add(luma, round(time_s * self._fps)))

    def read(self) -> ProxyReading:
        """What is found in all frames taken; to be called once, at the end."""
        self._hand_on(self._master.end())
        self._look_at(self._copy.end())
        best = max(self._readings(), key=lambda seen: (seen.reads_message, seen.z))
        return best if best.z >= _FINDABLE_Z else ProxyReading(self._kind, False, 0.0, None)

    def _readings(self) -> Iterator[ProxyReading]:
        """All frames together, and key frames with their neighbours alone, as a detector looks at them."""
        for windows in (self._accumulator.windows, self._accumulator.key_windows):
            if windows:
                aligned = align(windows, self._geometry)
                reading, z = read(aligned, self._key, Tries()), pilot_z(aligned, self._key)
                is_ours = reading.payload == self._payload and z >= _FINDABLE_Z
                yield ProxyReading(self._kind, is_ours, z, self._margin_db(reading.soft_bits))

    def _margin_db(self, soft_bits: NDArray[np.float64] | None) -> float | None:
        if soft_bits is None:
            return None
        signed = soft_bits * (1.0 - 2.0 * code_bits(self._key, self._payload))
        ratio = float(signed.mean() / max(float(signed.std()), 1e-12))
        return 20 * log10(ratio / _READABLE_RATIO) if ratio > 0 else None

    def _hand_on(self, frames: Iterator[Any]) -> None:
        for decoded in frames:
            luma = _luma_of(decoded)
            if (luma.shape[1], luma.shape[0]) != self._size:
                luma = cv2.resize(luma, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            self._look_at(self._copy.add(luma, decoded.pts))

    def _look_at(self, frames: Iterator[Any]) -> None:
        for decoded in frames:
            time_s = float(decoded.pts / self._fps)
            if self._accumulator.wants(time_s, is_key=bool(decoded.key_frame)):
                plane = self._equaliser(_luma_of(decoded))
                self._accumulator.add(plane, time_s, float(1 / self._fps))


class _Generation:
    """Encodes grey frames and decodes them again."""

    def __init__(self, options: dict[str, str], size: tuple[int, int], fps: Fraction) -> None:
        self._crf, self._size, self._fps = options["crf"], size, fps
        self._encoder: Any = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height = size
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.framerate, self._encoder.time_base = fps, 1 / fps
        self._encoder.options = options
        self._encoder.thread_count = 1
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1

    def add(self, luma: NDArray[np.uint8], pts: int) -> Iterator[Any]:
        """Takes a frame, of which a last odd row or column is left out; yields the frames that are ready."""
        width, height = self._size
        frame: Any = av.VideoFrame(width, height, "yuv420p")
        _rows_of(frame.planes[0])[:, :width] = luma[:height, :width]
        for chroma in frame.planes[1:]:
            _rows_of(chroma)[:] = _NEUTRAL_CHROMA
        frame.pts, frame.time_base = pts, 1 / self._fps
        yield from self._pass_on(frame)

    def end(self) -> Iterator[Any]:
        """Yields the frames that were still held back."""
        yield from self._pass_on(None)

    def _pass_on(self, frame: Any) -> Iterator[Any]:
        try:
            for packet in self._encoder.encode(frame):
                yield from self._decoder.decode(packet)
            if frame is None:
                yield from self._decoder.decode(None)
        except FFmpegError as error:
            raise EncodingFailed(f"A test copy at CRF {self._crf} cannot be made: {error}.", "") from error


def _luma_of(decoded: Any) -> NDArray[np.uint8]:
    luma: NDArray[np.uint8] = _rows_of(decoded.planes[0])[:, : decoded.width].copy()
    return luma


def _rows_of(plane: Any) -> NDArray[np.uint8]:
    """The rows of a plane of a frame, with their padding at the end; writing to them changes the frame."""
    flat: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)
    return flat.reshape(-1, plane.line_size)[: plane.height]


def read_proxy(
    kind: ProxyKind,
    lumas: Iterator[NDArray[np.uint8]],
    key: WatermarkKey,
    payload: Payload,
    fps: Fraction,
) -> ProxyReading:
    """Reads one stretch of marked frames from its beginning. Raises EncodingFailed, ValueError without frames."""
    reader: ProxyReader | None = None
    for number, luma in enumerate(lumas):
        if reader is None:
            reader = ProxyReader(kind, key, payload, luma.shape[1], luma.shape[0], fps)
        reader.add(luma, float(number / fps))
    if reader is None:
        raise ValueError("a proxy needs at least one frame")
    return reader.read()
