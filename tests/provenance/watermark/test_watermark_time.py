from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.media import read_frames
from provenance.watermark import Detection, Detector, Embedder, Payload, WatermarkKey
from provenance.watermark.carrier import TILE, tile
from provenance.watermark.residual import residual


@pytest.fixture(scope="module")
def marked(real_media: Path, key: WatermarkKey, payload: Payload) -> list[np.ndarray]:
    """14 s of a real clip, marked at 25 frames a second."""
    source = real_media / "bigbuckbunny/bbb-480p-30s-video.mp4"
    lumas = [frame.luma for frame in read_frames(source, start_s=4.0, end_s=18.0, threads=1)]
    height, width = lumas[0].shape
    embedder = Embedder(key, payload, width, height, Fraction(len(lumas), 14))
    return [embedder.mark(luma) for luma in lumas]


def _detect(frames: list[np.ndarray], fps: float, key: WatermarkKey) -> Detection:
    detector = Detector()
    for number, luma in enumerate(frames):
        detector.add(luma, time_s=number / fps, is_key=number == 0)
    found = detector.detect([key])
    assert found
    return found[0]


@pytest.mark.parametrize("start_s", [0.0, 1.3, 4.7, 7.0, 10.6])
def test_an_excerpt_is_located_in_the_take(
    marked: list[np.ndarray], key: WatermarkKey, payload: Payload, start_s: float
) -> None:
    fps = len(marked) / 14
    first = round(start_s * fps)
    found = _detect(marked[first : first + round(3 * fps)], fps, key)
    assert found.payload == payload
    assert found.source_start_s == pytest.approx(start_s, abs=0.5)
    assert (found.start_s, found.end_s) == pytest.approx((0.0, 3.0), abs=0.1)


def test_a_faster_copy_is_read_and_its_speed_told(
    marked: list[np.ndarray], key: WatermarkKey, payload: Payload
) -> None:
    fps = len(marked) / 14
    found = _detect(marked[: round(10 * fps)], fps * 1.25, key)
    assert found.payload == payload
    assert found.speed == pytest.approx(1.25)
    assert found.source_start_s == pytest.approx(0.0, abs=0.5)


def test_every_half_second_is_answered_for(
    marked: list[np.ndarray], real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    """3 s of a marked take inside 6 s of other footage are found where they are."""
    source = real_media / "bigbuckbunny/bbb-480p-30s-video.mp4"
    other = [f.luma for f in read_frames(source, start_s=20.0, end_s=26.0, threads=1)]
    fps = len(marked) / 14
    half = len(other) // 2
    clip = other[:half] + marked[round(5 * fps) : round(8 * fps)] + other[half:]
    found = _detect(clip, fps, key)
    assert found.payload == payload
    assert (found.start_s, found.end_s) == pytest.approx((3.0, 6.0), abs=0.5)
    assert found.source_start_s == pytest.approx(5.0, abs=1.0)
    unmarked = [span for span in found.spans if span.end_s <= 2.6 or span.start_s >= 6.4]
    assert len(unmarked) >= 9
    assert not any(span.is_marked for span in unmarked)


def test_averaging_a_clip_shows_less_of_any_one_tile(
    marked: list[np.ndarray], real_media: Path, key: WatermarkKey, payload: Payload
) -> None:
    """What an attacker sees who averages all frames and folds them onto a tile."""

    def estimate(frames: list[np.ndarray]) -> np.ndarray:
        plane = np.mean([residual(luma) for luma in frames[::2]], axis=0)
        height, width = (side // TILE * TILE for side in plane.shape)
        return (
            plane[:height, :width]
            .reshape(height // TILE, TILE, width // TILE, TILE)
            .mean(axis=(0, 2))
            .ravel()
        )

    source = real_media / "bigbuckbunny/bbb-480p-30s-video.mp4"
    lumas = [frame.luma for frame in read_frames(source, start_s=4.0, end_s=18.0, threads=1)]
    height, width = lumas[0].shape
    still = Embedder(key, payload, width, height)
    steady = [still.mark(luma) for luma in lumas]
    unturned = np.corrcoef(estimate(steady), tile(key, payload, 0).ravel())[0, 1]
    turned = np.corrcoef(estimate(marked), tile(key, payload, 2).ravel())[0, 1]
    assert turned < 0.75 * unturned
