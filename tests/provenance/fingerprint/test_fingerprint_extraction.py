"""One pass gives everything a clip is recognised by, the same whoever asks, for every kind of file that people have."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import MediaTooLarge, MediaUnreadable
from provenance.fingerprint import ClipFingerprint, Fingerprinter, fingerprint_file, hamming, hash_frame
from provenance.fingerprint import extraction as extraction_module
from provenance.fingerprint.extraction import TRACK_ALGORITHM
from provenance.fingerprint.features import ORB_ALGORITHM, QUERY, REFERENCE
from provenance.fingerprint.hashes import PDQ_ALGORITHM, PHASH_ALGORITHM
from provenance.fingerprint.keyframes import as_reference
from provenance.fingerprint.pdq256 import hash_picture
from provenance.media import Limits, Picture, VideoWriter, read_frames
from tests.provenance.fingerprint.clips_for_tests import turn_by_header, write_frames

FPS = Fraction(24)


@pytest.fixture(scope="module")
def pictures(real_media: Path) -> list[np.ndarray]:
    """Two seconds of film, 640 x 360."""
    source = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    return [np.ascontiguousarray(frame.rgb[::2, ::2]) for frame in read_frames(source, end_s=2.0, threads=1)][
        :48
    ]


def write(path: Path, pictures: list[np.ndarray]) -> Path:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, width, height, FPS, threads=1) as writer:
        for rgb in pictures:
            writer.write(rgb)
    return path


def agreement(one: ClipFingerprint, other: ClipFingerprint) -> int:
    """The most bits between sampled frames of the same time."""
    there = {frame.time_s: frame.pdq for frame in other.frames}
    shared = [hamming(frame.pdq, there[frame.time_s]) for frame in one.frames if frame.time_s in there]
    assert len(shared) >= 4
    return max(shared)


def assert_complete(clip: ClipFingerprint) -> None:
    """Its rows leave no gap from the first to the end."""
    assert clip.frames[0].time_s == 0
    for frame, following in pairwise(clip.frames):
        assert frame.time_s + frame.duration_s >= following.time_s - 1e-9
    assert clip.frames[-1].time_s + clip.frames[-1].duration_s >= clip.duration_s - 1e-9
    assert len(clip.track.times_s) == len(clip.track.hashes) == len(clip.track.qualities)
    assert (np.diff(clip.track.times_s) > 0).all()


def test_a_clip_has_hashes_key_frames_a_track_and_sound(real_media: Path) -> None:
    path = real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4"
    clip = fingerprint_file(path, threads=1)
    assert_complete(clip)
    assert clip.algorithms[:4] == (PDQ_ALGORITHM, PHASH_ALGORITHM, ORB_ALGORITHM, TRACK_ALGORITHM)
    assert clip.duration_s == pytest.approx(30.0, abs=0.05)
    assert len(clip.track.times_s) == 720
    assert clip.track.mirrored is None
    assert clip.sound is not None
    assert len(clip.algorithms) == 5
    starts = [frame.time_s for frame in clip.frames if frame.is_shot_start]
    # The three cuts lie at frames 285, 378 and 553.
    assert all(any(0 <= start - cut / 24 < 0.1 for start in starts) for cut in (285, 378, 553))
    assert {frame.time_s for frame in clip.keyframes} >= {286 / 24, 379 / 24, 554 / 24}
    assert not any(frame.mirrored_pdq for frame in clip.frames)
    assert all(len(frame.points) <= REFERENCE.features and not frame.is_mirrored for frame in clip.keyframes)
    gaps = np.diff([frame.time_s for frame in clip.keyframes])
    assert gaps.max() <= 4.3


def test_a_query_is_denser_and_adds_the_mirrored_picture(real_media: Path) -> None:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    known, asked = fingerprint_file(path, threads=1), fingerprint_file(path, threads=1, query=True)
    assert [(f.time_s, f.pdq, f.phash, f.duration_s) for f in asked.frames] == [
        (f.time_s, f.pdq, f.phash, f.duration_s) for f in known.frames
    ]
    np.testing.assert_array_equal(asked.track.hashes, known.track.hashes)
    assert asked.track.mirrored is not None
    assert asked.track.mirrored.shape == asked.track.hashes.shape
    plain = [frame for frame in asked.keyframes if not frame.is_mirrored]
    assert len(plain) * 2 == len(asked.keyframes)
    assert len(plain) > len(known.keyframes)
    assert {len(frame.points) for frame in plain} == {QUERY.features}
    kept = as_reference(asked)
    assert kept.frames == known.frames
    assert kept.track.mirrored is None
    assert [frame.time_s for frame in kept.keyframes] == [frame.time_s for frame in known.keyframes]
    assert [len(frame.points) for frame in kept.keyframes] == [len(frame.points) for frame in known.keyframes]
    rgb = next(iter(read_frames(path, threads=1))).rgb
    assert asked.frames[0].mirrored_pdq == hash_picture(np.ascontiguousarray(rgb[:, ::-1])).packed


def test_the_track_is_within_a_few_bits_of_the_sampled_hashes(real_media: Path) -> None:
    clip = fingerprint_file(real_media / "threatexchange" / "videos" / "chair-19-sd-bar.mp4", threads=1)
    at = {time_s: row for row, time_s in enumerate(clip.track.times_s)}
    distances = [
        hamming(f.pdq, clip.track.hashes[at[f.time_s]].tobytes()) for f in clip.frames if f.is_searchable
    ]
    assert len(distances) > 50
    assert max(distances) <= 8


def test_frames_from_a_renderer_have_the_fingerprint_of_their_file(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    fingerprinter = Fingerprinter()
    with VideoWriter(tmp_path / "take.mp4", 640, 360, FPS, crf=10, threads=1) as writer:
        for index, rgb in enumerate(pictures):
            picture = Picture.from_rgb(rgb)
            writer.write(picture)
            fingerprinter.add(index, float(index / FPS), picture.luma, picture.to_rgb)
    rendered, read = fingerprinter.finish(), fingerprint_file(tmp_path / "take.mp4", threads=1)
    assert [frame.frame_index for frame in rendered.frames] == [frame.frame_index for frame in read.frames]
    assert agreement(rendered, read) <= 8
    assert rendered.duration_s == pytest.approx(read.duration_s, abs=0.01) == pytest.approx(2.0, abs=0.01)


def test_progress_is_told_with_every_sampled_frame(real_media: Path) -> None:
    progress: list[tuple[float, float]] = []
    path = real_media / "imageio" / "realshort.mp4"
    clip = fingerprint_file(path, on_progress=lambda done_s, all_s: progress.append((done_s, all_s)))
    assert {frame.time_s for frame in clip.frames} <= {done_s for done_s, _ in progress}
    assert [all_s for _, all_s in progress] == pytest.approx([1.1992] * len(progress))


def test_a_still_is_a_clip_of_one_frame(real_media: Path) -> None:
    path = real_media / "imageio" / "coins.png"
    rgb = next(read_frames(path, threads=1)).rgb
    clip = fingerprint_file(path)
    (frame,) = clip.frames
    assert (frame.pdq, frame.phash, frame.is_shot_start) == (*_hashes(rgb), True)
    assert (clip.duration_s, frame.duration_s, clip.sound) == (1.0, 1.0, None)
    assert len(clip.keyframes) == len(clip.track.times_s) == 1


def _hashes(rgb: np.ndarray) -> tuple[bytes, bytes]:
    frame = hash_frame(0, 0.0, rgb)
    return frame.pdq, frame.phash


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_file_turned_by_its_header_is_hashed_as_people_see_it(
    pictures: list[np.ndarray], tmp_path: Path, quarter_turns: int
) -> None:
    seen = fingerprint_file(write(tmp_path / "upright.mp4", pictures), threads=1)
    # As a telephone records it: the pixels lie on their side, and the header says how to hold them.
    lying = [np.ascontiguousarray(np.rot90(rgb, quarter_turns)) for rgb in pictures]
    turned = write(tmp_path / "turned.mp4", lying)
    assert hamming(fingerprint_file(turned, threads=1).frames[0].pdq, seen.frames[0].pdq) > 80
    turn_by_header(turned, quarter_turns)
    upright = fingerprint_file(turned, threads=1)
    assert agreement(upright, seen) <= 16
    assert {(frame.width, frame.height) for frame in upright.keyframes} == {(640, 360)}
    distances = [
        hamming(a.tobytes(), b.tobytes())
        for a, b in zip(upright.track.hashes, seen.track.hashes, strict=True)
    ]
    assert np.median(distances) <= 16


def test_ten_bits_are_hashed_like_eight(pictures: list[np.ndarray], tmp_path: Path) -> None:
    times_s = [n / 24 for n in range(len(pictures))]
    write_frames(tmp_path / "eight.mkv", pictures, times_s)
    write_frames(tmp_path / "ten.mkv", pictures, times_s, "yuv420p10le")
    deep = fingerprint_file(tmp_path / "ten.mkv", threads=1)
    assert agreement(deep, fingerprint_file(tmp_path / "eight.mkv", threads=1)) <= 8


def test_uneven_frame_times_keep_their_times(pictures: list[np.ndarray], tmp_path: Path) -> None:
    # Every frame for half a second, then a third of them, then a pause.
    times_s = [n * 0.04 for n in range(12)] + [0.5 + n * 0.12 for n in range(12)] + [4.0, 4.04]
    write_frames(tmp_path / "uneven.mkv", pictures[:26], times_s)
    clip = fingerprint_file(tmp_path / "uneven.mkv", threads=1)
    assert_complete(clip)
    assert clip.track.times_s == pytest.approx(times_s, abs=1e-3)
    longest = max(clip.frames, key=lambda frame: frame.duration_s)
    assert longest.time_s + longest.duration_s == pytest.approx(4.0, abs=1e-3)


def test_odd_sizes_are_hashed(pictures: list[np.ndarray], tmp_path: Path) -> None:
    odd = [np.ascontiguousarray(rgb[:353, :637]) for rgb in pictures[:24]]
    write_frames(tmp_path / "odd.mkv", odd, [n / 24 for n in range(24)], "yuv444p")
    clip = fingerprint_file(tmp_path / "odd.mkv", threads=1)
    assert_complete(clip)
    assert all(
        hamming(frame.pdq, hash_frame(0, 0.0, odd[frame.frame_index]).pdq) <= 16 for frame in clip.frames
    )


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (2, 400)])
def test_tiny_pictures_have_an_answer(tmp_path: Path, size: tuple[int, int]) -> None:
    fingerprinter = Fingerprinter(query=True)
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    for index in range(3):
        fingerprinter.add(index, index / 24, rgb[:, :, 1], lambda: rgb)
    clip = fingerprinter.finish()
    assert [frame.is_searchable for frame in clip.frames] == [False]
    assert clip.keyframes == ()


def test_a_clip_without_frames_is_an_empty_fingerprint() -> None:
    clip = Fingerprinter().finish()
    assert (clip.frames, clip.keyframes, clip.duration_s, len(clip.track.times_s)) == ((), (), 0.0, 0)


def test_a_file_cut_short_says_how_far_it_goes(pictures: list[np.ndarray], tmp_path: Path) -> None:
    path = write(tmp_path / "cut.mp4", pictures)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(MediaUnreadable) as caught:
        fingerprint_file(path)
    assert 0 < caught.value.frames_read < 48


def test_limits_are_kept(real_media: Path) -> None:
    with pytest.raises(MediaTooLarge):
        fingerprint_file(real_media / "imageio" / "realshort.mp4", Limits(max_seconds=1.0))


def test_letterboxed_and_plain_stretches_of_one_file_hash_alike(pictures: list[np.ndarray]) -> None:
    barred = [np.pad(rgb, ((60, 60), (0, 0), (0, 0))) for rgb in pictures]
    tall = [np.ascontiguousarray(np.pad(rgb, ((0, 120), (0, 0), (0, 0)), mode="edge")) for rgb in pictures]
    fingerprinter = Fingerprinter()
    for index, rgb in enumerate([*tall[:24], *barred[24:]]):
        fingerprinter.add(index, index / 24, rgb[:, :, 1], lambda rgb=rgb: rgb)
    clip = fingerprinter.finish()
    inside = [hash_picture(np.ascontiguousarray(rgb[:, :, 1])).packed for rgb in pictures]
    distances = [hamming(clip.track.hashes[n].tobytes(), inside[n]) for n in range(26, 48)]
    assert max(distances) <= 8
    assert sum(frame.is_shot_start for frame in clip.frames) <= 2


def test_a_long_film_keeps_a_bounded_number_of_key_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_module, "MAX_KEYFRAMES", 40)
    rng = np.random.default_rng(0)
    fingerprinter = Fingerprinter()
    for index in range(400):
        grey = np.repeat(np.repeat(rng.integers(0, 255, (12, 16)).astype(np.uint8), 15, 0), 15, 1)
        rgb = np.repeat(grey[:, :, None], 3, axis=2)
        fingerprinter.add(index, index / 2, grey, lambda rgb=rgb: rgb)
    clip = fingerprinter.finish()
    assert 10 <= len(clip.keyframes) <= 40
    times_s = [frame.time_s for frame in clip.keyframes]
    assert times_s[0] < 10
    assert times_s[-1] > 180
    assert len(clip.frames) == 400, "hashes are not thinned"
