"""Maps compose and invert, and mean what the detector's geometry means; what is kept of a clip stays small."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from provenance.registration import Affine, Clip, Clock
from provenance.registration.clip import around, spread
from provenance.registration.maps import resample
from provenance.registration.timing import fit_clock
from provenance.watermark import Geometry

SKEWED = Affine(0.8, -0.3, 0.25, 1.1, 40.0, -7.0)


@dataclass(frozen=True)
class Flat:
    time_s: float

    @property
    def rgb(self) -> np.ndarray:
        return np.full((8, 12, 3), 128, np.uint8)


def flat_clip(frames: int, stated_s: float, fps: float = 25.0) -> Clip:
    def read(start_s: float, end_s: float | None) -> Iterator[Flat]:
        for number in range(frames):
            if number / fps >= start_s - 1e-6 and (end_s is None or number / fps < end_s):
                yield Flat(number / fps)

    return Clip(12, 8, fps, stated_s, read)


def test_a_map_and_its_inverse_cancel() -> None:
    points = np.array([[0.0, 0.0], [1280.0, 720.0], [13.5, 600.25]])
    np.testing.assert_allclose(SKEWED.inverse().apply(SKEWED.apply(points)), points, atol=1e-9)
    np.testing.assert_allclose(
        SKEWED.after(Affine.scaling(2, 3)).apply(points), SKEWED.apply(points * [2, 3]), atol=1e-9
    )


@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize("turn_deg", [0, 30, 90, 170, -60])
def test_a_map_names_scale_turn_and_mirror_as_the_detector_does(turn_deg: float, mirror: int) -> None:
    c, s = 0.5 * np.cos(np.radians(turn_deg)), 0.5 * np.sin(np.radians(turn_deg))
    place = Affine(mirror * c, -s, mirror * s, c, 10, 20)
    said = Geometry(mirror * c, -s, mirror * s, c, 10, 20)
    assert place.scale == pytest.approx(said.scale)
    assert place.is_mirrored == said.is_mirrored
    assert place.rotation_deg == pytest.approx(said.rotation_deg)


def test_stretch_is_longest_over_shortest() -> None:
    assert Affine.scaling(2.0, 1.5).stretch == pytest.approx(4 / 3)
    assert Affine(-2.0, 0, 0, 1.5, 0, 0).stretch == pytest.approx(4 / 3)


def test_resampling_halves_a_picture_onto_itself() -> None:
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :], 40, axis=0)
    drawn, inside = resample(ramp, Affine.scaling(2, 2), 60, 20)
    assert inside[:, :50].all()
    assert not inside[:, 51:].any()
    np.testing.assert_allclose(drawn[10, 2:48], ramp[0, 4:96:2].astype(float) + 1, atol=1)


@pytest.mark.parametrize(
    ("frames", "stated_s"), [(125, 5.0), (3000, 120.0), (3000, 0.0), (7, 0.28), (40, 9.0)]
)
def test_of_a_clip_of_any_length_a_dozen_views_are_kept(frames: int, stated_s: float) -> None:
    views = spread(flat_clip(frames, stated_s), 0.0, None, 12, 640)
    assert 1 <= len(views) <= 12
    steps = np.diff([view.time_s for view in views])
    np.testing.assert_allclose(steps, steps[0], atol=1e-6)
    if stated_s == frames / 25:
        assert len(views) >= min(frames, 7)


def test_only_frames_inside_the_windows_are_kept() -> None:
    views = around(flat_clip(100, 4.0), [(1.0, 1.2), (-0.5, 0.04)], 640)
    assert [round(view.time_s, 2) for view in views] == [0.0, 0.04, 1.0, 1.04, 1.08, 1.12, 1.16, 1.2]


def test_a_clock_is_fitted_past_wrong_times() -> None:
    times = np.arange(8) * 0.5
    shown = 3.0 + 1.25 * times
    shown[5] += 0.9
    clock = fit_clock(times, shown, np.full(8, 0.2), Clock(0.0, 2.9, 1.2))
    assert clock.speed == pytest.approx(1.25, abs=1e-6)
    assert clock.at(0.0) == pytest.approx(3.0, abs=1e-6)


def test_a_frozen_shot_leaves_the_clock_as_it_was() -> None:
    start = Clock(0.0, 2.0, 1.0)
    assert fit_clock(np.arange(5.0), np.arange(5.0) * 3, np.zeros(5), start) == start


def test_reading_a_file_again_gives_the_same_frames(shot: Callable, encoded: Callable) -> None:
    take = shot("cockatoo")
    clip = encoded(take.frames[:6], take.fps)
    first, second = ([frame.rgb for frame in clip.read(0.0, None)] for _ in range(2))
    assert len(first) == 6
    np.testing.assert_array_equal(first, second)
