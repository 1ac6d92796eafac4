"""Stretches of real clips in memory, and copies of them that went through an edit and another encoding."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.media import VideoWriter, probe, read_frames
from provenance.registration import Clip

STRETCHES = {
    "bunny": ("bigbuckbunny/bigbuckbunny.mp4", 0.0, 1.0, None),
    "small bunny": ("bigbuckbunny/bigbuckbunny.mp4", 0.0, 1.2, (640, 360)),
    "chair": ("threatexchange/videos/chair-orig-22-sd-bar.mp4", 3.0, 4.4, None),
    "cars": ("intel-sample-videos/car-detection.mp4", 3.0, 5.4, None),
    "cockatoo": ("imageio/cockatoo.mp4", 2.0, 3.6, (640, 360)),
}
Edit = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Shot:
    """Frames (H, W, 3) and their rate."""

    frames: tuple[np.ndarray, ...]
    fps: Fraction

    @property
    def size(self) -> tuple[int, int]:
        return self.frames[0].shape[1], self.frames[0].shape[0]

    @property
    def clip(self) -> Clip:
        """The frames as a clip that was never encoded."""
        return in_memory(self.frames, self.fps)


@dataclass(frozen=True)
class Still:
    time_s: float
    rgb: np.ndarray


def in_memory(frames: Iterable[np.ndarray], fps: Fraction) -> Clip:
    kept = list(frames)

    def read(start_s: float, end_s: float | None) -> Iterator[Still]:
        for number, rgb in enumerate(kept):
            time_s = float(number / fps)
            if time_s >= start_s - 1e-3 and (end_s is None or time_s < end_s - 1e-3):
                yield Still(time_s, rgb)

    height, width = kept[0].shape[:2]
    return Clip(width, height, float(fps), float(len(kept) / fps), read)


@pytest.fixture(scope="session")
def shot(real_media: Path) -> Callable[[str], Shot]:
    made: dict[str, Shot] = {}

    def load(name: str) -> Shot:
        if name not in made:
            path, start_s, end_s, size = STRETCHES[name]
            frames = [f.rgb for f in read_frames(real_media / path, start_s=start_s, end_s=end_s, threads=1)]
            if size is not None:
                frames = [cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) for rgb in frames]
            made[name] = Shot(tuple(frames), probe(real_media / path).fps)
        return made[name]

    return load


@pytest.fixture
def encoded(tmp_path: Path) -> Callable[..., Clip]:
    """encoded(frames, fps, crf, edit) gives the clip that H.264 leaves of the edited frames."""
    count = 0

    def encode(
        frames: Iterable[np.ndarray], fps: Fraction, crf: int = 28, edit: Edit = lambda rgb: rgb
    ) -> Clip:
        nonlocal count
        count += 1
        path = tmp_path / f"copy-{count}.mp4"
        pictures = [np.ascontiguousarray(edit(rgb)) for rgb in frames]
        height, width = (side - side % 2 for side in pictures[0].shape[:2])
        with VideoWriter(path, width, height, fps, crf=crf, threads=1) as writer:
            for rgb in pictures:
                writer.write(np.ascontiguousarray(rgb[:height, :width]))
        return Clip.of_file(path, threads=1)

    return encode
