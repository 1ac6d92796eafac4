from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import MediaUnreadable
from provenance.media import (
    AudioFormat,
    NoAudioStream,
    VideoWriter,
    probe_audio,
    read_audio,
    read_frames,
    strip_metadata_copy,
)
from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.audio import TrackMarker, detect_in_file, mark_track

RATE = 48_000


def _all(path: Path) -> np.ndarray:
    return np.concatenate([block.samples for block in read_audio(path)])


def test_a_marked_file_keeps_its_pictures_and_tells_its_payload(
    tmp_path: Path, real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    source, dest = real_media / "bigbuckbunny" / "bigbuckbunny.mp4", tmp_path / "marked.mp4"
    mark = mark_track(source, dest, key, payload)
    assert (mark.sample_rate, mark.channels, mark.duration_s) == (RATE, 6, pytest.approx(5.312))
    assert mark.as_dict()["snr_db"] > 20
    assert [found.payload for found in detect_in_file(dest, [key])] == [payload]
    assert detect_in_file(source, [key], budget_s=0) == []
    for before, after in zip(
        read_frames(source, end_s=0.5, threads=1), read_frames(dest, end_s=0.5, threads=1), strict=True
    ):
        assert after.time_s == pytest.approx(before.time_s, abs=1e-3)
        assert np.array_equal(before.luma, after.luma)
    assert _lag(_all(source)[:, 0], _all(dest)[:, 0]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["marked.mp4"]


def test_a_film_with_reordered_frames_stays_whole_and_in_step(
    tmp_path: Path, key: WatermarkKey, payload: Payload, film: np.ndarray, real_media: Path
) -> None:
    master, matroska = tmp_path / "master.mp4", tmp_path / "master.mkv"
    _write(master, film[: 2 * RATE], real_media)
    strip_metadata_copy(master, matroska)
    mark_track(matroska, tmp_path / "marked.mp4", key, payload)
    before, after = (
        [f.luma for f in read_frames(path, threads=1)] for path in (master, tmp_path / "marked.mp4")
    )
    assert len(before) == len(after)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert abs(_lag(_all(master)[:, 0], _all(tmp_path / "marked.mp4")[:, 0])) < 0.002 * RATE


def test_the_sound_of_a_take_is_marked_while_it_is_written(
    tmp_path: Path, key: WatermarkKey, payload: Payload, film: np.ndarray, real_media: Path
) -> None:
    path, sound = tmp_path / "take.mp4", AudioFormat(RATE, 2)
    blocks = (film[start : start + 4096] for start in range(0, 6 * RATE, 4096))
    pictures = [
        frame.rgb for frame in read_frames(real_media / "imageio" / "realshort.mp4", end_s=0.4, threads=1)
    ]
    with VideoWriter(path, 320, 240, Fraction(10), threads=1, audio=sound) as writer:
        track = TrackMarker(writer, blocks, sound, key, payload)
        for number in range(60):
            writer.write(pictures[number % len(pictures)])
            track.advance((number + 1) / 10)
            assert writer.audio_seconds_written == pytest.approx((number + 1) / 10, abs=0.12)
        mark = track.finish()
    assert mark.duration_s == pytest.approx(6, abs=0.1)
    assert mark.quality.nmr_db < -12
    found = detect_in_file(path, [key])
    assert [one.payload for one in found] == [payload]
    assert (found[0].start_s, found[0].end_s) == (pytest.approx(0, abs=0.7), pytest.approx(6, abs=0.7))


def test_a_silent_track_passes_and_is_not_called_marked(
    tmp_path: Path, real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    dest = tmp_path / "marked.mp4"
    mark = mark_track(real_media / "imageio" / "cockatoo.mp4", dest, key, payload)
    assert mark.quality.snr_db is None
    assert not _all(dest).any()
    assert detect_in_file(dest, [key]) == []


def test_rates_that_aac_does_not_know_become_48_khz(
    tmp_path: Path, real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    source = real_media / "augly-audio-mono" / "test_compose2.wav"
    assert probe_audio(source).format == AudioFormat(128_000, 1)
    assert mark_track(source, tmp_path / "marked.mp4", key, payload).sample_rate == 48_000
    assert probe_audio(tmp_path / "marked.mp4").format == AudioFormat(48_000, 1)


def test_a_file_without_sound_is_refused_with_a_reason(
    tmp_path: Path, real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    source = real_media / "intel-sample-videos" / "eat.mkv"
    with pytest.raises(NoAudioStream, match=r"eat\.mkv holds no sound") as caught:
        mark_track(source, tmp_path / "marked.mp4", key, payload)
    assert caught.value.code == "no_audio_stream"
    with pytest.raises(NoAudioStream):
        detect_in_file(source, [key])
    assert list(tmp_path.iterdir()) == []


def test_a_track_that_breaks_off_leaves_nothing(
    tmp_path: Path, film: np.ndarray, real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    _write(tmp_path / "whole.mp4", film[: 4 * RATE], real_media)
    data = (tmp_path / "whole.mp4").read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaUnreadable):
        mark_track(broken, tmp_path / "marked.mp4", key, payload)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.mp4", "broken.mp4"}


def _write(path: Path, sound: np.ndarray, real_media: Path) -> None:
    pictures = [f.rgb for f in read_frames(real_media / "imageio" / "realshort.mp4", end_s=1.0, threads=1)]
    with VideoWriter(path, 320, 240, Fraction(25), threads=1, audio=AudioFormat(RATE, 2)) as writer:
        for number in range(len(sound) * 25 // RATE):
            writer.write(pictures[number % len(pictures)])
            writer.write_audio(sound[number * RATE // 25 : (number + 1) * RATE // 25])


def _lag(first: np.ndarray, second: np.ndarray) -> int:
    """By how many samples the second sound comes later."""
    size = 1 << (len(first) + len(second)).bit_length()
    agreement = np.fft.irfft(np.fft.rfft(second, size) * np.fft.rfft(first, size).conj())
    peak = int(np.argmax(agreement))
    return peak - size if peak > size // 2 else peak
