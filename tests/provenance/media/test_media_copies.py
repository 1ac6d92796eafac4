from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MediaUnreadable
from provenance.media import poster, read_frames, strip_metadata_copy


@pytest.mark.parametrize("name", ["copy.mp4", "copy.mkv"])
def test_a_copy_without_metadata_keeps_every_picture(tmp_path: Path, real_media: Path, name: str) -> None:
    source = real_media / "imageio" / "realshort.mp4"
    strip_metadata_copy(source, tmp_path / name)
    for before, after in zip(
        read_frames(source, threads=1), read_frames(tmp_path / name, threads=1), strict=True
    ):
        assert np.array_equal(before.luma, after.luma)


def test_a_copy_carries_no_metadata(tmp_path: Path, real_media: Path) -> None:
    source, copy = tmp_path / "named.mp4", tmp_path / "copy.mp4"
    with (
        av.open(str(real_media / "imageio" / "realshort.mp4")) as reader,
        av.open(str(source), "w") as writer,
    ):
        writer.metadata["title"] = "Secret title"
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                writer.mux(packet)
    assert b"Secret title" in source.read_bytes()
    strip_metadata_copy(source, copy)
    assert b"Secret title" not in copy.read_bytes()


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "broken.mp4"
    source.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 200)
    with pytest.raises(MediaUnreadable):
        strip_metadata_copy(source, tmp_path / "copy.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]


def test_poster_shows_the_frame_of_its_moment(tmp_path: Path, real_media: Path) -> None:
    source = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    poster(source, tmp_path / "p.jpg", at_s=2.0, width=320)
    image = Image.open(tmp_path / "p.jpg")
    assert (image.format, image.size, image.getexif()) == ("JPEG", (320, 180), {})
    small = np.asarray(image, dtype=float)
    distances = {}
    for at_s in (0.0, 2.0, 4.0):
        rgb = next(read_frames(source, start_s=at_s, end_s=at_s + 0.1, threads=1)).rgb
        shown = np.asarray(Image.fromarray(rgb).resize((320, 180)), dtype=float)
        distances[at_s] = float(np.mean((shown - small) ** 2))
    assert min(distances, key=distances.__getitem__) == 2.0


def test_poster_beyond_the_end_shows_the_last_frame_and_never_enlarges(
    tmp_path: Path, real_media: Path
) -> None:
    poster(real_media / "imageio" / "realshort.mp4", tmp_path / "p.jpg", at_s=100.0, width=4000)
    assert Image.open(tmp_path / "p.jpg").size == (320, 240)
