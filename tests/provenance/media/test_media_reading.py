from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import MediaTooLarge, MediaUnreadable, ProvenanceError
from provenance.media import Limits, read_frames, strip_metadata_copy


def test_all_frames_come_in_order_with_their_times(real_media: Path) -> None:
    frames = [(f.index, f.time_s) for f in read_frames(real_media / "imageio" / "realshort.mp4", threads=1)]
    assert [index for index, _ in frames] == list(range(36))
    assert [time_s for _, time_s in frames] == pytest.approx([n * 1499 / 45000 for n in range(36)], abs=1e-3)


def test_a_time_range_is_read_by_frame(real_media: Path) -> None:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    part = [(f.index, round(f.time_s, 3)) for f in read_frames(path, start_s=2.0, end_s=2.2, threads=1)]
    assert part == [(50, 2.0), (51, 2.04), (52, 2.08), (53, 2.12), (54, 2.16)]


def test_reading_from_the_middle_gives_the_same_pictures(real_media: Path) -> None:
    path = real_media / "imageio" / "cockatoo.mp4"
    from_start = {f.index: f.luma for f in read_frames(path, end_s=5.2, threads=1) if f.time_s >= 5.0}
    from_middle = {f.index: f.luma for f in read_frames(path, start_s=5.0, end_s=5.2, threads=1)}
    assert from_start.keys() == from_middle.keys() == {100, 101, 102, 103}
    assert all(np.array_equal(from_start[index], from_middle[index]) for index in from_start)


def test_pixels_have_the_promised_shapes(real_media: Path) -> None:
    frame = next(read_frames(real_media / "imageio" / "realshort.mp4", threads=1))
    assert (frame.luma.shape, frame.luma.dtype) == ((240, 320), np.uint8)
    assert (frame.rgb.shape, frame.rgb.dtype) == ((240, 320, 3), np.uint8)
    assert frame.is_key
    grey = frame.rgb @ np.array([0.299, 0.587, 0.114])
    assert np.corrcoef(grey.ravel(), frame.luma.ravel())[0, 1] > 0.99


def test_still_image_gives_its_exact_pixels(real_media: Path) -> None:
    from PIL import Image

    path = real_media / "imageio" / "astronaut.png"
    frames = list(read_frames(path, threads=1))
    assert len(frames) == 1
    assert np.array_equal(frames[0].rgb, np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_file_that_breaks_in_the_middle_says_how_far_it_got(
    tmp_path: Path, real_media: Path, cut: Callable[..., Path], suffix: str
) -> None:
    whole = tmp_path / f"whole{suffix}"
    strip_metadata_copy(cut(real_media / "imageio" / "realshort.mp4", 1.2), whole)
    if suffix == ".mp4":
        whole = tmp_path / "cut.mp4"  # unlike the copy, this one has its index at the front
    data = whole.read_bytes()
    broken = tmp_path / f"broken{suffix}"
    broken.write_bytes(data[: len(data) * 6 // 10])
    seen: list[np.ndarray] = []
    with pytest.raises(MediaUnreadable, match="frames") as caught:
        seen.extend(frame.luma for frame in read_frames(broken, threads=1))
    intact = [frame.luma for frame in read_frames(whole, threads=1)]
    assert all(np.array_equal(before, after) for before, after in zip(intact, seen, strict=False))
    assert 5 < caught.value.frames_read < 36
    assert caught.value.frames_read == len(seen)
    assert caught.value.seconds_read == pytest.approx(len(seen) / 25, abs=0.05)


def test_limits_hold_while_reading_too(real_media: Path) -> None:
    with pytest.raises(MediaTooLarge):
        for _ in read_frames(
            real_media / "intel-sample-videos" / "eat.mkv", limits=Limits(max_frames=20), threads=1
        ):
            pass


def test_damaged_data_ends_in_frames_or_a_clear_error(tmp_path: Path, real_media: Path) -> None:
    whole = (real_media / "intel-sample-videos" / "eat.mkv").read_bytes()
    random = np.random.default_rng(11)
    outcomes = set()
    for _ in range(12):
        data = bytearray(whole)
        for position in random.integers(0, len(data), 12):
            data[position] ^= 0xFF
        path = tmp_path / "damaged.mkv"
        path.write_bytes(data)
        outcomes.add(_outcome(path))
    assert "media_unreadable" in outcomes


def _outcome(path: Path) -> str:
    try:
        assert sum(1 for _ in read_frames(path, threads=1)) > 0
    except ProvenanceError as error:
        return error.code
    return "read"
