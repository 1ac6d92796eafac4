"""Decides what a match means: clear, for a person to review, or to block; pure, and repeatable from what it states."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from provenance.errors import FingerprintInvalid
from provenance.fingerprint.judging.calibration import Calibration
from provenance.fingerprint.judging.score import score_of
from provenance.fingerprint.matching.segment import Segment

# What still pictures can prove: that both show the same, never that one is a copy of the other. For a person to decide.
STILL_PROBABILITY = 1e-4
STILL_BITS = 20.0
STILL_S = 2.0
_FEW_FRAMES = 3


class Outcome(StrEnum):
    """What becomes of a take that matches a work."""

    CLEAR = "clear"
    REVIEW = "review"
    BLOCK = "block"


@dataclass(frozen=True)
class Thresholds:
    """Highest false-positive probabilities at which a match is shown to a person, and at which it blocks."""

    review_at: float = 1e-3
    block_at: float = 1e-6

    def __post_init__(self) -> None:
        if not 0 < self.block_at < self.review_at <= 1:
            raise FingerprintInvalid(
                f"A match cannot block at {self.block_at:g} and be reviewed at {self.review_at:g}.",
                "Blocking takes the smaller probability, and both lie between 0 and 1.",
            )


@dataclass(frozen=True)
class Judgement:
    """The outcome for one work, with everything that it follows from: `replayed` gives the same again.

    probability: that a clip which is no copy would match as well, of the surest segment.
    """

    outcome: Outcome
    probability: float
    thresholds: Thresholds
    calibration: Calibration
    segments: tuple[Segment, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back."""
        return {
            "outcome": str(self.outcome),
            "probability": self.probability,
            "thresholds": asdict(self.thresholds),
            "calibration": self.calibration.as_dict(),
            "segments": [segment.as_dict() for segment in self.segments],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Judgement":
        """The judgement that `as_dict` wrote."""
        return cls(
            Outcome(value["outcome"]),
            value["probability"],
            Thresholds(**value["thresholds"]),
            Calibration(**value["calibration"]),
            tuple(Segment.from_dict(segment) for segment in value["segments"]),
        )

    def replayed(self) -> "Judgement":
        """The judgement of the same segments anew."""
        return judge(self.segments, self.thresholds, self.calibration)


def judge(segments: Sequence[Segment], thresholds: Thresholds, calibration: Calibration) -> Judgement:
    """What the segments between a clip and one work amount to; each is given its score."""
    scored = tuple(replace(one, score=_score(one)) for one in segments)
    probability = min((probability_of(one, calibration) for one in scored), default=1.0)
    outcome = Outcome.CLEAR
    if probability <= thresholds.block_at:
        outcome = Outcome.BLOCK
    elif probability <= thresholds.review_at:
        outcome = Outcome.REVIEW
    return Judgement(outcome, probability, thresholds, calibration, scored)


def probability_of(segment: Segment, calibration: Calibration) -> float:
    """The probability that a clip which is no copy matches as well as this segment does."""
    if segment.false_match is not None:
        return segment.false_match
    if segment.motion is None:
        # A second in which two people stand still before one wall is no picture of its own; a single frame is.
        is_long = segment.duration_s >= STILL_S or segment.frames <= _FEW_FRAMES
        return STILL_PROBABILITY if is_long and segment.mean_distance <= STILL_BITS else 1.0
    return calibration.probability(score_of(segment))


def _score(segment: Segment) -> float:
    return segment.score if segment.false_match is not None else score_of(segment)
