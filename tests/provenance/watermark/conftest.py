"""Real clips marked once per run, and the edits they are put through."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.media import Picture, VideoWriter, probe, read_frames
from provenance.watermark import Embedder, Payload, WatermarkKey

CLIPS = {
    "bunny": ("bigbuckbunny/bigbuckbunny.mp4", 2.0),
    "chair": ("threatexchange/videos/chair-orig-22-sd-bar.mp4", 2.0),
    "cars": ("intel-sample-videos/car-detection.mp4", 4.0),
}
Edit = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def key() -> WatermarkKey:
    return WatermarkKey("studio-1", bytes(range(32)))


@pytest.fixture(scope="session")
def other_key() -> WatermarkKey:
    return WatermarkKey("studio-2", bytes(range(1, 33)))


@pytest.fixture(scope="session")
def payload() -> Payload:
    return Payload(asset_id=0x9F3C_0B52_77A1_E46D, kind=0, segment=5, layout=1)


@pytest.fixture(scope="session")
def clips(real_media: Path) -> dict[str, Path]:
    return {name: real_media / path for name, (path, _) in CLIPS.items()}


@pytest.fixture(scope="session")
def masters(
    tmp_path_factory: pytest.TempPathFactory, clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> dict[str, Path]:
    """Each clip marked and encoded at CRF 17, as a take is."""
    folder = tmp_path_factory.mktemp("masters")
    made = {}
    for name, source in clips.items():
        info = probe(source)
        embedder = Embedder(key, payload, info.width, info.height, info.fps)
        made[name] = folder / f"{name}.mp4"
        with VideoWriter(made[name], info.width, info.height, info.fps, threads=1) as writer:
            for frame in read_frames(source, end_s=CLIPS[name][1], threads=1):
                picture = Picture.from_rgb(frame.rgb)
                picture.luma = embedder.mark(picture.luma)
                writer.write(picture)
    return made


@pytest.fixture
def reencoded(tmp_path: Path) -> Callable[..., Iterator[np.ndarray]]:
    """reencoded(path, crf, edit) gives the luma of the clip after an edit and another H.264 encoding."""

    def run(path: Path, crf: int, edit: Edit = lambda rgb: rgb) -> Iterator[np.ndarray]:
        pictures = (np.ascontiguousarray(edit(f.rgb)) for f in read_frames(path, threads=1))
        first = next(pictures)
        height, width = first.shape[:2]
        copy = tmp_path / "copy.mp4"
        with VideoWriter(copy, width, height, Fraction(25), crf=crf, threads=1) as writer:
            writer.write(first)
            for rgb in pictures:
                writer.write(rgb)
        return (frame.luma for frame in read_frames(copy, threads=1))

    return run
