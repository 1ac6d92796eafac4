"""What is kept of a clip so that it can be recognised: hashes over time, features of key frames, and its sound."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PDQ_BYTES = 32
PHASH_BYTES = 8
MIN_SEARCHED_QUALITY = 50


@dataclass(frozen=True)
class FrameFingerprint:
    """The hashes of one picture and how long it stands.

    quality is PDQ's 0 to 100; below 50 a frame is kept for its time codes but never searched. duration_s is how
    long nothing but near-equal frames follow, at least one sampling interval. mirrored_pdq: the hash of the left-right
    mirrored picture, which queries are asked with too; empty where it is not needed.
    """

    frame_index: int
    time_s: float
    pdq: bytes
    phash: bytes
    quality: int
    duration_s: float = 0.25
    is_shot_start: bool = False
    mirrored_pdq: bytes = b""

    @property
    def is_searchable(self) -> bool:
        """False for flat or nearly black frames, whose hash says little."""
        return self.quality >= MIN_SEARCHED_QUALITY


@dataclass(frozen=True)
class Keyframe:
    """Local features of one frame, for copies that show a part of it or show it within another picture.

    width, height: of the decoded picture in pixels. points: (n, 2) uint16, x and y of each feature as 65535ths of
    width and height. descriptors: (n, 32) uint8, ORB. preview: a grey JPEG of the whole picture, 256 pixels on its
    longer side. is_mirrored: taken from the left-right mirrored picture, in whose own coordinates the points are.
    """

    frame_index: int
    time_s: float
    width: int
    height: int
    points: NDArray[np.uint16]
    descriptors: NDArray[np.uint8]
    preview: bytes
    is_mirrored: bool = False


@dataclass(frozen=True)
class Track:
    """A hash of every frame at the native rate, to place the ends of a match to the frame; never searched for.

    times_s: (n,) float64, rising. hashes: (n, 32) uint8, PDQ of the luma plane reduced inside the black bars: within
    a few bits of `FrameFingerprint.pdq`. qualities: (n,) uint8. mirrored: (n, 32) uint8, the hashes of the mirrored
    pictures, for queries; None where they are not needed.
    """

    times_s: NDArray[np.float64]
    hashes: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    mirrored: NDArray[np.uint8] | None = None

    @classmethod
    def empty(cls) -> "Track":
        """The track of a clip without frames."""
        return cls(np.zeros(0), np.zeros((0, PDQ_BYTES), np.uint8), np.zeros(0, np.uint8))


@dataclass(frozen=True)
class SoundTrack:
    """A Chromaprint of a clip's sound: codes (n,) uint32, one every `interval_s`, the first for `start_s`."""

    start_s: float
    interval_s: float
    codes: NDArray[np.uint32]


@dataclass(frozen=True)
class ClipFingerprint:
    """Everything extracted from one file. `algorithms` names each part's algorithm with its version."""

    algorithms: tuple[str, ...] = ()
    duration_s: float = 0.0
    frames: tuple[FrameFingerprint, ...] = ()
    keyframes: tuple[Keyframe, ...] = ()
    track: Track = field(default_factory=Track.empty)
    sound: SoundTrack | None = None
