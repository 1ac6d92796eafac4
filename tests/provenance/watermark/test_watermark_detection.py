from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.errors import PictureShape
from provenance.media import VideoWriter, read_frames
from provenance.watermark import Detection, Detector, Embedder, Payload, WatermarkKey, detect, embed
from provenance.watermark.carrier import TILE, carriers
from provenance.watermark.geometry import scales_to_try, survey
from provenance.watermark.residual import Windows, residual

CLIPS = ("bunny", "chair", "cars")
Reencoded = Callable[..., Iterator[np.ndarray]]


def _half(rgb: np.ndarray) -> np.ndarray:
    return cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _middle(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    return rgb[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]


def _lumas(path: Path, seconds: float = 2.0) -> Iterator[np.ndarray]:
    return (frame.luma for frame in read_frames(path, end_s=seconds, threads=1))


def _require(found: Detection | None, payload: Payload) -> Detection:
    assert found is not None
    assert found.payload == payload
    assert found.key_id == "studio-1"
    assert found.p_false_positive <= 1e-6
    return found


@pytest.mark.parametrize("name", CLIPS)
def test_payload_is_read_after_strong_recompression(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, name: str
) -> None:
    _require(detect(reencoded(masters[name], 28), [key]), payload)


@pytest.mark.parametrize("name", CLIPS)
def test_payload_is_read_at_half_size(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, name: str
) -> None:
    found = _require(detect(reencoded(masters[name], 23, _half), [key]), payload)
    assert found.geometry.scale == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("name", CLIPS)
def test_payload_is_read_from_the_middle_half_of_the_picture(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, name: str
) -> None:
    _require(detect(reencoded(masters[name], 23, _middle), [key]), payload)


def test_mirrored_copy_is_read_and_told(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded
) -> None:
    found = _require(detect(reencoded(masters["cars"], 23, lambda rgb: rgb[:, ::-1]), [key]), payload)
    assert found.geometry.is_mirrored
    assert not _require(detect(_lumas(masters["cars"]), [key]), payload).geometry.is_mirrored


def test_single_jpeg_of_a_frame_is_enough(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    rgb = next(embed((f.rgb for f in read_frames(clips["bunny"], threads=1)), payload, key))
    _, jpeg = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
    screenshot = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    found = _require(detect([screenshot], [key]), payload)
    assert found.frames_used == 1


def test_large_pictures_are_read_at_their_own_and_at_reduced_size(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    frame = next(read_frames(clips["bunny"], threads=1)).rgb
    marked = next(embed([cv2.resize(frame, (3840, 2160))], payload, key))
    assert _require(detect([marked], [key]), payload).geometry.scale == pytest.approx(3.0, rel=0.01)
    small = cv2.resize(marked, (1280, 720), interpolation=cv2.INTER_AREA)
    assert _require(detect([small], [key]), payload).geometry.scale == pytest.approx(1.0, rel=0.01)


def test_small_take_is_read_back_from_its_own_file(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload, tmp_path: Path
) -> None:
    small = tmp_path / "small.mp4"
    with VideoWriter(small, 320, 180, Fraction(24), threads=1) as writer:
        frames = (cv2.resize(f.rgb, (320, 180)) for f in read_frames(clips["bunny"], end_s=0.5, threads=1))
        for rgb in embed(frames, payload, key):
            writer.write(rgb)
    _require(detect(_lumas(small), [key]), payload)


@pytest.mark.parametrize("name", CLIPS)
def test_unmarked_clip_is_not_marked(clips: dict[str, Path], key: WatermarkKey, name: str) -> None:
    assert detect(_lumas(clips[name], 1.5), [key]) is None


@pytest.mark.parametrize("name", CLIPS)
def test_another_studio_cannot_read_the_mark(
    masters: dict[str, Path], other_key: WatermarkKey, name: str
) -> None:
    assert detect(_lumas(masters[name], 1.5), [other_key]) is None


def test_the_right_key_is_named_among_many(
    masters: dict[str, Path], key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    _require(detect(_lumas(masters["cars"]), [other_key, key]), payload)


def test_two_marks_can_both_be_read(
    clips: dict[str, Path], key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    frames = [f.rgb for f in read_frames(clips["bunny"], end_s=0.4, threads=1)]
    twice = list(embed(embed(frames, payload, key), Payload(7), other_key))
    _require(detect(twice, [key]), payload)
    second = detect(twice, [other_key])
    assert second is not None
    assert second.payload == Payload(7)


def test_chance_peaks_stay_below_the_stated_bound(clips: dict[str, Path]) -> None:
    """P(max z > t) <= H T^2 exp(-t^2/2): at t where the bound is 1 in 1000, 600 trials should show none."""
    random = np.random.default_rng(9)
    secrets = [carriers(WatermarkKey(str(n), random.bytes(32))) for n in range(200)]
    peaks: list[float] = []
    hypotheses = 0
    for path in clips.values():
        plane = residual(next(read_frames(path, threads=1)).luma)
        scales = scales_to_try(plane.shape[1], plane.shape[0])[:4]
        hypotheses = 2 * len(scales)
        peaks += [candidates[0].z for candidates in survey(plane, scales, secrets)]
    assert len(peaks) == 600
    assert max(peaks) < np.sqrt(2 * np.log(hypotheses * TILE**2 / 1e-3))
    assert 3.5 < float(np.median(peaks)) < np.sqrt(2 * np.log(hypotheses * TILE**2))


@pytest.mark.parametrize("level", [0, 16, 255])
def test_flat_frames_are_not_marked_and_give_no_nan(key: WatermarkKey, level: int) -> None:
    flat = np.full((272, 480), level, np.uint8)
    assert np.isfinite(residual(flat)).all()
    assert detect([flat] * 3, [key]) is None


def test_mark_on_black_is_read(key: WatermarkKey, payload: Payload) -> None:
    black = np.zeros((360, 640, 3), np.uint8)
    _require(detect(embed([black] * 4, payload, key), [key]), payload)


def test_no_frames_or_no_keys_mean_no_mark(key: WatermarkKey) -> None:
    assert Detector().detect([key]) is None
    assert detect([np.zeros((64, 64), np.uint8)], []) is None


def test_a_picture_smaller_than_a_tile_is_answered(key: WatermarkKey) -> None:
    random = np.random.default_rng(10)
    assert detect([random.integers(0, 255, (24, 32)).astype(np.uint8)], [key]) is None


def test_frames_of_changing_size_are_refused() -> None:
    detector = Detector()
    detector.add(np.zeros((64, 64), np.uint8))
    with pytest.raises(PictureShape):
        detector.add(np.zeros((64, 66), np.uint8))
    with pytest.raises(PictureShape):
        detector.add(np.zeros((64, 64, 3), np.uint8))


def test_memory_does_not_grow_with_the_clip() -> None:
    windows = Windows()
    plane = np.ones((4, 4), np.float32)
    for frames in range(1, 2000):
        windows.add(plane)
        assert len(windows.each()) <= 8
        assert windows.total().frames == frames
    assert sum(part.frames for part in windows.each()) == 1999
    total = windows.total().plane
    assert total is not None
    assert (total == 1999).all()


def test_a_short_marked_stretch_is_found_where_the_average_hides_it(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    lumas = list(_lumas(clips["chair"], 9.6))
    embedder = Embedder(key, payload, 480, 720)
    detector = Detector()
    for luma in lumas:
        detector.add(luma)
    for luma in lumas[:16]:
        detector.add(embedder.mark(luma))
    assert len(lumas) == 288
    assert _require(detector.detect([key]), payload).frames_used < 24
