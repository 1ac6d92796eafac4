from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import PictureShape
from provenance.media import read_frames
from provenance.watermark import (
    CLEAN,
    PROFILES,
    Embedder,
    Payload,
    Profile,
    WatermarkKey,
    default_psnr_db,
    embed,
)


def _power(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.mean((before.astype(float) - after) ** 2))


def _psnr_db(powers: list[float]) -> float:
    return float(10 * np.log10(255**2 / np.mean(powers)))


@pytest.mark.parametrize("name", ["bunny", "chair", "cars"])
def test_marked_frames_look_the_same(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload, name: str
) -> None:
    lumas = [frame.luma for frame in read_frames(clips[name], end_s=1.5, threads=1)]
    height, width = lumas[0].shape
    embedder = Embedder(key, payload, width, height)
    powers = [_power(luma, embedder.mark(luma)) for luma in lumas]
    expected_db = default_psnr_db(width, height)
    # Flat pictures come out better: their mark is held back so that it cannot be seen.
    assert expected_db - 1.0 < _psnr_db(powers) < expected_db + 2.5
    assert _psnr_db([max(powers)]) > 42.5


@pytest.mark.parametrize(
    ("width", "height", "expected_db"),
    [(3840, 2160, 45.3), (1280, 720, 45.3), (960, 480, 44.3), (640, 360, 43.3), (160, 90, 41.3)],
)
def test_small_pictures_are_marked_a_little_stronger(width: int, height: int, expected_db: float) -> None:
    assert default_psnr_db(width, height) == pytest.approx(expected_db, abs=0.05)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_quality_follows_the_profile(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload, profile: Profile
) -> None:
    luma = next(read_frames(clips["bunny"], threads=1)).luma
    marked = Embedder(key, payload, 1280, 720, profile=profile).mark(luma)
    assert _psnr_db([_power(luma, marked)]) == pytest.approx(profile.psnr_db, abs=0.5)


def test_a_strength_never_breaks_through_the_floor(
    clips: dict[str, Path], key: WatermarkKey, payload: Payload
) -> None:
    luma = next(read_frames(clips["bunny"], threads=1)).luma
    marked = Embedder(key, payload, 1280, 720, strength=50.0).mark(luma)
    assert _psnr_db([_power(luma, marked)]) >= CLEAN.floor_psnr_db - 0.3
    faint = Embedder(key, payload, 1280, 720, strength=0.2).mark(luma)
    assert _psnr_db([_power(luma, faint)]) > 50


def test_a_fade_from_black_stays_clean(clips: dict[str, Path], key: WatermarkKey, payload: Payload) -> None:
    embedder = Embedder(key, payload, 1280, 720)
    for number, frame in enumerate(read_frames(clips["bunny"], end_s=1.2, threads=1)):
        luma = (16 + (frame.luma - 16.0) * min(1.0, number / 24)).clip(0, 255).astype(np.uint8)
        assert _psnr_db([_power(luma, embedder.mark(luma))]) > 43.0


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_flat_frames_are_marked_gently_and_without_nan(
    key: WatermarkKey, payload: Payload, level: int
) -> None:
    flat = np.full((360, 640), level, np.uint8)
    marked = Embedder(key, payload, 640, 360).mark(flat)
    assert marked.shape == flat.shape
    assert marked.dtype == np.uint8
    assert 0 < _power(flat, marked) < 4
    assert np.abs(marked.astype(int) - level).max() <= 8


def test_texture_carries_more_than_flat_areas(key: WatermarkKey, payload: Payload) -> None:
    luma = np.full((256, 512), 120, np.uint8)
    luma[:, 256:] = np.random.default_rng(7).integers(60, 180, (256, 256))
    change = Embedder(key, payload, 512, 256).mark(luma).astype(float) - luma
    assert change[:, 320:].std() > 3 * change[:, :192].std()


def test_input_is_not_changed(key: WatermarkKey, payload: Payload) -> None:
    luma = np.full((64, 64), 90, np.uint8)
    Embedder(key, payload, 64, 64).mark(luma)
    assert (luma == 90).all()


def test_frames_of_another_size_are_refused(key: WatermarkKey, payload: Payload) -> None:
    embedder = Embedder(key, payload, 64, 48)
    with pytest.raises(PictureShape):
        embedder.mark(np.zeros((64, 48), np.uint8))
    with pytest.raises(PictureShape):
        embedder.mark(np.zeros((48, 64), np.float32))


def test_embedding_holds_one_frame_at_a_time(key: WatermarkKey, payload: Payload) -> None:
    taken = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield np.full((48, 64, 3), 100, np.uint8)

    marked = embed(frames(), payload, key)
    for number in range(1, 4):
        assert next(marked).shape == (48, 64, 3)
        assert taken == number


def test_rgb_frames_change_in_brightness_only(key: WatermarkKey, payload: Payload) -> None:
    rgb = np.random.default_rng(8).integers(40, 200, (96, 128, 3)).astype(np.uint8)
    change = next(embed([rgb], payload, key)).astype(int) - rgb
    assert np.ptp(change, axis=2).max() == 0
    assert np.abs(change).max() > 0
