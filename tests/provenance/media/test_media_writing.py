from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from provenance.errors import EncodingFailed, PictureShape
from provenance.media import Picture, VideoWriter, probe, read_frames


@pytest.fixture
def pictures(real_media: Path) -> list[np.ndarray]:
    return [f.rgb for f in read_frames(real_media / "imageio" / "realshort.mp4", end_s=0.4, threads=1)]


def _write(path: Path, pictures: list[np.ndarray], fps: Fraction = Fraction(24)) -> Path:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, width, height, fps, threads=1) as writer:
        for rgb in pictures:
            writer.write(rgb)
    return path


def test_written_pictures_come_back(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    path = _write(tmp_path / "take.mp4", pictures)
    info = probe(path)
    assert (info.video_codec, info.width, info.height) == ("h264", 320, 240)
    assert (info.fps, info.duration_frames, info.has_audio) == (Fraction(24), len(pictures), False)
    for before, after in zip(pictures, read_frames(path, threads=1), strict=True):
        assert 10 * np.log10(255**2 / np.mean((before.astype(float) - after.rgb) ** 2)) > 32


def test_closing_early_gives_the_file_its_name_once(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    path = tmp_path / "take.mp4"
    with VideoWriter(path, 320, 240, Fraction(24), threads=1) as writer:
        writer.write(pictures[0])
        assert not path.exists()
        writer.close()
        assert probe(path).duration_frames == 1
    assert [file.name for file in tmp_path.iterdir()] == ["take.mp4"]


def test_fractional_frame_rate_is_exact(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    assert probe(_write(tmp_path / "take.mp4", pictures, Fraction(30000, 1001))).fps == Fraction(30000, 1001)


def test_file_is_tagged_bt709_limited_and_starts_with_its_index(
    tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    path = _write(tmp_path / "take.mp4", pictures)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.format.name, frame.colorspace, frame.color_range) == ("yuv420p", 1, 1)
        assert (frame.color_primaries, frame.color_trc) == (1, 1)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_nothing_tells_which_encoder_or_machine_made_it(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    data = _write(tmp_path / "take.mp4", pictures).read_bytes()
    for word in (b"x264", b"Lavf", b"Lavc", b"libx264", tmp_path.name.encode()):
        assert word not in data


def test_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureShape, match="321x240"):
        VideoWriter(tmp_path / "take.mp4", 321, 240, Fraction(24))
    with pytest.raises(PictureShape):
        Picture.from_rgb(np.zeros((241, 320, 3), np.uint8))


def test_a_failure_in_the_middle_leaves_no_file(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    def fail_half_way(path: Path) -> None:
        with VideoWriter(path, 320, 240, Fraction(24), threads=1) as writer:
            for rgb in pictures * 6:
                writer.write(rgb)
            assert list(tmp_path.iterdir()) != []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way(tmp_path / "take.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_video_without_frames_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(EncodingFailed), VideoWriter(tmp_path / "take.mp4", 320, 240, Fraction(24), threads=1):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_failure_does_not_destroy_the_file_that_was_there(
    tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    path = tmp_path / "take.mp4"
    path.write_bytes(b"earlier")
    with pytest.raises(PictureShape), VideoWriter(path, 640, 480, Fraction(24), threads=1) as writer:
        writer.write(pictures[0])
    assert path.read_bytes() == b"earlier"


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(EncodingFailed, match=r"take\.mp4"),
        VideoWriter(tmp_path / "no" / "take.mp4", 64, 64, Fraction(24)),
    ):
        pass


def test_colours_survive_the_way_to_yuv_and_back() -> None:
    patches = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40]], np.uint8
    )
    rgb = np.repeat(np.repeat(patches[None], 32, 0), 32, 1).reshape(32, -1, 3)
    centres = Picture.from_rgb(rgb).to_rgb()[16, 16::32].astype(int)
    assert np.abs(centres - patches).max() <= 4


def test_luma_is_bt709_limited_range() -> None:
    rgb = np.zeros((16, 48, 3), np.uint8)
    rgb[:, 16:32] = 255
    rgb[:, 32:] = (255, 0, 0)
    luma = Picture.from_rgb(rgb).luma
    assert [int(luma[8, x]) for x in (8, 24)] == [16, 235]
    assert abs(int(luma[8, 40]) - (16 + 219 * 0.2126)) <= 1


def test_writing_to_luma_changes_the_picture_and_nothing_else() -> None:
    picture = Picture.from_rgb(np.full((16, 16, 3), 100, np.uint8))
    picture.luma = picture.luma + np.uint8(10)
    changed = picture.to_rgb().astype(int)
    assert np.ptp(changed) <= 1
    assert abs(int(changed.mean()) - (100 + 10 * 255 / 219)) <= 2
    with pytest.raises(PictureShape):
        picture.luma = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 4), (0, 16, 3)])
def test_arrays_that_are_no_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureShape):
        Picture.from_rgb(np.zeros(shape, np.uint8))
