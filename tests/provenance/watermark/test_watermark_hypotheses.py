from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.media import read_frames
from provenance.watermark import Embedder, Payload, WatermarkKey, detect
from provenance.watermark.carrier import carriers
from provenance.watermark.hypotheses import MOST_HYPOTHESES, Looks
from provenance.watermark.lattice import Waves, echo, rotation, similarities, stretches
from provenance.watermark.residual import Accumulator, residual
from provenance.watermark.sync import Pilots
from provenance.watermark.turns import turns
from provenance.watermark.view import spectrum, view

QUARTER = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.fixture(scope="module")
def marked(clips: dict[str, Path], key: WatermarkKey, payload: Payload) -> list[np.ndarray]:
    embedder = Embedder(key, payload, 1280, 720, Fraction(25))
    return [embedder.mark(frame.luma) for frame in islice(read_frames(clips["bunny"], threads=1), 6)]


def _turned(luma: np.ndarray, degrees: float, zoom: float = 1.0) -> np.ndarray:
    height, width = luma.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, zoom)
    return cv2.warpAffine(luma, turn, (width, height), flags=cv2.INTER_CUBIC)


def _collected(lumas: list[np.ndarray]) -> Accumulator:
    accumulator = Accumulator()
    for number, luma in enumerate(lumas):
        if accumulator.wants(number / 25, is_key=number == 0):
            accumulator.add(residual(luma), number / 25, 0.04)
    return accumulator


def _off(found: np.ndarray, right: np.ndarray) -> float:
    """How far a map is from another, as a share; quarter turns of a lattice do not show."""
    quarters = (found @ np.linalg.matrix_power(QUARTER, n) for n in range(4))
    return float(min(np.abs(np.linalg.inv(right) @ turned - np.eye(2)).max() for turned in quarters))


@pytest.mark.parametrize(
    "matrix",
    [
        1.3 * np.eye(2),
        rotation(np.radians(17)),
        rotation(np.radians(-75)) * 0.7,
        np.diag([0.75, 1.0]),
        2.5 * rotation(0.4),
    ],
)
@pytest.mark.parametrize("cut", [(720, 1280), (359, 641)])
def test_waves_are_those_of_the_tiles_drawn_upright_and_folded(
    marked: list[np.ndarray], matrix: np.ndarray, cut: tuple[int, int]
) -> None:
    plane = np.ascontiguousarray(residual(marked[0])[: cut[0], : cut[1]])
    drawn = view(plane, matrix)
    expected = spectrum(drawn.folded()).whitened
    found = Waves(plane).whitened(matrix, drawn.middle)
    alike = np.vdot(expected, found) / np.linalg.norm(expected) / np.linalg.norm(found)
    assert alike.real > 0.97
    assert np.abs(found).max() <= 2 + 1e-6


def test_waves_of_a_plain_picture_are_none() -> None:
    whitened = Waves(np.zeros((40, 300), np.float32)).whitened(1.5 * np.eye(2), (62.5, 62.5))
    assert np.array_equal(whitened, np.zeros_like(whitened))


def test_a_hypothesis_shows_the_same_once_its_tiles_are_laid_out(marked: list[np.ndarray]) -> None:
    accumulator = _collected(marked)
    stages = Looks(accumulator).stages()
    for source, seen, whitened in [*islice(next(stages), 3), *islice(next(stages), 3)]:
        drawn = view(source.plane, seen.matrix)
        assert seen.middle == drawn.middle
        assert seen.picture_middle == drawn.picture_middle
        assert np.array_equal(seen.tiles, drawn.tiles)
        expected = spectrum(seen.folded()).whitened
        assert np.vdot(expected, whitened).real > 0.97 * np.vdot(expected, expected).real


@pytest.mark.parametrize(("degrees", "zoom"), [(5.0, 1.0), (-17.0, 1.0), (8.0, 1.37)])
def test_echoes_tell_how_a_mark_lies(marked: list[np.ndarray], degrees: float, zoom: float) -> None:
    planes = [residual(_turned(luma, degrees, zoom)) for luma in marked[:2]]
    best = similarities(echo(planes), 3)
    assert min(_off(guess.matrix, zoom * rotation(np.radians(-degrees))) for guess in best) < 0.006


def test_echoes_tell_how_a_mark_was_squeezed(marked: list[np.ndarray]) -> None:
    planes = [residual(cv2.resize(luma, (1060, 720), interpolation=cv2.INTER_AREA)) for luma in marked]
    best = stretches(echo(planes), 16)
    assert min(_off(guess.matrix, np.diag([1060 / 1280, 1.0])) for guess in best) < 0.006


@pytest.mark.parametrize("degrees", [0.9, -5.0, 29.7])
@pytest.mark.parametrize("is_filled", [False, True])
def test_a_turn_on_the_same_canvas_is_tried_closely_enough(
    marked: list[np.ndarray], key: WatermarkKey, degrees: float, is_filled: bool
) -> None:
    """The scan alone reaches the pilot, without any help of echoes, blown up to hide the corners or not."""
    angle = np.radians(abs(degrees))
    zoom = float(np.cos(angle) + 16 / 9 * np.sin(angle)) if is_filled else 1.0
    looks = Looks(_collected([_turned(luma, degrees, zoom) for luma in marked]))
    *_, scan = looks.stages()  # too short a clip for stretches of it
    pilots = Pilots([carriers(key)])
    right = zoom * rotation(np.radians(-degrees))
    heights = {_off(seen.matrix, right): pilots.best(whitened, 1)[0].z for _, seen, whitened in scan}
    closest = min(heights)
    assert closest < 0.004
    assert heights[closest] > 5.5
    assert heights[closest] == max(heights.values())


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (1439, 2558), (216, 384), (96, 96), (90, 2400)])
def test_bound_counts_everything_that_may_be_tried(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    accumulator = Accumulator()
    for number in range(6):
        time_s = number * 0.5
        assert accumulator.wants(time_s, is_key=number == 0)
        accumulator.add(random.standard_normal(shape).astype(np.float32), time_s, 0.5)
    tried = sum(1 for stage in Looks(accumulator).stages() for _ in stage)
    assert len(turns()) * tried <= MOST_HYPOTHESES
    assert tried > 100


def test_a_turned_picture_blown_up_until_it_is_full_is_read(
    marked: list[np.ndarray], key: WatermarkKey, payload: Payload
) -> None:
    degrees = 6.0
    zoom = float(np.cos(np.radians(degrees)) + 16 / 9 * np.sin(np.radians(degrees)))
    found = detect([_turned(luma, degrees, zoom) for luma in marked], [key])
    assert found[0].payload == payload
    assert found[0].geometry.rotation_deg == pytest.approx(-degrees, abs=0.1)
    assert found[0].geometry.scale == pytest.approx(zoom, rel=0.003)
