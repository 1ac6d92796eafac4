"""Says how sure a match is: scores, a calibrated probability of a false positive, and one of three outcomes."""

from provenance.fingerprint.judging.calibration import Calibration, shipped
from provenance.fingerprint.judging.judge import Judgement, Outcome, Thresholds, judge, probability_of
from provenance.fingerprint.judging.score import score_of

__all__ = [
    "Calibration",
    "Judgement",
    "Outcome",
    "Thresholds",
    "judge",
    "probability_of",
    "score_of",
    "shipped",
]
