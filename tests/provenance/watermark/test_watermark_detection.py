from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from provenance.errors import PictureShape
from provenance.media import VideoWriter, read_frames
from provenance.watermark import Detection, Detector, Embedder, Payload, WatermarkKey, detect, embed
from provenance.watermark.carrier import TILE, carriers
from provenance.watermark.hypotheses import Looks
from provenance.watermark.residual import Accumulator, residual
from provenance.watermark.sync import Pilots

CLIPS = ("bunny", "chair", "cars")
Reencoded = Callable[..., Iterator[np.ndarray]]


def _half(rgb: np.ndarray) -> np.ndarray:
    return cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _middle(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    return rgb[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]


def _turned(degrees: float) -> Callable[[np.ndarray], np.ndarray]:
    def turn(rgb: np.ndarray) -> np.ndarray:
        height, width = rgb.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        return cv2.warpAffine(rgb, matrix, (width, height))

    return turn


def _lumas(path: Path, seconds: float = 2.0) -> Iterator[np.ndarray]:
    return (frame.luma for frame in read_frames(path, end_s=seconds, threads=1))


def _require(found: list[Detection], payload: Payload) -> Detection:
    assert found, "no mark was found"
    best = found[0]
    assert best.payload == payload
    assert best.key_id == "studio-1"
    assert best.p_message <= 1e-7
    assert best.p_false_positive <= 1e-7
    return best


@pytest.mark.parametrize("name", CLIPS)
def test_payload_is_read_after_strong_recompression(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, name: str
) -> None:
    found = _require(detect(reencoded(masters[name], 28), [key]), payload)
    assert found.p_presence <= 1e-6


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


def test_payload_is_read_from_a_cut_out_blown_up_to_full_size(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded
) -> None:
    def zoomed(rgb: np.ndarray) -> np.ndarray:
        return cv2.resize(_middle(rgb), rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)

    found = _require(detect(reencoded(masters["bunny"], 23, zoomed), [key]), payload)
    assert found.geometry.scale == pytest.approx(2.0, rel=0.005)


@pytest.mark.parametrize("degrees", [-3.0, 17.0, 30.0])
def test_payload_is_read_from_a_turned_picture(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, degrees: float
) -> None:
    found = _require(detect(reencoded(masters["cars"], 23, _turned(degrees)), [key]), payload)
    assert found.geometry.rotation_deg == pytest.approx(-degrees, abs=0.1)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_payload_is_read_after_quarter_turns(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded, turns: int
) -> None:
    found = _require(detect(reencoded(masters["cars"], 23, lambda rgb: np.rot90(rgb, turns)), [key]), payload)
    assert abs(found.geometry.rotation_deg) == pytest.approx(180 if turns == 2 else 90, abs=0.1)


def test_payload_is_read_after_a_change_of_aspect(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded
) -> None:
    found = _require(
        detect(reencoded(masters["bunny"], 23, lambda rgb: cv2.resize(rgb, (960, 720))), [key]), payload
    )
    assert found.geometry.scale_x == pytest.approx(0.75, rel=0.003)
    assert found.geometry.scale_y == pytest.approx(1.0, rel=0.003)


def test_mirrored_copy_is_read_and_told(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, reencoded: Reencoded
) -> None:
    found = _require(detect(reencoded(masters["cars"], 23, lambda rgb: rgb[:, ::-1]), [key]), payload)
    assert found.geometry.is_mirrored
    assert not _require(detect(_lumas(masters["cars"]), [key]), payload).geometry.is_mirrored


def test_geometry_says_where_the_pattern_lies(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    """Scale, rotation and offset (modulo a tile) of a known warp come back to less than half a pixel."""
    embedder = Embedder(key, payload, 1280, 720)
    marked = [embedder.mark(luma) for luma in _lumas(clips["bunny"], 0.5)]
    matrix = cv2.getRotationMatrix2D((640, 360), 7.0, 1.3)
    found = _require(detect([cv2.warpAffine(luma, matrix, (1280, 720)) for luma in marked], [key]), payload)
    seen = found.geometry
    # cv2 counts pixel centres from 0; the geometry has them at +0.5.
    expected = matrix[:, :2]
    assert np.allclose([[seen.xx, seen.xy], [seen.yx, seen.yy]], expected, atol=1e-3)
    origin = np.linalg.inv(expected) @ (np.array([seen.x0, seen.y0]) - 0.5 - matrix[:, 2]) + 0.5
    assert np.allclose((origin + TILE / 2) % TILE - TILE / 2, 0, atol=0.4)


def test_single_jpeg_of_a_frame_is_enough(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    rgb = next(embed((f.rgb for f in read_frames(clips["bunny"], threads=1)), payload, key))
    for edited in (rgb, _half(rgb), _middle(rgb)):
        _, jpeg = cv2.imencode(".jpg", edited[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
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
        frames = (cv2.resize(f.rgb, (320, 180)) for f in read_frames(clips["bunny"], end_s=1.0, threads=1))
        for rgb in embed(frames, payload, key, Fraction(24)):
            writer.write(rgb)
    _require(detect(_lumas(small), [key], fps=24), payload)


@pytest.mark.parametrize(("width", "height"), [(641, 361), (1279, 719), (543, 303)])
def test_pictures_of_odd_sizes_are_marked_and_read(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload, width: int, height: int
) -> None:
    lumas = [cv2.resize(luma, (width, height)) for luma in _lumas(clips["bunny"], 0.3)]
    embedder = Embedder(key, payload, width, height)
    _require(detect([embedder.mark(luma) for luma in lumas], [key]), payload)


@pytest.mark.parametrize(("codec", "pixels"), [("libx264", "yuv420p10le"), ("libx265", "yuv422p10le")])
def test_a_ten_bit_copy_is_read(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload, tmp_path: Path, codec: str, pixels: str
) -> None:
    copy = tmp_path / "deep.mkv"
    frames = [frame.rgb for frame in read_frames(masters["bunny"], end_s=1.0, threads=1)]
    with av.open(str(copy), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "26", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, pixels
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=pixels)))
        container.mux(stream.encode(None))
    _require(detect((frame.luma for frame in read_frames(copy, threads=1)), [key]), payload)


def test_frames_at_uneven_times_are_read(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    """A copy of variable frame rate: frames dropped at random, a pause of 0.7 s, two frames at one time."""
    random = np.random.default_rng(13)
    detector = Detector()
    for frame in read_frames(masters["bunny"], threads=1):
        if random.random() < 0.4:
            continue
        detector.add(frame.luma, time_s=frame.time_s + (0.7 if frame.time_s > 1 else 0), is_key=frame.is_key)
    detector.add(frame.luma, time_s=frame.time_s + 0.7)
    _require(detector.detect([key]), payload)


@pytest.mark.parametrize("name", CLIPS)
def test_unmarked_clip_is_not_marked(clips: dict[str, Path], key: WatermarkKey, name: str) -> None:
    assert detect(_lumas(clips[name], 1.5), [key]) == []


@pytest.mark.parametrize("name", CLIPS)
def test_another_studio_cannot_read_the_mark(
    masters: dict[str, Path], other_key: WatermarkKey, name: str
) -> None:
    assert detect(_lumas(masters[name], 1.5), [other_key]) == []


def test_the_right_key_is_named_among_sixteen(
    masters: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    random = np.random.default_rng(12)
    others = [WatermarkKey(f"other-{number}", random.bytes(32)) for number in range(15)]
    found = detect(_lumas(masters["cars"]), [*others, key])
    assert [one.key_id for one in found] == ["studio-1"]
    _require(found, payload)


def test_two_marks_can_both_be_read(
    clips: dict[str, Path], key: WatermarkKey, other_key: WatermarkKey, payload: Payload
) -> None:
    frames = [f.rgb for f in read_frames(clips["bunny"], end_s=0.4, threads=1)]
    twice = list(embed(embed(frames, payload, key), Payload(7), other_key))
    found = {one.key_id: one.payload for one in detect(twice, [key, other_key])}
    assert found == {"studio-1": payload, "studio-2": Payload(7)}


def test_chance_peaks_stay_below_the_stated_bound(clips: dict[str, Path]) -> None:
    """P(max z > t) <= H T^2 exp(-t^2/2): at t where the bound is 1 in 1000, 600 trials should show none."""
    random = np.random.default_rng(9)
    peaks: list[float] = []
    for path in clips.values():
        accumulator = Accumulator()
        assert accumulator.wants(0.0, is_key=True)
        accumulator.add(residual(next(read_frames(path, threads=1)).luma), 0.0, 0.04)
        _, _, whitened = next(next(Looks(accumulator).stages()))
        for _ in range(200):
            pilots = Pilots([carriers(WatermarkKey("chance", random.bytes(32)))])
            peaks.append(pilots.best(whitened, 1)[0].z)
    hypotheses = 8
    assert len(peaks) == 600
    assert max(peaks) < np.sqrt(2 * np.log(hypotheses * TILE**2 / 1e-3))
    assert 3.5 < float(np.median(peaks)) < np.sqrt(2 * np.log(hypotheses * TILE**2))


@pytest.mark.parametrize("level", [0, 16, 255])
def test_flat_frames_are_not_marked_and_give_no_nan(key: WatermarkKey, level: int) -> None:
    flat = np.full((272, 480), level, np.uint8)
    assert np.isfinite(residual(flat)).all()
    assert detect([flat] * 3, [key]) == []


def test_mark_on_black_is_read(key: WatermarkKey, payload: Payload) -> None:
    black = np.zeros((360, 640, 3), np.uint8)
    _require(detect(embed([black] * 4, payload, key), [key]), payload)


def test_no_frames_or_no_keys_mean_no_mark(key: WatermarkKey) -> None:
    assert Detector().detect([key]) == []
    assert detect([np.zeros((64, 64), np.uint8)], []) == []


@pytest.mark.parametrize(("width", "height"), [(32, 24), (64, 64), (1, 1), (1280, 2)])
def test_tiny_pictures_are_answered(key: WatermarkKey, width: int, height: int) -> None:
    random = np.random.default_rng(10)
    assert detect([random.integers(0, 255, (height, width)).astype(np.uint8)], [key]) == []


def test_frames_of_changing_size_are_refused() -> None:
    detector = Detector()
    detector.add(np.zeros((64, 64), np.uint8))
    with pytest.raises(PictureShape):
        detector.add(np.zeros((64, 66), np.uint8))
    with pytest.raises(PictureShape):
        detector.add(np.zeros((64, 64, 3), np.uint8))


def test_a_spent_budget_ends_the_search(clips: dict[str, Path], key: WatermarkKey) -> None:
    detector = Detector(budget_s=0.0)
    for luma in _lumas(clips["bunny"], 0.2):
        detector.add(luma)
    assert detector.detect([key]) == []


def test_memory_does_not_grow_with_the_clip() -> None:
    accumulator = Accumulator()
    plane = np.ones((4, 4), np.float32)
    for number in range(25 * 120):
        time_s = number / 25
        if accumulator.wants(time_s, is_key=number % 12 == 0):
            accumulator.add(plane, time_s, 0.04)
        assert len(accumulator.windows) <= 24
        assert len(accumulator.key_windows) <= 8
    starts = [window.start_s for window in accumulator.windows]
    assert starts[0] == 0
    assert starts[-1] > 110
    assert float(np.ptp(np.diff(starts))) == pytest.approx(0, abs=0.05)
    assert all((window.plane == window.frames).all() for window in accumulator.windows)
