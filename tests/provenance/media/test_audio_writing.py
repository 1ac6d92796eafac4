from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from provenance.errors import EncodingFailed, MediaUnreadable
from provenance.media import (
    AudioFormat,
    AudioNotSupported,
    Picture,
    VideoWriter,
    probe,
    probe_audio,
    read_audio,
    read_frames,
    strip_metadata_copy,
)


@pytest.fixture(scope="module")
def pictures(real_media: Path) -> list[np.ndarray]:
    return [f.rgb for f in read_frames(real_media / "imageio" / "realshort.mp4", end_s=0.9, threads=1)]


@pytest.fixture(scope="module")
def sound(real_media: Path) -> np.ndarray:
    blocks = read_audio(real_media / "bigbuckbunny" / "bigbuckbunny.mp4")
    return np.concatenate([block.samples for block in blocks])[:48_000]


def _all(path: Path) -> np.ndarray:
    return np.concatenate([block.samples for block in read_audio(path)])


def _write(path: Path, pictures: list[np.ndarray], sound: np.ndarray, rate: int = 48_000) -> Path:
    with VideoWriter(
        path, 320, 240, Fraction(24), threads=1, audio=AudioFormat(rate, sound.shape[1])
    ) as writer:
        for number, picture in enumerate(pictures[:24]):
            writer.write(picture)
            writer.write_audio(sound[number * rate // 24 : (number + 1) * rate // 24])
    return path


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 44_100), (6, 48_000), (8, 96_000)])
def test_written_sound_comes_back_in_step(
    tmp_path: Path, pictures: list[np.ndarray], sound: np.ndarray, channels: int, rate: int
) -> None:
    sound = np.ascontiguousarray(np.tile(sound, (2, 2))[:rate, :channels])
    path = _write(tmp_path / "take.mp4", pictures, sound, rate)
    assert probe_audio(path).format == AudioFormat(rate, channels)
    assert probe(path).has_audio
    heard = _all(path)
    written = len(pictures[:24]) * rate // 24
    assert written <= len(heard) < written + 1024
    compared = min(len(heard), written) - 200
    for channel in range(channels):
        original = sound[:written, channel]
        if not original.any():
            continue
        agreement = {
            lag: float(np.dot(heard[100 + lag : 100 + lag + compared - 100, channel], original[100:compared]))
            for lag in range(-3, 4)
        }
        assert max(agreement, key=agreement.__getitem__) == 0


def test_pictures_beside_sound_are_shown_as_without(
    tmp_path: Path, pictures: list[np.ndarray], sound: np.ndarray
) -> None:
    with VideoWriter(tmp_path / "mute.mp4", 320, 240, Fraction(24), threads=1) as writer:
        for picture in pictures[:24]:
            writer.write(picture)
    _write(tmp_path / "take.mp4", pictures, sound)
    shown = zip(
        pictures[:24],
        read_frames(tmp_path / "mute.mp4", threads=1),
        read_frames(tmp_path / "take.mp4", threads=1),
        strict=True,
    )
    for picture, mute, beside in shown:
        assert mute.time_s == beside.time_s
        # x264 makes other bits beside sound, as good as those without.
        written = Picture.from_rgb(picture).luma.astype(float)
        assert np.mean((beside.luma - written) ** 2) < 1.3 * np.mean((mute.luma - written) ** 2) + 0.5


def test_nothing_tells_which_encoder_made_the_sound(
    tmp_path: Path, pictures: list[np.ndarray], sound: np.ndarray
) -> None:
    data = _write(tmp_path / "take.mp4", pictures, sound).read_bytes()
    for word in (b"Lavf", b"Lavc", b"x264", tmp_path.name.encode()):
        assert word not in data


@pytest.mark.parametrize("name", ["copy.mp4", "copy.mkv"])
def test_a_copy_without_metadata_keeps_the_sound_in_step(
    tmp_path: Path, pictures: list[np.ndarray], sound: np.ndarray, name: str
) -> None:
    source = _write(tmp_path / "take.mp4", pictures, sound)
    strip_metadata_copy(source, tmp_path / name)
    before, after = _all(source)[:, 0], _all(tmp_path / name)[:, 0]
    size = 1 << 17
    agreement = np.fft.irfft(np.fft.rfft(after, size) * np.fft.rfft(before, size).conj())
    lag = (int(np.argmax(agreement)) + size // 2) % size - size // 2
    assert abs(lag) <= 48  # Matroska counts in milliseconds
    first = [next(read_frames(path, threads=1)).luma for path in (source, tmp_path / name)]
    assert np.array_equal(*first)


def test_a_copy_of_matroska_with_reordered_frames_loses_no_picture(tmp_path: Path, real_media: Path) -> None:
    source = real_media / "intel-sample-videos" / "eat.mkv"
    for name in ("copy.mkv", "copy.mp4"):
        strip_metadata_copy(source, tmp_path / name)
        before, after = (list(read_frames(path, threads=1)) for path in (source, tmp_path / name))
        assert [f.time_s for f in after] == pytest.approx([f.time_s for f in before], abs=2e-3)
        assert np.array_equal(before[0].luma, after[0].luma)


def test_a_codec_that_the_container_does_not_hold_is_refused_with_a_way_out(tmp_path: Path) -> None:
    source = tmp_path / "clip.webm"
    with av.open(str(source), "w") as writer:
        stream = writer.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        writer.mux(stream.encode(None))
    with pytest.raises(MediaUnreadable, match="cannot be copied into mp4") as caught:
        strip_metadata_copy(source, tmp_path / "copy.mp4")
    assert ".mkv" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["clip.webm"]


@pytest.mark.parametrize(
    ("rate", "channels", "wrong"), [(128_000, 2, "128000"), (48_000, 7, "7 channels"), (0, 1, "0 samples")]
)
def test_sound_that_aac_does_not_know_is_refused_before_anything_is_written(
    tmp_path: Path, rate: int, channels: int, wrong: str
) -> None:
    with pytest.raises(AudioNotSupported, match=wrong) as caught:
        VideoWriter(tmp_path / "take.mp4", 320, 240, Fraction(24), audio=AudioFormat(rate, channels))
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_sound_of_another_shape_leaves_no_file(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    with pytest.raises(AudioNotSupported, match=r"\(100, 1\)"):
        _write_one(tmp_path / "take.mp4", pictures[0], AudioFormat(48_000, 2), np.zeros((100, 1), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_track_must_be_asked_for_and_filled(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    some = np.zeros((100, 1), np.float32)
    with pytest.raises(AudioNotSupported, match="without a sound track"):
        _write_one(tmp_path / "take.mp4", pictures[0], None, some)
    with pytest.raises(EncodingFailed, match="empty sound track"):
        _write_one(tmp_path / "take.mp4", pictures[0], AudioFormat(48_000, 1), some[:0])
    assert list(tmp_path.iterdir()) == []


def _write_one(path: Path, rgb: np.ndarray, audio: AudioFormat | None, samples: np.ndarray) -> None:
    with VideoWriter(path, 320, 240, Fraction(24), audio=audio) as writer:
        writer.write(rgb)
        writer.write_audio(samples)
