"""Engines around a weight file read an exact message from the logits of a model, or say that they cannot."""

import tracemalloc
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch

from provenance.errors import PictureShape
from provenance.media import VideoWriter, read_frames
from provenance.watermark.engines import (
    EmbedJob,
    EngineFailed,
    EngineUnavailable,
    RgbPicture,
    WeightsUnusable,
    identify,
)
from provenance.watermark.engines.neural import NeuralEngine
from provenance.watermark.engines.trustmark import TrustMark
from provenance.watermark.engines.videoseal import VideoSeal
from provenance.watermark.keys import Payload


@pytest.fixture(scope="module")
def videoseal(declared, stand_ins) -> VideoSeal:
    return VideoSeal(declared(stand_ins.ReadableVideoSeal(0.08, first=60)))


@pytest.fixture(scope="module")
def trustmark(declared, stand_ins) -> TrustMark:
    return TrustMark(declared(stand_ins.ReadableTrustMark(0.2)))


@pytest.fixture(params=["videoseal", "trustmark"])
def engine(request) -> NeuralEngine:
    return request.getfixturevalue(request.param)


def _timed(frames: list[np.ndarray]) -> list[RgbPicture]:
    return [RgbPicture(frame, number / 25) for number, frame in enumerate(frames)]


def _psnr_db(first: np.ndarray, second: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2))


def test_a_marked_clip_gives_its_exact_message_and_how_sure_that_is(engine, film, job):
    marked = list(engine.embed(film, job))
    assert len(marked) == len(film)
    assert all(frame.shape == film[0].shape and frame.dtype == np.uint8 for frame in marked)
    assert _psnr_db(film[9], marked[9]) > 42
    found = engine.detect(_timed(marked), [job.key])[0]
    assert found.payload == job.payload
    assert found.p_presence < 1e-12
    assert found.p_message < 1e-7
    assert (found.start_s, found.end_s) == (0.0, pytest.approx(49 / 25, abs=0.1))


def test_videoseal_survives_another_encoding(videoseal, film, job, tmp_path):
    copy = tmp_path / "copy.mp4"
    with VideoWriter(copy, 640, 360, Fraction(25), crf=23, threads=1) as writer:
        for frame in videoseal.embed(film, job):
            writer.write(frame)
    found = videoseal.detect(read_frames(copy, threads=1), [job.key])[0]
    assert found.payload == job.payload
    assert found.p_presence < 1e-6


def test_one_still_is_enough_for_256_bits(videoseal, film, job):
    (marked,) = videoseal.embed(film[:1], EmbedJob(job.key, job.payload))
    found = videoseal.detect([RgbPicture(marked)], [job.key])[0]
    assert found.payload == job.payload
    assert videoseal.info().reads_stills


def test_one_still_of_100_bits_is_not_read_but_found_among_listed_takes(trustmark, film, job):
    (marked,) = trustmark.embed(film[:1], EmbedJob(job.key, job.payload))
    seen = trustmark.detect([RgbPicture(marked)], [job.key])
    assert [one.is_found for one in seen] == [False]
    assert not trustmark.info().reads_stills
    listed = [Payload(number) for number in range(300)]
    found = identify(seen, job.key, [*listed, job.payload])
    assert found is not None
    assert found.payload == job.payload
    assert found.is_certain
    without = identify(seen, job.key, listed)
    assert without is not None
    assert not without.is_certain


def test_unmarked_clips_and_other_keys_give_nothing(engine, film, job, other_key):
    assert not any(one.is_found for one in engine.detect(_timed(film), [job.key, other_key]))
    marked = list(engine.embed(film, job))
    by_other = engine.detect(_timed(marked), [other_key])
    assert [(one.payload, one.p_presence) for one in by_other] == [(None, 1.0)]


def test_the_right_key_is_found_among_others(engine, film, job, other_key):
    found = engine.detect(_timed(list(engine.embed(film, job))), [other_key, job.key])
    assert [(one.key_id, one.is_found) for one in found] == [
        (job.key.key_id, True),
        (other_key.key_id, False),
    ]


def test_the_marked_stretch_is_told(videoseal, film, job):
    marked = film[:24] + list(videoseal.embed(film[24:], job))
    found = videoseal.detect(_timed(marked), [job.key])[0]
    assert found.payload == job.payload
    assert found.start_s == pytest.approx(24 / 25, abs=0.09)


@pytest.mark.parametrize("kind", ["videoseal", "trustmark"])
def test_random_weights_of_the_same_shapes_run_and_read_nothing(kind, declared, stand_ins, film, job):
    torch.manual_seed(0)
    engine = (
        VideoSeal(declared(stand_ins.RandomVideoSeal()))
        if kind == "videoseal"
        else TrustMark(declared(stand_ins.RandomTrustMark()))
    )
    marked = list(engine.embed(film[:9], job))
    assert len(marked) == 9
    assert not np.array_equal(marked[0], film[0])
    assert not any(one.is_found for one in engine.detect(_timed(marked), [job.key]))


def test_a_traced_export_runs_like_a_scripted_one(declared, stand_ins, trustmark, film, job):
    traced = TrustMark(declared(stand_ins.ReadableTrustMark(0.2), traced=True))
    marked = list(traced.embed(film[:8], job))
    assert all((a == b).all() for a, b in zip(marked, trustmark.embed(film[:8], job), strict=True))
    by_traced, by_scripted = (engine.detect(_timed(marked), [job.key])[0] for engine in (traced, trustmark))
    assert by_traced.soft_bits == pytest.approx(by_scripted.soft_bits, rel=1e-4, abs=1e-3)


def test_a_model_of_other_shapes_is_refused_with_both_shapes(declared, stand_ins):
    narrow = VideoSeal(declared(stand_ins.RandomVideoSeal(logits=97)))
    with pytest.raises(WeightsUnusable, match=r"reads \(2, 96\)") as caught:
        narrow.detector()
    assert "(2, 256)" in caught.value.hint


def test_a_model_without_the_methods_is_refused(declared, stand_ins, film, job):
    swapped = TrustMark(declared(stand_ins.RandomVideoSeal()))
    with pytest.raises(WeightsUnusable, match="cannot be called"):
        next(swapped.embed(film, job))


def test_a_switched_off_engine_says_why(film, job):
    engine = VideoSeal(None, "There are no weights.")
    with pytest.raises(EngineUnavailable, match="no weights"):
        next(engine.embed(film, job))
    with pytest.raises(EngineUnavailable, match="no weights"):
        engine.detector()


def test_frames_pass_through_without_being_gathered(videoseal, job, film):
    taken = 0

    def source() -> Iterator[np.ndarray]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield film[number % len(film)]

    for given, _ in enumerate(videoseal.embed(source(), job), start=1):
        assert taken - given < 4
    assert taken == 200


def test_memory_of_a_detector_does_not_grow_with_the_clip(videoseal, film):
    detector = videoseal.detector()
    small = film[0][:90, :160]
    peaks = []
    tracemalloc.start()
    for _ in range(3):
        tracemalloc.reset_peak()
        for number in range(300):
            detector.add(RgbPicture(small, number / 25))
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert len(detector._frames.kept) <= 48
    assert peaks[2] < 1.5 * peaks[0]


def test_a_budget_of_nothing_still_reads_one_frame(videoseal, film, job):
    marked = list(videoseal.embed(film, job))
    found = videoseal.detect(_timed(marked), [job.key], budget_s=0.0)[0]
    assert found.frames_used == 1
    assert found.payload == job.payload


def test_a_model_that_breaks_off_is_reported_as_such(declared, stand_ins, film, job):
    engine = VideoSeal(declared(stand_ins.FragileVideoSeal()))
    with pytest.raises(EngineFailed, match="out of patience"):
        list(engine.embed(film[:1], job))
    with pytest.raises(EngineFailed, match="out of patience"):
        engine.detect([RgbPicture(film[0])], [job.key])


def test_a_model_that_answers_nothing_finite_finds_nothing(declared, stand_ins, film, job):
    engine = VideoSeal(declared(stand_ins.SpeechlessVideoSeal()))
    (seen,) = engine.detect(_timed(film[:4]), [job.key])
    assert not seen.is_found
    assert not seen.soft_bits.any()


@pytest.mark.parametrize("size", [(64, 64), (37, 53), (1, 1), (256, 256)])
def test_odd_and_tiny_pictures_pass(engine, job, size):
    frames = [np.full((*size, 3), 90, np.uint8)] * 3
    marked = list(engine.embed(frames, job))
    assert [frame.shape for frame in marked] == [frame.shape for frame in frames]
    engine.detect(_timed(marked), [job.key])


def test_a_flat_black_clip_is_no_trap(engine, job):
    seen = engine.detect(_timed([np.zeros((90, 160, 3), np.uint8)] * 5), [job.key])
    assert not any(one.is_found for one in seen)
    assert all(np.isfinite(one.soft_bits).all() for one in seen)


def test_no_frames_no_finding(engine, job):
    assert engine.detect([], [job.key]) == []
    assert list(engine.embed([], job)) == []


def test_frames_that_change_size_are_refused(engine, film, job):
    with pytest.raises(PictureShape, match="follows frames of"):
        list(engine.embed([film[0], film[0][:100]], job))
    with pytest.raises(PictureShape, match="not a picture"):
        next(engine.embed([film[0][:, :, 0]], job))
