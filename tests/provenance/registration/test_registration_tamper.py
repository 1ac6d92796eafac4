"""What was pasted, covered or blurred is shown where and when it is; what was done to the whole clip is not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from provenance.registration import (
    Affine,
    Clip,
    Registration,
    TamperMap,
    draw_tamper_map,
    register,
    tamper_map,
)

Edit = Callable[[np.ndarray], np.ndarray]


def laid_over(suspect: Clip, take: Clip) -> Registration:
    found = register(suspect, take, geometry=Affine.scaling(1, 1), source_start_s=0.0, slack_s=0.3)
    assert found.is_registered, found.reason
    return found


def agreement(tamper: TamperMap, truth: np.ndarray) -> float:
    """Intersection over union of the map and the (H, W) mask of what was changed."""
    rows, columns = tamper.heat.shape
    right = cv2.resize(truth.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) > 0.5
    return float((tamper.tampered & right).sum() / (tamper.tampered | right).sum())


def pasted(picture: np.ndarray, mask: np.ndarray, opacity: float = 1.0) -> Edit:
    share = opacity * mask[..., None].astype(np.float32)
    return lambda rgb: np.rint(rgb * (1 - share) + picture * share).astype(np.uint8)


def disc_logo(width: int, height: int, x: float, y: float) -> tuple[Edit, np.ndarray]:
    """A round, coloured logo of 5 % of the picture's area around (x, y), given as shares."""
    radius = round(np.sqrt(0.05 * width * height / np.pi))
    centre = tuple(
        int(np.clip(share * side, radius, side - radius)) for share, side in ((x, width), (y, height))
    )
    picture, mask = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    cv2.circle(mask, centre, radius, 1, cv2.FILLED)
    cv2.circle(picture, centre, radius, (200, 40, 40), cv2.FILLED)
    cv2.circle(picture, centre, radius * 2 // 3, (250, 250, 250), cv2.FILLED)
    return pasted(picture, mask), mask


def plain_logo(width: int, height: int, x: float, y: float) -> tuple[Edit, np.ndarray]:
    """A flat white box of 5 % of the picture's area, seen through to two thirds."""
    picture, mask = np.full((height, width, 3), 255, np.uint8), np.zeros((height, width), np.uint8)
    tall = round(np.sqrt(0.05 * width * height / 2))
    left, top = round(x * (width - 2 * tall)), round(y * (height - tall))
    mask[top : top + tall, left : left + 2 * tall] = 1
    return pasted(picture, mask, 0.35), mask


def lower_third(width: int, height: int) -> tuple[Edit, np.ndarray]:
    picture, mask = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    top, bottom, left, right = (round(v) for v in (0.76 * height, 0.92 * height, 0.06 * width, 0.94 * width))
    mask[top:bottom, left:right] = 1
    picture[top:bottom, left:right] = (20, 20, 70)
    place = left + 10, round(0.86 * height)
    cv2.putText(
        picture, "Somewhere, today", place, cv2.FONT_HERSHEY_SIMPLEX, height / 480, (255, 255, 255), 2
    )
    return pasted(picture, mask, 0.9), mask


def blurred_face(width: int, height: int, x: float, y: float) -> tuple[Edit, np.ndarray]:
    mask = np.zeros((height, width), np.uint8)
    axis = np.sqrt(0.04 * width * height / np.pi / 1.3)
    cv2.ellipse(
        mask, (round(x * width), round(y * height)), (round(axis), round(1.3 * axis)), 0, 0, 360, 1, -1
    )
    sigma = height / 60
    return lambda rgb: np.where(mask[..., None] > 0, cv2.GaussianBlur(rgb, (0, 0), sigma), rgb), mask


@pytest.mark.parametrize(
    ("source", "made", "x", "y"),
    [
        ("small bunny", disc_logo, 0.1, 0.1),
        ("chair", disc_logo, 0.5, 0.5),
        ("cockatoo", disc_logo, 0.9, 0.8),
        ("small bunny", plain_logo, 0.5, 0.4),
        ("cars", plain_logo, 1.0, 0.0),
        ("small bunny", blurred_face, 0.45, 0.4),
        ("chair", blurred_face, 0.7, 0.6),
        ("cockatoo", blurred_face, 0.7, 0.6),
    ],
)
def test_a_logo_or_blurred_face_is_found(
    shot: Callable, encoded: Callable, source: str, made: Callable, x: float, y: float
) -> None:
    take = shot(source)
    edit, mask = made(*take.size, x, y)
    tamper = tamper_map(laid_over(encoded(take.frames, take.fps, 28, edit), take.clip))
    assert agreement(tamper, mask) >= 0.6
    assert len(tamper.regions) == 1
    region = tamper.regions[0]
    ys, xs = np.nonzero(mask)
    box = xs.min() / take.size[0], ys.min() / take.size[1], xs.max() / take.size[0], ys.max() / take.size[1]
    assert (region.x0, region.y0, region.x1, region.y1) == pytest.approx(box, abs=0.04)


@pytest.mark.parametrize("source", ["small bunny", "cars"])
def test_a_lower_third_is_found(shot: Callable, encoded: Callable, source: str) -> None:
    take = shot(source)
    edit, mask = lower_third(*take.size)
    tamper = tamper_map(laid_over(encoded(take.frames, take.fps, 28, edit), take.clip))
    assert agreement(tamper, mask) >= 0.6


def _brighter(rgb: np.ndarray) -> np.ndarray:
    return np.clip(255 * ((rgb / 255 - 0.5) * 1.2 + 0.58).clip(0, 1) ** 0.9, 0, 255).astype(np.uint8)


def _sepia(rgb: np.ndarray) -> np.ndarray:
    mix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return np.clip(rgb @ mix.T, 0, 255).astype(np.uint8)


def _noisy(rgb: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(rgb.sum()) % 1000).normal(0, 12, rgb.shape[:2])
    return np.clip(rgb + noise[..., None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("source", "crf", "edit"),
    [
        ("small bunny", 40, lambda rgb: rgb),
        ("chair", 28, lambda rgb: rgb),
        ("chair", 26, lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 2)),
        ("small bunny", 26, _brighter),
        ("chair", 26, _sepia),
        ("cars", 26, _noisy),
        ("cockatoo", 26, lambda rgb: cv2.addWeighted(rgb, 1.8, cv2.GaussianBlur(rgb, (0, 0), 2), -0.8, 0)),
    ],
    ids=["CRF 40", "CRF 28", "blur", "brightness", "sepia", "noise", "sharpened"],
)
def test_what_was_done_to_the_whole_clip_gives_an_empty_map(
    shot: Callable, encoded: Callable, source: str, crf: int, edit: Edit
) -> None:
    take = shot(source)
    tamper = tamper_map(laid_over(encoded(take.frames, take.fps, crf, edit), take.clip))
    assert tamper.is_empty, tamper.regions
    assert tamper.tampered_share == 0.0


def test_a_logo_shown_for_a_while_is_dated(shot: Callable, encoded: Callable) -> None:
    take = shot("small bunny")
    edit, mask = disc_logo(*take.size, 0.8, 0.3)
    half = len(take.frames) // 2
    frames = [edit(rgb) if number >= half else rgb for number, rgb in enumerate(take.frames)]
    tamper = tamper_map(laid_over(encoded(frames, take.fps), take.clip))
    assert agreement(tamper, mask) >= 0.6
    assert tamper.regions[0].start_s == pytest.approx(half / take.fps, abs=0.4)
    assert tamper.regions[0].end_s == pytest.approx(len(take.frames) / take.fps, abs=0.25)


def test_what_the_suspect_does_not_show_is_not_called_different(shot: Callable, encoded: Callable) -> None:
    take = shot("small bunny")
    suspect = encoded([rgb[90:270, 160:480] for rgb in take.frames], take.fps)
    geometry = Affine(1, 0, 0, 1, -160, -90)
    found = register(suspect, take.clip, geometry=geometry, source_start_s=0.0, slack_s=0.3)
    tamper = tamper_map(found)
    assert tamper.is_empty
    assert tamper.seen.mean() == pytest.approx(0.25, abs=0.03)


def test_the_picture_shows_the_region_to_a_person(shot: Callable, encoded: Callable) -> None:
    take = shot("small bunny")
    edit, mask = blurred_face(*take.size, 0.45, 0.4)
    found = laid_over(encoded(take.frames, take.fps, 28, edit), take.clip)
    tamper = tamper_map(found)
    drawn = cv2.imdecode(np.frombuffer(draw_tamper_map(tamper, found, 640), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (360, 640, 3)
    inside = cv2.erode(cv2.resize(mask, (640, 360)), np.ones((25, 25))) > 0
    outside = cv2.dilate(cv2.resize(mask, (640, 360)), np.ones((60, 60))) == 0
    redness = drawn[..., 2].astype(int) - drawn[..., 0]
    assert redness[inside].mean() > redness[outside].mean() + 40


def test_nothing_registered_gives_an_empty_map_and_no_picture(shot: Callable, encoded: Callable) -> None:
    take = shot("chair")
    flat = encoded([np.zeros_like(take.frames[0])] * 3, take.fps)
    found = register(flat, take.clip, source_start_s=0.0, slack_s=0.2)
    tamper = tamper_map(found)
    assert tamper.is_empty
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_tamper_map(tamper, found)
