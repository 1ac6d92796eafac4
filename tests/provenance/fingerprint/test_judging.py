"""Judgements follow from what they state, and probabilities from trials that were really made."""

import json

import numpy as np
import pytest

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.judging import Judgement, Outcome, Thresholds, judge, shipped
from provenance.fingerprint.judging.calibration import Calibration, fit
from provenance.fingerprint.matching.segment import Box, Evidence, Segment


def segment(motion: float | None = 0.8, distance: float = 8.0, seconds: float = 6.0) -> Segment:
    return Segment(
        query_start_s=0.0,
        query_end_s=seconds,
        reference_start_s=2.0,
        reference_end_s=2.0 + seconds,
        speed=1.0,
        method="features",
        frames=150,
        mean_distance=distance,
        motion=motion,
        score=0.0,
        query_box=Box(0.1, 0.1, 0.6, 0.6),
        evidence=(Evidence(0.0, 2.0, 8.0), Evidence(1.0, 3.0, 9.0)),
    )


def test_a_judgement_replays_to_the_same_bytes() -> None:
    judged = judge([segment(), segment(0.1, 40.0)], Thresholds(), shipped())
    stored = json.dumps(judged.as_dict(), sort_keys=True)
    again = Judgement.from_dict(json.loads(stored)).replayed()
    assert json.dumps(again.as_dict(), sort_keys=True) == stored


def test_the_shipped_calibration_tells_copies_from_takes_of_one_scene() -> None:
    assert judge([segment(0.8)], Thresholds(), shipped()).outcome is Outcome.BLOCK
    assert judge([segment(0.1, 34.0, 2.0)], Thresholds(), shipped()).outcome is Outcome.CLEAR


def test_nothing_found_is_clear() -> None:
    assert judge([], Thresholds(), shipped()).probability == 1.0


def test_sound_brings_its_own_probability() -> None:
    heard = Segment(0, 5, 0, 5, 1.0, "sound", 0, 0.1, None, 0.0, false_match=1e-5)
    assert judge([heard], Thresholds(), shipped()).outcome is Outcome.REVIEW


@pytest.mark.parametrize(("review_at", "block_at"), [(1e-6, 1e-3), (1e-3, 1e-3), (2.0, 1e-6), (1e-3, 0.0)])
def test_thresholds_that_contradict_each_other_are_refused(review_at: float, block_at: float) -> None:
    with pytest.raises(FingerprintInvalid, match="cannot block"):
        Thresholds(review_at, block_at)


@pytest.mark.parametrize("kind", ["exponential", "heavy", "bounded"])
def test_stated_probabilities_are_observed_on_trials_that_were_not_fitted(kind: str) -> None:
    rng = np.random.default_rng(4)
    draws = {
        "exponential": rng.exponential(1.0, 400_000),
        "heavy": rng.pareto(5.0, 400_000),
        "bounded": rng.beta(2.0, 5.0, 400_000),
    }[kind]
    fitted, counted = draws[:200_000], draws[200_000:]
    calibration = fit(fitted.tolist(), len(fitted), version="t", share=0.02)
    for level in (1e-2, 1e-3, 1e-4):
        observed = float((counted >= calibration.score_for(level)).mean())
        assert level / 2 <= observed <= 2 * level


def test_probability_and_score_are_inverse_to_each_other() -> None:
    for level in (1e-2, 1e-3, 1e-5, 1e-6):
        calibration = Calibration("t", 1.0, 500, 10_000, -0.4, 0.5)
        assert calibration.probability(calibration.score_for(level)) == pytest.approx(level, rel=1e-6)


def test_a_tail_that_ends_is_not_believed_beyond_its_trials() -> None:
    calibration = Calibration("t", 1.0, 100, 10_000, -0.9, 0.5)
    assert calibration.probability(1.6) > 1e-5
    assert calibration.probability(50.0) == calibration.lowest


def test_too_few_trials_are_refused() -> None:
    with pytest.raises(FingerprintInvalid, match="50"):
        fit([1.0] * 50, 100, version="t")
