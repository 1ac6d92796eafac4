"""A suspect is laid over the take to a pixel and a frame, with a mark's geometry and without, or refused."""

from collections.abc import Callable
from fractions import Fraction
from math import cos, radians, sin

import cv2
import numpy as np
import pytest

from provenance.registration import Affine, Registration, register
from provenance.registration.maps import resample
from provenance.watermark import Geometry

TILE = 125
SKIPPED = 9  # frames cut off in front


def about_middle(width: int, height: int, turn_deg: float) -> Affine:
    c, s = cos(radians(turn_deg)), sin(radians(turn_deg))
    x, y = width / 2, height / 2
    return Affine(c, -s, s, c, x - c * x + s * y, y - s * x - c * y)


def edits(width: int, height: int) -> dict[str, tuple[Affine, tuple[int, int]]]:
    """Maps from the take's picture to the suspect's, and the suspect's size."""
    half = (width // 2, height // 2)
    third = (width * 3 // 20 * 2, height * 3 // 20 * 2)
    cropped = Affine(1, 0, 0, 1, -0.23 * width // 1, -0.31 * height // 1)
    return {
        "untouched": (Affine.scaling(1, 1), (width, height)),
        "crop to 50 %": (cropped, half),
        "crop to 50 %, zoomed back": (Affine.scaling(2, 2).after(cropped), (width, height)),
        "crop to 30 %": (cropped, third),
        "turned by 30 degrees": (about_middle(width, height, 30), (width, height)),
        "a quarter turn": (Affine(0, -1, 1, 0, height, 0), (height, width)),
        "mirrored": (Affine(-1, 0, 0, 1, width, 0), (width, height)),
        "16:9 to 4:3": (Affine.scaling(0.75, 1), (width * 3 // 4, height)),
        "vertical repost": (Affine(0.5625, 0, 0, 0.5625, 0, 437.5), (720, 1280)),
    }


def geometry_of(place: Affine, tiles: tuple[int, int]) -> Geometry:
    """What a detector says of a place in a 720-line take: right but for some tiles and a fraction of a pixel."""
    x0, y0 = place.apply(np.array([[TILE * tiles[0], TILE * tiles[1]]], dtype=float))[0] + (0.3, -0.3)
    k = 1.0002
    return Geometry(place.xx * k, place.xy * k, place.yx * k, place.yy * k, x0, y0)


def worst_error_px(found: Registration, truth: Affine, size: tuple[int, int]) -> float:
    """Largest distance, in pixels of the take, over all of the take that the suspect shows."""
    xs, ys = np.meshgrid(np.linspace(0, size[0], 9), np.linspace(0, size[1], 9))
    shown = np.column_stack([xs.ravel(), ys.ravel()])
    right = truth.inverse().apply(shown)
    inside = ((right >= 0) & (right <= np.array(found.take_size))).all(axis=1)
    away = np.linalg.norm(found.take_to_suspect.inverse().apply(shown) - right, axis=1)
    return float(away[inside].max())


def edited(frames: tuple[np.ndarray, ...], place: Affine, size: tuple[int, int]) -> list[np.ndarray]:
    return [resample(rgb, place.inverse(), *size)[0] for rgb in frames[SKIPPED:-3]]


@pytest.mark.parametrize("name", list(edits(1280, 720)))
def test_with_a_mark_the_error_is_at_most_one_pixel(shot: Callable, encoded: Callable, name: str) -> None:
    take = shot("bunny")
    place, size = edits(*take.size)[name]
    suspect = encoded(edited(take.frames, place, size), take.fps, crf=33)
    missing_s = float(SKIPPED / take.fps)
    found = register(
        suspect, take.clip, geometry=geometry_of(place, (3, -2)), source_start_s=missing_s + 0.3, slack_s=0.5
    )
    assert found.is_registered, found.reason
    assert worst_error_px(found, place, size) <= 1.0
    assert found.on_lattice
    assert found.take_to_suspect.is_mirrored == (name == "mirrored")
    assert abs(found.clock.at(0.0) - missing_s) < 0.5 / take.fps


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("bunny", "crop to 50 %"),
        ("cars", "turned by 30 degrees"),
        ("cars", "mirrored"),
        ("cars", "16:9 to 4:3"),
    ],
)
def test_without_a_mark_the_error_is_at_most_one_pixel(
    shot: Callable, encoded: Callable, source: str, name: str
) -> None:
    take = shot(source)
    place, size = edits(*take.size)[name]
    suspect = encoded(edited(take.frames, place, size), take.fps, crf=33)
    missing_s = float(SKIPPED / take.fps)
    found = register(suspect, take.clip, source_start_s=missing_s + 0.15, slack_s=0.4)
    assert found.is_registered, found.reason
    assert worst_error_px(found, place, size) <= 1.0
    assert found.on_lattice is None
    assert abs(found.clock.at(0.0) - missing_s) < 0.5 / take.fps


def test_a_clip_from_anywhere_in_the_take_is_found(shot: Callable, encoded: Callable) -> None:
    take = shot("cars")
    suspect = encoded(take.frames[16:26], take.fps)
    found = register(suspect, take.clip)
    assert found.is_registered, found.reason
    assert abs(found.clock.at(0.0) - 16 / take.fps) < 0.5 / take.fps


def test_speed_is_measured(shot: Callable, encoded: Callable) -> None:
    take = shot("bunny")
    suspect = encoded(take.frames, take.fps * Fraction(5, 4))
    found = register(suspect, take.clip, geometry=Affine.scaling(1, 1), source_start_s=0.0, speed=1.23)
    assert found.clock.speed == pytest.approx(1.25, abs=0.01)


def test_a_half_size_rendition_serves_as_reference(shot: Callable, encoded: Callable) -> None:
    take = shot("bunny")
    proxy = encoded(
        [cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for rgb in take.frames], take.fps
    )
    place, size = edits(*take.size)["crop to 50 %"]
    suspect = encoded(edited(take.frames, place, size), take.fps)
    found = register(
        suspect, proxy, geometry=geometry_of(place, (1, 1)), source_start_s=0.3, master_size=take.size
    )
    assert found.is_registered, found.reason
    assert found.on_lattice
    assert worst_error_px(found, place.after(Affine.scaling(2, 2)), size) <= 0.5


def test_a_take_above_720_lines_has_larger_tiles(shot: Callable, encoded: Callable) -> None:
    frames = [
        cv2.resize(rgb, (1920, 1080), interpolation=cv2.INTER_CUBIC) for rgb in shot("cockatoo").frames[:12]
    ]
    fps = shot("cockatoo").fps
    place = Affine(1, 0, 0, 1, -301, -200)
    suspect = encoded([resample(rgb, place.inverse(), 1200, 720)[0] for rgb in frames], fps)
    tiled = place.after(Affine.scaling(1.5, 1.5))
    x0, y0 = tiled.apply(np.array([[2.0 * TILE, TILE]]))[0]
    geometry = Geometry(tiled.xx, 0.0, 0.0, tiled.yy, x0, y0)
    master = type(shot("cockatoo"))(tuple(frames), fps).clip
    found = register(suspect, master, geometry=geometry, source_start_s=0.0)
    assert found.is_registered, found.reason
    assert found.on_lattice
    assert worst_error_px(found, place, (1200, 720)) <= 1.5


def test_a_mark_that_lies_elsewhere_than_the_content_is_noticed(shot: Callable, encoded: Callable) -> None:
    take = shot("bunny")
    suspect = encoded(take.frames, take.fps)
    found = register(
        suspect, take.clip, geometry=Geometry(1, 0, 0, 1, 60.0, 40.0), source_start_s=0.0, slack_s=0.3
    )
    assert found.is_registered, found.reason
    assert found.on_lattice is False
    assert worst_error_px(found, Affine.scaling(1, 1), take.size) <= 1.0


@pytest.mark.parametrize("geometry", [None, Geometry(1, 0, 0, 1, 0, 0)], ids=["no mark", "a mark"])
def test_other_content_is_refused_with_a_reason(
    shot: Callable, encoded: Callable, geometry: Geometry | None
) -> None:
    take, other = shot("bunny"), shot("cars")
    resized = [cv2.resize(rgb, take.size) for rgb in other.frames]
    found = register(encoded(resized, other.fps), take.clip, geometry=geometry, source_start_s=0.0)
    assert not found.is_registered
    assert found.reason.startswith("The content ")
    assert found.pairs == ()


@pytest.mark.parametrize("level", [0, 128])
def test_a_flat_picture_is_refused(shot: Callable, encoded: Callable, level: int) -> None:
    take = shot("bunny")
    flat = [np.full_like(take.frames[0], level)] * 5
    found = register(
        encoded(flat, take.fps), take.clip, geometry=Geometry(1, 0, 0, 1, 0, 0), source_start_s=0.0
    )
    assert not found.is_registered


def test_one_frame_is_enough(shot: Callable, encoded: Callable) -> None:
    take = shot("chair")
    found = register(encoded(take.frames[10:11], take.fps), take.clip, source_start_s=0.4, slack_s=0.4)
    assert found.is_registered, found.reason
    assert found.pairs[0].take_time_s == pytest.approx(10 / float(take.fps), abs=1e-3)


def test_a_wrong_time_is_corrected(shot: Callable, encoded: Callable) -> None:
    take = shot("chair")
    found = register(encoded(take.frames[20:26], take.fps), take.clip, source_start_s=100.0)
    assert found.is_registered, found.reason
    assert abs(found.clock.at(0.0) - 20 / take.fps) < 0.5 / take.fps
