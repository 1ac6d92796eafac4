"""The closed loop: quality first, then a copy that is read, and no more than that takes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.media import read_frames
from provenance.quality import QualityMeter, VmafResult
from provenance.watermark import CLEAN, ROBUST, Embedder, Payload, WatermarkKey
from provenance.watermark.certificate import Certificate, Witness
from provenance.watermark.proxy import ProxyKind, ProxyReading, read_proxy, streaming_copy
from provenance.watermark.strength import (
    Bounds,
    Quality,
    Strength,
    best_factor,
    bounds_of,
    choose_strength,
    fainter_for_vmaf,
    lost_vmaf,
    next_factor,
    note_on,
    ssim_floor,
    strongest,
)

BOUNDS = Bounds(0.5, 1.0, 1.2)
FPS = Fraction(25)


def reading(margin_db: float | None, z: float = 12.0) -> ProxyReading:
    return ProxyReading(streaming_copy(CLEAN), margin_db is not None, z, margin_db)


def quality(vmaf: float | None, vmaf_of_itself: float | None) -> Quality:
    result = VmafResult(vmaf, "" if vmaf is not None else "no ffmpeg")
    return Quality(46.0, 0.99, result, vmaf_of_itself)


@pytest.fixture(scope="module")
def film(real_media: Path) -> list[np.ndarray]:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    return [frame.luma for frame in read_frames(path, end_s=1.0, threads=1)]


@pytest.fixture(scope="module")
def chosen(film: list[np.ndarray], key: WatermarkKey, payload: Payload) -> Strength:
    return choose_strength(film[:16], key, payload, FPS, CLEAN)


@pytest.fixture(scope="module")
def certificate(film: list[np.ndarray], chosen: Strength, key: WatermarkKey, payload: Payload) -> Certificate:
    height, width = film[0].shape
    embedder = Embedder(key, payload, width, height, FPS, strength=chosen.factor)
    witness = Witness(chosen, CLEAN, key, payload, (width, height), FPS, len(film))
    for luma in film:
        witness.add(luma, embedder.mark(luma))
    return witness.certificate()


class TestDeciding:
    def test_a_copy_that_is_lost_asks_for_the_most_the_floor_allows(self) -> None:
        assert next_factor({1.0: reading(None)}, BOUNDS) == 1.2

    def test_a_copy_read_with_ample_margin_asks_for_less_but_not_below_the_faintest(self) -> None:
        assert next_factor({1.0: reading(6.0, 20.0)}, BOUNDS) == pytest.approx(10 ** (-2 / 20))
        assert next_factor({1.0: reading(30.0, 40.0)}, BOUNDS) == 0.5

    def test_a_pilot_that_would_get_lost_limits_how_faint_a_mark_becomes(self) -> None:
        assert next_factor({1.0: reading(12.0, 9.9)}, BOUNDS) == pytest.approx(9.0 / 9.9)

    def test_a_margin_about_right_ends_the_search(self) -> None:
        assert next_factor({1.0: reading(4.5)}, BOUNDS) == 1.0

    def test_too_faint_and_ample_are_halved_between(self) -> None:
        tried = {1.0: reading(8.0), 0.6: reading(None)}
        assert next_factor(tried, BOUNDS) == pytest.approx(0.6**0.5)

    def test_the_faintest_safe_strength_wins_else_the_strongest_tried(self) -> None:
        assert best_factor({1.0: reading(8.0), 0.7: reading(2.0), 0.6: reading(1.0)}) == 0.7
        assert best_factor({1.0: reading(None), 1.2: reading(1.0)}) == 1.2

    def test_vmaf_is_compared_with_that_of_the_unmarked_shot(self) -> None:
        assert lost_vmaf(quality(94.0, 97.0)) == pytest.approx(3.0)
        assert fainter_for_vmaf(1.0, reading(8.0), quality(94.0, 97.0), CLEAN) == 1.0
        assert fainter_for_vmaf(1.0, reading(20.0), quality(92.0, 100.0), CLEAN) == pytest.approx(0.5)

    def test_vmaf_takes_no_more_than_the_copy_has_to_spare(self) -> None:
        assert fainter_for_vmaf(1.0, reading(4.0), quality(80.0, 100.0), CLEAN) == pytest.approx(10**-0.1)
        assert fainter_for_vmaf(1.0, reading(1.0), quality(80.0, 100.0), CLEAN) == 1.0
        assert fainter_for_vmaf(1.0, reading(None), quality(80.0, 100.0), CLEAN) == 1.0
        assert fainter_for_vmaf(1.0, reading(9.0), quality(None, None), CLEAN) == 1.0

    def test_small_pictures_may_lose_a_little_more_ssim(self) -> None:
        assert ssim_floor(CLEAN, 1280, 720) == CLEAN.floor_ssim
        assert ssim_floor(CLEAN, 640, 360) == pytest.approx(0.98)

    def test_what_falls_short_is_said_in_words(self) -> None:
        full = Strength(1.0, 1.0, quality(99.0, 100.0), reading(5.0))
        assert note_on(reading(5.0), full, CLEAN) == ""
        assert "only just" in note_on(reading(1.0), full, CLEAN)
        lost = note_on(reading(None), full, CLEAN)
        assert "not read" in lost
        assert "CRF 33" in lost
        assert "profile allows" in lost
        assert "profile allows" not in note_on(reading(None), replace(full, limit=2.0), CLEAN)
        assert "takes 7.0 off VMAF" in note_on(
            reading(2.0), replace(full, quality=quality(93.0, 100.0)), CLEAN
        )
        assert "no ffmpeg" in note_on(reading(5.0), replace(full, quality=quality(None, None)), CLEAN)


class TestBounds:
    def test_they_give_the_psnr_they_promise(
        self, film: list[np.ndarray], key: WatermarkKey, payload: Payload
    ) -> None:
        bounds = bounds_of(film[:16], CLEAN)
        assert bounds.faintest < bounds.usual < bounds.strongest
        meter = QualityMeter()
        embedder = Embedder(key, payload, 1280, 720, FPS, strength=bounds.faintest)
        for luma in film[:16]:
            meter.add(luma, embedder.mark(luma))
        assert meter.psnr_db == pytest.approx(CLEAN.ceiling_psnr_db, abs=0.5)

    @pytest.mark.parametrize("level", [0, 16, 255])
    def test_flat_shots_have_bounds_too(self, level: int) -> None:
        bounds = bounds_of([np.full((64, 64), level, np.uint8)], CLEAN)
        assert 0 < bounds.faintest <= bounds.usual <= bounds.strongest < 100


class TestARealShot:
    def test_the_floor_of_quality_holds(self, chosen: Strength) -> None:
        assert chosen.quality.psnr_db >= CLEAN.floor_psnr_db - 0.3
        assert chosen.quality.ssim is not None
        assert chosen.quality.ssim >= CLEAN.floor_ssim
        assert chosen.factor <= chosen.limit

    def test_its_copy_is_read(self, chosen: Strength) -> None:
        assert chosen.proxy.reads_message
        assert chosen.proxy.z > 5

    def test_a_second_pass_stays_within_the_floor(self, chosen: Strength) -> None:
        more = strongest(chosen)
        assert more.factor == chosen.limit
        assert not more.has_headroom

    def test_a_frozen_shot_is_read_and_marked_no_more_than_usual(
        self, film: list[np.ndarray], key: WatermarkKey, payload: Payload
    ) -> None:
        frozen = choose_strength([film[0]] * 8, key, payload, FPS, CLEAN)
        assert frozen.proxy.reads_message
        assert frozen.quality.psnr_db > CLEAN.floor_psnr_db

    def test_the_robust_profile_gives_up_quality_for_strength(
        self, film: list[np.ndarray], chosen: Strength, key: WatermarkKey, payload: Payload
    ) -> None:
        robust = choose_strength(film[:8], key, payload, FPS, ROBUST)
        assert robust.proxy.kind.crf == 40
        assert robust.factor > chosen.factor
        assert robust.quality.psnr_db >= ROBUST.floor_psnr_db - 0.5

    def test_one_frame_is_enough_to_choose_by(
        self, film: list[np.ndarray], key: WatermarkKey, payload: Payload
    ) -> None:
        single = choose_strength(film[:1], key, payload, FPS, CLEAN)
        assert single.quality.psnr_db >= CLEAN.floor_psnr_db - 0.5

    def test_a_shot_that_no_copy_can_carry_says_so(self, key: WatermarkKey, payload: Payload) -> None:
        flat = choose_strength([np.full((64, 64), 16, np.uint8)] * 4, key, payload, FPS, CLEAN)
        assert not flat.proxy.reads_message
        assert "not read" in note_on(flat.proxy, flat, CLEAN)

    def test_no_frames_are_refused(self, key: WatermarkKey, payload: Payload) -> None:
        with pytest.raises(ValueError, match="at least one frame"):
            choose_strength([], key, payload, FPS, CLEAN)


class TestACertificate:
    def test_it_holds_what_was_measured(self, certificate: Certificate, chosen: Strength) -> None:
        written = json.loads(json.dumps(certificate.as_dict()))
        assert written["profile"] == "clean"
        assert written["strength"] == pytest.approx(chosen.factor, abs=1e-4)
        assert written["psnr_db"] >= written["psnr_floor_db"] == 45.0
        assert written["worst_psnr_db"] <= written["psnr_db"]
        assert 0.98 < written["ssim"] < 1
        assert written["vmaf"] > 90
        assert written["measured_frames"] == 25
        assert [proxy["name"] for proxy in written["proxies"]] == ["streaming", "phone"]
        assert written["proxy_crf"] == 33
        assert written["proxy_reads_message"] is True

    def test_an_unmarked_take_gets_no_good_word(
        self, film: list[np.ndarray], chosen: Strength, key: WatermarkKey, payload: Payload
    ) -> None:
        witness = Witness(chosen, CLEAN, key, payload, (1280, 720), FPS, 6)
        for luma in film[:6]:
            witness.add(luma, luma)
        refused = witness.certificate()
        assert not refused.is_read
        assert refused.as_dict()["psnr_db"] is None
        assert "not read" in refused.note

    def test_a_long_take_is_copied_in_part_only(
        self, key: WatermarkKey, payload: Payload, chosen: Strength
    ) -> None:
        witness = Witness(chosen, CLEAN, key, payload, (64, 64), Fraction(10), 400)
        flat = np.full((64, 64), 90, np.uint8)
        for _ in range(400):
            witness.add(flat, flat)
        assert [reader.frames for reader in witness.readers] == [40, 40]
        assert witness.certificate().measured_frames <= 64

    def test_without_a_frame_there_is_none(
        self, chosen: Strength, key: WatermarkKey, payload: Payload
    ) -> None:
        with pytest.raises(ValueError, match="at least one frame"):
            Witness(chosen, CLEAN, key, payload, (64, 64), FPS, 1).certificate()


def test_another_mark_in_a_copy_is_not_taken_for_ours(
    film: list[np.ndarray], key: WatermarkKey, payload: Payload
) -> None:
    def marked() -> Iterator[np.ndarray]:
        embedder = Embedder(key, Payload(asset_id=1), 1280, 720, FPS)
        for luma in film[:8]:
            yield embedder.mark(luma)

    found = read_proxy(ProxyKind("streaming", 20), marked(), key, payload, FPS)
    assert found.z > 5
    assert not found.reads_message


def test_odd_sizes_can_be_copied(key: WatermarkKey, payload: Payload) -> None:
    luma = np.random.default_rng(5).integers(0, 255, (241, 361)).astype(np.uint8)
    assert read_proxy(ProxyKind("phone", 28, 0.5), iter([luma] * 3), key, payload, FPS).kind.scale == 0.5
