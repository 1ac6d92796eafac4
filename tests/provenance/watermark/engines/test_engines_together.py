"""Several engines on one clip say together what none of them can say alone."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.media import VideoWriter, read_frames
from provenance.watermark.engines import (
    Candidate,
    EmbedJob,
    RgbPicture,
    all_engines,
    combine,
    detect_with,
    embed_with,
    identify,
)
from provenance.watermark.engines.tilemark import TileMark, candidate_of
from provenance.watermark.engines.trustmark import TrustMark
from provenance.watermark.engines.videoseal import VideoSeal
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import read_message


def _encoded(path: Path, frames: list[np.ndarray], crf: int) -> Path:
    height, width = frames[0].shape[:2]
    with VideoWriter(path, width, height, Fraction(25), crf=crf, threads=1) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.fixture(scope="module")
def weak_pair(declared, stand_ins) -> tuple[VideoSeal, TrustMark]:
    """Two engines whose marks, after an encoding at CRF 23, are too weak to be read."""
    return (
        VideoSeal(declared(stand_ins.ReadableVideoSeal(0.08))),
        TrustMark(declared(stand_ins.ReadableTrustMark(0.18))),
    )


@pytest.fixture(scope="module")
def weakly_marked(weak_pair, film, job, tmp_path_factory) -> Path:
    marked = list(embed_with(weak_pair, film, job))
    return _encoded(tmp_path_factory.mktemp("weak") / "both.mp4", marked, 26)


def test_two_engines_each_too_weak_alone_give_the_message_together(weak_pair, weakly_marked, job):
    for engine in weak_pair:
        alone = detect_with([engine], read_frames(weakly_marked, threads=1), [job.key])
        assert alone == []
    (found,) = detect_with(weak_pair, read_frames(weakly_marked, threads=1), [job.key])
    assert found.payload == job.payload
    assert found.engines == ("videoseal", "trustmark")
    assert found.p_presence < 1e-6
    assert found.p_message < 1e-7


def test_together_they_still_need_the_right_key(weak_pair, weakly_marked, film, job, other_key):
    assert detect_with(weak_pair, read_frames(weakly_marked, threads=1), [other_key]) == []
    assert detect_with(weak_pair, [RgbPicture(frame) for frame in film], [job.key, other_key]) == []


def test_a_tiled_mark_that_is_seen_but_not_read_is_completed_by_a_neural_engine(
    declared, stand_ins, film, job, tmp_path
):
    neural, tiled = TrustMark(declared(stand_ins.ReadableTrustMark(0.16))), TileMark()
    marked = list(tiled.embed(neural.embed(film, job), job))
    copy = _encoded(tmp_path / "copy.mp4", marked, 26)
    (evidence,) = neural.detect(read_frames(copy, threads=1), [job.key])
    assert not evidence.is_found
    (clear,) = tiled.detect(read_frames(copy, threads=1), [job.key])
    seen = _barely_seen(clear)
    assert seen.is_found
    assert combine([seen], [job.key]) == [seen]
    (found,) = combine([evidence, seen], [job.key])
    assert found.payload == job.payload
    assert found.p_presence < 1e-6
    assert found.reliability > max(seen.reliability, evidence.reliability)
    assert found.geometry == clear.geometry
    assert found.geometry is not None
    assert found.geometry.scale == pytest.approx(1.0, abs=0.01)


def _barely_seen(clear: Candidate) -> Candidate:
    """The same finding, blurred into the narrow band where the pilot is certain and the message cannot be read."""
    assert clear.detection is not None
    bits = clear.soft_bits / np.sqrt(np.mean(clear.soft_bits**2))
    noisy = bits + 1.4 * np.random.default_rng(0).standard_normal(bits.shape)
    assert read_message(noisy, WatermarkKey(clear.key_id, bytes(range(32)))) is None
    return candidate_of(replace(clear.detection, payload=None, z=8.5, p_presence=1e-7, soft_bits=noisy))


def test_an_engine_that_reads_alone_keeps_its_findings_in_company(weak_pair, film, job):
    engines = [*weak_pair, TileMark()]
    marked = [RgbPicture(frame, number / 25) for number, frame in enumerate(embed_with(engines, film, job))]
    alone = detect_with([TileMark()], marked, [job.key])
    (found,) = detect_with(engines, marked, [job.key])
    assert found.payload == alone[0].payload == job.payload
    assert found.detection == alone[0].detection
    assert found.p_presence <= alone[0].p_presence


def test_an_engine_that_saw_nothing_is_not_named_among_those_that_did(weak_pair, film, job):
    engines = [*weak_pair, TileMark()]
    marked = [RgbPicture(frame, number / 25) for number, frame in enumerate(TileMark().embed(film, job))]
    (found,) = detect_with(engines, marked, [job.key])
    assert found.engines == ("tilemark",)
    assert found.payload == job.payload


def test_many_keys_find_nothing_in_what_none_of_them_marked(weak_pair, weakly_marked):
    keys = [WatermarkKey(f"studio-{number}", number.to_bytes(32, "big")) for number in range(60)]
    assert detect_with(weak_pair, read_frames(weakly_marked, threads=1), keys) == []


def test_two_different_marks_are_both_reported(declared, stand_ins, film, job, other_key):
    neural = VideoSeal(declared(stand_ins.ReadableVideoSeal(0.1, first=60)))
    second = EmbedJob(job.key, Payload(asset_id=77), Fraction(25))
    marked = [RgbPicture(frame) for frame in TileMark().embed(neural.embed(film, job), second)]
    found = detect_with([neural, TileMark()], marked, [job.key])
    assert {one.payload for one in found} == {job.payload, second.payload}


def test_candidates_of_different_keys_are_not_added_up(weak_pair, weakly_marked, job):
    seal, trust = (engine.detect(read_frames(weakly_marked, threads=1), [job.key])[0] for engine in weak_pair)
    assert [one.payload for one in combine([seal, trust], [job.key])] == [job.payload]
    assert combine([seal, replace(trust, key_id="another")], [job.key]) == []


def test_evidence_of_all_engines_counts_when_a_take_is_sought_in_a_list(weak_pair, weakly_marked, job):
    seen = [
        one for engine in weak_pair for one in engine.detect(read_frames(weakly_marked, threads=1), [job.key])
    ]
    listed = [Payload(number) for number in range(50)]
    found = identify(seen, job.key, [*listed, job.payload])
    assert found is not None
    assert found.payload == job.payload
    assert all(found.t >= one.t for one in [identify([part], job.key, [job.payload]) for part in seen] if one)
    assert identify(seen, job.key, []) is None
    assert identify([], job.key, listed) is None


def test_the_tiled_mark_comes_last_when_all_engines_mark():
    assert list(all_engines())[-1] == "tilemark"


def test_the_tiled_mark_needs_nothing_and_finds_its_own(film, job, other_key):
    engine = TileMark()
    info = engine.info()
    assert (info.keyed, info.needs_weights, info.is_available) == (True, False, True)
    marked = [
        RgbPicture(frame, number / 25, number == 0) for number, frame in enumerate(engine.embed(film, job))
    ]
    found = engine.detect(marked, [other_key, job.key])[0]
    assert (found.payload, found.key_id) == (job.payload, job.key.key_id)
    assert found.p_false_positive < 1e-12
    assert found.detection is not None
    assert engine.detect([RgbPicture(frame) for frame in film], [job.key], budget_s=1.0) == []
