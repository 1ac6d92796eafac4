"""Turns scores into probabilities of a false positive, by a tail fitted to clips that are known not to be copies.

Pickands, Balkema and de Haan: above a high threshold the tail of nearly any distribution is a generalised Pareto one.
The trials are comparisons of one clip with another of the same scene, the hardest there are: for unrelated clips
the probabilities are bounds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import genpareto

from provenance.errors import FingerprintInvalid

SHIPPED = Path(__file__).with_name("calibration.json")
MIN_EXCEEDING = 50
# How far beyond the trials the tail is believed: three powers of ten.
_EXTRAPOLATED = 1000.0
_BORNE_OUT = 3.0


@dataclass(frozen=True)
class Calibration:
    """A fitted tail. threshold: score above which the tail holds. exceeding: of `trials` comparisons, how many reached
    it. shape, scale: of the generalised Pareto distribution. clips: what it was measured on, in words.
    """

    version: str
    threshold: float
    exceeding: int
    trials: int
    shape: float
    scale: float
    clips: str = ""

    @property
    def lowest(self) -> float:
        """The lowest probability that is ever stated."""
        return 1.0 / (_EXTRAPOLATED * self.trials)

    @property
    def edge(self) -> float:
        """The score up to which trials bear the fitted tail out: three of them would reach it."""
        return self.threshold + self._excess(_BORNE_OUT / self.exceeding)

    def probability(self, score: float) -> float:
        """The probability that a comparison with a clip of the same scene, not copied, scores this high or higher.

        Below the threshold no more is said than that it is at least as likely as reaching the threshold: 1. A fitted
        tail may end at some score; beyond what trials bear out it is taken to fall no faster than exponentially.
        """
        if score < self.threshold:
            return 1.0
        share = self.exceeding / self.trials
        fitted = share * float(genpareto.sf(score - self.threshold, self.shape, scale=self.scale))
        beyond = score - self.edge
        if beyond > 0:
            fitted = max(fitted, _BORNE_OUT / self.trials * exp(-beyond / self._mean_excess))
        return max(self.lowest, fitted)

    def score_for(self, probability: float) -> float:
        """The lowest score whose probability is at most this; the inverse of `probability`."""
        if not self.lowest <= probability <= self.exceeding / self.trials:
            raise ValueError(
                f"probabilities from {self.lowest:.2g} to {self.exceeding / self.trials:.2g} are known"
            )
        borne_out = _BORNE_OUT / self.trials
        if probability >= borne_out:
            return self.threshold + self._excess(probability * self.trials / self.exceeding)
        return self.edge + self._mean_excess * log(borne_out / probability)

    @property
    def _mean_excess(self) -> float:
        return self.scale / max(0.1, 1.0 - self.shape)

    def _excess(self, share: float) -> float:
        return float(genpareto.isf(share, self.shape, scale=self.scale))

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `Calibration(**...)` reads it back."""
        return asdict(self)


def fit(
    scores: Sequence[float], trials: int, *, version: str, clips: str = "", share: float = 0.1
) -> Calibration:
    """Fits the tail of `trials` comparisons, of which only those that gave a segment have a score.

    The tail is the highest `share` of the scores, at least 50. Probability-weighted moments (Hosking and Wallis, 1987),
    which for some hundred values are steadier than maximum likelihood. Raises FingerprintInvalid for fewer scores.
    """
    ordered = np.sort(np.asarray(scores, np.float64))[::-1]
    count = max(MIN_EXCEEDING, round(share * len(ordered)))
    if len(ordered) <= count:
        raise FingerprintInvalid(
            f"{len(ordered)} scores were given to fit a tail to.", f"It takes more than {MIN_EXCEEDING}."
        )
    threshold = float(ordered[count])
    excess = np.sort(ordered[:count] - threshold)
    ranks = (np.arange(count) + 0.65) / count
    first, second = float(excess.mean()), float((excess * (1 - ranks)).mean())
    shape = 2.0 - first / (first - 2.0 * second)
    scale = 2.0 * first * second / (first - 2.0 * second)
    return Calibration(version, threshold, count, trials, shape, scale, clips)


@cache
def shipped() -> Calibration:
    """The calibration that comes with this version."""
    return loaded(json.loads(SHIPPED.read_text()))


def loaded(value: Mapping[str, Any]) -> Calibration:
    """The calibration that `as_dict` wrote."""
    return Calibration(**value)
