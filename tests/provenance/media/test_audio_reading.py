import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from provenance.errors import FileMissing, MediaTooLarge, MediaUnreadable, ProvenanceError
from provenance.media import AudioFormat, Limits, NoAudioStream, VideoWriter, probe_audio, read_audio

RATE = 48_000


def _tone(seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)[:, None]


def _matroska(
    path: Path, sound: np.ndarray, *, sound_from_s: float = 0.0, picture_from_s: float = 0.0
) -> Path:
    """One second of grey pictures and a lossless track, each beginning at its time."""
    with av.open(str(path), "w") as writer:
        video = writer.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        track = writer.add_stream("flac", rate=RATE, layout="mono")
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8))
            frame.pts, frame.time_base = number + round(picture_from_s * 25), Fraction(1, 25)
            writer.mux(video.encode(frame))
        writer.mux(video.encode(None))
        whole = np.round(sound * 32767).astype(np.int16)
        for start in range(0, len(whole), 4096):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(whole[start : start + 4096].T), format="s16", layout="mono"
            )
            block.sample_rate, block.time_base = RATE, Fraction(1, RATE)
            block.pts = start + round(sound_from_s * RATE)
            writer.mux(track.encode(block))
        writer.mux(track.encode(None))
    return path


def _all(path: Path, **options: object) -> np.ndarray:
    return np.concatenate([block.samples for block in read_audio(path, **options)])


def test_the_format_of_real_tracks_is_told(real_media: Path) -> None:
    info = probe_audio(real_media / "bigbuckbunny" / "bigbuckbunny.mp4")
    assert (info.codec, info.format, info.duration_s) == ("aac", AudioFormat(48_000, 6), pytest.approx(5.312))
    assert probe_audio(real_media / "imageio" / "cockatoo.mp4").format == AudioFormat(16_000, 1)
    assert probe_audio(real_media / "imageio" / "coins.png") is None


def test_blocks_follow_each_other_without_gaps(real_media: Path) -> None:
    read = 0
    for block in read_audio(real_media / "imageio" / "realshort.mp4"):
        assert block.samples.dtype == np.float32
        assert block.samples.shape[1] == block.format.channels == 1
        assert block.time_s == pytest.approx(read / block.format.sample_rate)
        read += len(block.samples)
    assert read == pytest.approx(1.173 * 48_000, abs=100)


def test_samples_of_a_wave_file_are_exact(real_media: Path) -> None:
    path = real_media / "augly-audio-mono" / "vad-go-mono-32000.wav"
    with wave.open(str(path)) as file:
        expected = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert np.allclose(_all(path)[:, 0], expected, atol=1e-7)


def test_another_rate_is_converted(real_media: Path) -> None:
    path = real_media / "augly-audio-mono" / "vad-go-mono-32000.wav"
    assert len(_all(path, sample_rate=48_000)) == pytest.approx(0.853375 * 48_000, abs=32)


def test_sound_that_begins_late_is_led_in_by_silence(tmp_path: Path) -> None:
    sound = _all(_matroska(tmp_path / "late.mkv", _tone(0.5), sound_from_s=0.4))[:, 0]
    assert not sound[: int(0.39 * RATE)].any()
    assert np.allclose(sound[int(0.4 * RATE) :][: RATE // 2], _tone(0.5)[:, 0], atol=1e-3)


def test_sound_from_before_the_first_picture_is_left_out(tmp_path: Path) -> None:
    sound = _all(_matroska(tmp_path / "early.mkv", _tone(1.0), picture_from_s=0.4))[:, 0]
    assert len(sound) == pytest.approx(0.6 * RATE, abs=50)
    assert np.allclose(sound[:9600], _tone(1.0)[round(0.4 * RATE) :, 0][:9600], atol=1e-3)


def test_a_file_without_sound_is_refused_with_a_reason(real_media: Path) -> None:
    with pytest.raises(NoAudioStream, match=r"eat\.mkv holds no sound") as caught:
        _all(real_media / "intel-sample-videos" / "eat.mkv")
    assert caught.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        _all(tmp_path / "nothing.wav")


def test_a_track_that_breaks_off_says_how_far_it_got(tmp_path: Path, real_media: Path) -> None:
    # Written with its index in front, so that the header is whole and the sound is not.
    whole = tmp_path / "whole.mp4"
    with VideoWriter(whole, 64, 64, Fraction(25), threads=1, audio=AudioFormat(RATE, 1)) as writer:
        for number in range(75):
            writer.write(np.full((64, 64, 3), number, np.uint8))
            writer.write_audio(_tone(0.04))
    data = whole.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaUnreadable, match=r"sound of broken\.mp4") as caught:
        _all(broken)
    assert 0.5 < caught.value.seconds_read < 2.5


def test_limits_hold(real_media: Path) -> None:
    with pytest.raises(MediaTooLarge):
        _all(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", limits=Limits(max_seconds=2.0))


def test_damaged_data_ends_in_sound_or_a_clear_error(tmp_path: Path, real_media: Path) -> None:
    whole = (real_media / "imageio" / "realshort.mp4").read_bytes()
    random = np.random.default_rng(4)
    outcomes = set()
    for _ in range(30):
        data = bytearray(whole)
        for position in random.integers(0, len(data), 40):
            data[position] ^= 0xFF
        path = tmp_path / "damaged.mp4"
        path.write_bytes(data)
        outcomes.add(_outcome(path))
    assert "media_unreadable" in outcomes


def _outcome(path: Path) -> str:
    try:
        assert np.isfinite(_all(path)).all()
    except ProvenanceError as error:
        return error.code
    return "read"
