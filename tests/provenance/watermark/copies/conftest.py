"""Ten seconds of a real film, marked as a take is, and the pair its copies are put together from."""

from pathlib import Path

import cv2
import pytest

from provenance.media import Picture, VideoWriter, probe, read_frames
from provenance.watermark import Embedder, Payload, WatermarkKey
from provenance.watermark.copies import Pair, make_pair

SIZE = (854, 480)
SECONDS = 10.0


@pytest.fixture(scope="session")
def long_master(
    tmp_path_factory: pytest.TempPathFactory, real_media: Path, key: WatermarkKey, payload: Payload
) -> Path:
    source = real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4"
    master = tmp_path_factory.mktemp("long") / "master.mp4"
    fps = probe(source).fps
    embedder = Embedder(key, payload, *SIZE, fps)
    with VideoWriter(master, *SIZE, fps, threads=1) as writer:
        for frame in read_frames(source, end_s=SECONDS, threads=1):
            picture = Picture.from_rgb(cv2.resize(frame.rgb, SIZE))
            picture.luma = embedder.mark(picture.luma)
            writer.write(picture)
    return master


@pytest.fixture(scope="session")
def pair(long_master: Path, key: WatermarkKey) -> Pair:
    return make_pair(
        long_master, key, long_master.with_name("first.mp4"), long_master.with_name("second.mp4"), threads=1
    )
