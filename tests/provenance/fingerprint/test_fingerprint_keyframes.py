"""Key frames follow the movement and stay bounded; their features outlive cropping, rotation and shrinking."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.fingerprint.borders import Box, content_box
from provenance.fingerprint.contents import ClipFingerprint, Keyframe
from provenance.fingerprint.features import QUERY, REFERENCE, keyframes_of
from provenance.fingerprint.keyframes import KeyframePicker, as_reference, thinned
from provenance.media import read_frames

HASHES = [bytes(32), b"\xff" * 2 + bytes(30), b"\xff" * 4 + bytes(28)]
Edit = Callable[[np.ndarray], np.ndarray]


def picked(
    pdq_at: Callable[[float], bytes], every_s: float = 1.0, starts: tuple[float, ...] = (0.0,)
) -> list[float]:
    picker = KeyframePicker(every_s)
    times_s = [n / 4 for n in range(48)]
    return [t for t in times_s if picker.wants(t, pdq_at(t), is_shot_start=t in starts)]


def moving(time_s: float) -> bytes:
    return np.random.default_rng(int(time_s * 4)).bytes(32)


def test_one_key_frame_a_second_while_the_picture_moves() -> None:
    assert picked(moving) == [float(n) for n in range(12)]
    assert picked(moving, every_s=0.5) == [n / 2 for n in range(24)]


def test_one_every_four_seconds_while_it_stands() -> None:
    assert picked(lambda _: HASHES[0]) == [0.0, 4.0, 8.0]
    # 16 bits are no movement, 32 are.
    assert picked(lambda t: HASHES[int(t) % 2]) == [0.0, 4.0, 8.0]
    assert picked(lambda t: HASHES[2 * (int(t) % 2)]) == [float(n) for n in range(12)]


def test_every_shot_has_its_key_frame() -> None:
    assert picked(lambda _: HASHES[0], starts=(0.0, 0.5, 5.25)) == [0.0, 0.5, 4.5, 5.25, 9.25]


def key_frame(time_s: float, *, is_mirrored: bool = False) -> Keyframe:
    empty = np.zeros((0, 2), np.uint16), np.zeros((0, 32), np.uint8)
    return Keyframe(round(time_s * 4), time_s, 640, 360, *empty, b"", is_mirrored)


def test_thinning_keeps_shot_starts_and_pairs_as_long_as_they_fit() -> None:
    frames = [key_frame(n / 2, is_mirrored=twin) for n in range(20) for twin in (False, True)]
    kept = thinned(frames, frozenset({7 * 2}), 2.0, limit=40)
    assert [frame.time_s for frame in kept[::2]] == [0.0, 2.0, 3.5, 5.5, 7.5, 9.5]
    assert [frame.is_mirrored for frame in kept] == [False, True] * 6
    everything = frozenset(frame.frame_index for frame in frames)
    assert len(thinned(frames, everything, 2.0, limit=40)) == 10, "starts alone are more than fit"


def _grey(real_media: Path, at_s: float) -> np.ndarray:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    return next(iter(read_frames(path, start_s=at_s, threads=1))).luma


def whole(grey: np.ndarray) -> Box:
    return Box(0, grey.shape[0], 0, grey.shape[1])


def inliers(one: Keyframe, other: Keyframe) -> tuple[int, np.ndarray | None]:
    """Features of `one` that a similarity lays over their nearest in `other`, and that similarity in shares."""
    distances = np.bitwise_count(one.descriptors[:, None] ^ other.descriptors[None]).sum(axis=2)
    nearest = distances.argmin(axis=1)
    is_near = (distances.min(axis=1) <= 64) & (distances.argmin(axis=0)[nearest] == np.arange(len(nearest)))
    places = [frame.points * [frame.width / 65535, frame.height / 65535] for frame in (one, other)]
    if is_near.sum() < 4:
        return 0, None
    matrix, agreeing = cv2.estimateAffinePartial2D(
        places[0][is_near], places[1][nearest[is_near]], ransacReprojThreshold=0.02 * other.width
    )
    return (0, None) if matrix is None else (int(agreeing.sum()), matrix)


def cropped(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    inner = grey[height // 5 : -height // 5, width // 5 : -width // 5]
    return cv2.resize(inner, (width, height), interpolation=cv2.INTER_CUBIC)


def rotated(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    return cv2.warpAffine(grey, cv2.getRotationMatrix2D((width / 2, height / 2), 3, 1), (width, height))


def in_a_corner_at_half_size(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    host = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, grey.shape).astype(np.uint8), (0, 0), 3)
    host[height // 2 :, width // 2 :] = cv2.resize(
        grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )
    return host


@pytest.mark.parametrize("edit", [cropped, rotated, in_a_corner_at_half_size])
def test_features_of_an_edited_picture_are_found_in_its_original(real_media: Path, edit: Edit) -> None:
    grey = _grey(real_media, 2.0)
    (known,) = keyframes_of(0, 0.0, grey, whole(grey), REFERENCE)
    edited = edit(grey)
    (asked,) = keyframes_of(0, 0.0, edited, whole(edited), QUERY)
    count, _ = inliers(asked, known)
    assert count >= 15
    # A take is extracted as a query; what is kept of it must serve as a reference.
    kept = as_reference(ClipFingerprint(keyframes=tuple(keyframes_of(0, 0.0, grey, whole(grey), QUERY))))
    assert inliers(asked, kept.keyframes[0])[0] >= 15


def test_a_mirrored_copy_is_found_by_the_mirrored_features(real_media: Path) -> None:
    grey = _grey(real_media, 2.0)
    (known,) = keyframes_of(0, 0.0, grey, whole(grey), REFERENCE)
    copy = np.ascontiguousarray(grey[:, ::-1])
    plain, mirrored = keyframes_of(0, 0.0, copy, whole(copy), QUERY, with_mirrored=True)
    assert (plain.is_mirrored, mirrored.is_mirrored) == (False, True)
    assert inliers(plain, known)[0] < 15
    count, matrix = inliers(mirrored, known)
    assert count >= 60
    # In the mirrored picture's own coordinates it lies exactly over the original.
    assert matrix == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]), abs=4.0)
    assert matrix[0, 0] == pytest.approx(1, abs=0.01)


def test_points_are_those_of_the_whole_picture_with_its_bars(real_media: Path) -> None:
    grey = _grey(real_media, 2.0)
    barred = np.pad(grey, ((200, 200), (0, 0)))
    box = content_box(barred)
    assert box == Box(200, 920, 0, 1280)
    (frame,) = keyframes_of(7, 0.5, barred, box, REFERENCE)
    assert (frame.frame_index, frame.time_s, frame.width, frame.height) == (7, 0.5, 1280, 1120)
    heights = frame.points[:, 1] / 65535 * 1120
    assert heights.min() >= 200
    assert heights.max() <= 920
    (plain,) = keyframes_of(7, 0.5, grey, whole(grey), REFERENCE)
    assert np.abs(frame.points[:, 0].astype(int) - plain.points[:, 0]).max() <= 1
    np.testing.assert_array_equal(frame.descriptors, plain.descriptors)


def test_any_first_features_are_spread_over_the_picture(real_media: Path) -> None:
    grey = _grey(real_media, 2.0)
    (frame,) = keyframes_of(0, 0.0, grey, whole(grey), QUERY)
    assert len(frame.points) == len(frame.descriptors) == 512
    for count in (96, 192, 512):
        quarters = (frame.points[:count] > 32767) @ [1, 2]
        assert np.bincount(quarters, minlength=4).min() >= count // 8


def test_a_preview_is_the_whole_picture_at_256_pixels(real_media: Path) -> None:
    grey = _grey(real_media, 2.0)
    plain, mirrored = keyframes_of(0, 0.0, grey, whole(grey), REFERENCE, with_mirrored=True)
    for frame, wanted in ((plain, grey), (mirrored, grey[:, ::-1])):
        preview = cv2.imdecode(np.frombuffer(frame.preview, np.uint8), cv2.IMREAD_UNCHANGED)
        assert preview.shape == (144, 256)
        small = cv2.resize(np.ascontiguousarray(wanted), (256, 144), interpolation=cv2.INTER_AREA)
        assert np.abs(preview.astype(int) - small).mean() < 3


def test_a_picture_without_corners_is_no_key_frame() -> None:
    ramp = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (180, 1))
    for grey in (
        np.zeros((180, 320), np.uint8),
        ramp,
        np.zeros((1, 1), np.uint8),
        np.zeros((3, 5), np.uint8),
    ):
        assert keyframes_of(0, 0.0, grey, whole(grey), QUERY, with_mirrored=True) == []


def test_the_same_picture_has_the_same_features(real_media: Path) -> None:
    grey = _grey(real_media, 1.0)
    (one,), (other,) = (keyframes_of(0, 0.0, grey, whole(grey), REFERENCE) for _ in range(2))
    assert replace(one, points=0, descriptors=0) == replace(other, points=0, descriptors=0)
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.descriptors, other.descriptors)
