"""How sure soft bits make us: bounds that hold for any picture, because the signs of the bits are the key's secret.

An engine turns each code bit by a sign from the key before it goes into the picture. Whatever an unmarked picture
shows, these signs are coin tosses to it, so that the agreement t of the soft bits with any fixed code word obeys
Hoeffding's inequality for Rademacher sums: P(t > x) <= exp(-x^2 / 2). There are 2^72 valid messages per key, a list
of candidates holds fewer; the union bound over them is what is reported.
"""

from collections.abc import Sequence
from math import erf, exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import PAYLOAD_BYTES

Floats = NDArray[np.float64]

ALL_MESSAGES = 8 * PAYLOAD_BYTES * log(2)  # natural logarithm of their number
LEAST_RELIABILITY, MOST_RELIABILITY = 0.05, 0.95


def agreement(soft_bits: Floats, code: NDArray[np.uint8]) -> float:
    """How well soft bits (n,) fit code bits (n,), in standard deviations of chance; 0 where there are none."""
    size = float(np.linalg.norm(soft_bits))
    return float(soft_bits @ (1.0 - 2.0 * code)) / size if size > 0 else 0.0


def p_chance(t: float, log_hypotheses: float) -> float:
    """Bound on the probability that the best of exp(log_hypotheses) code words agrees this well by chance."""
    return 1.0 if t <= 0 else exp(min(0.0, log_hypotheses - t * t / 2))


def repeatability(first: Floats, second: Floats) -> float:
    """Reliability of the sum of two independent readings (n,) of the same bits, from how alike they are.

    r is their correlation about 0; 2r / (1 + r) is the reliability of both together (Spearman 1910, Brown 1910).
    """
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    alike = float(first @ second) / size if size > 0 else 0.0
    return _within(2 * alike / (1 + alike) if alike > 0 else 0.0)


def spread_reliability(soft_bits: Floats) -> float:
    """Reliability of one reading, from how clearly its values (n,) fall into two heaps.

    The mean size over the root mean square is sqrt(2 / pi) for noise alone and 1 for clean bits; between them lies
    the folded normal distribution, solved by bisection. Coarse where bits are weak: at 256 values it cannot tell
    reliabilities below about a half from each other.
    """
    known = soft_bits[soft_bits != 0]
    if known.size == 0:
        return LEAST_RELIABILITY
    seen = float(np.mean(np.abs(known)) / np.sqrt(np.mean(known**2)))
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_size(middle) < seen else (low, middle)
    return _within((low + high) / 2)


def _mean_size(reliability: float) -> float:
    """E|x| of x = +-a + noise with a^2 = reliability and total power 1."""
    a, noise = sqrt(reliability), sqrt(max(1 - reliability, 1e-12))
    return noise * sqrt(2 / pi) * exp(-((a / noise) ** 2) / 2) + a * erf(a / noise / sqrt(2))


def reliability_of_z(z: float, pilot_share: float, message_share: float) -> float:
    """Reliability of 256 soft bits beside a pilot that stands out by `z`: all carriers go through the same channel.

    A pilot of power share p that sums to z lets the message's share m sum to z sqrt(m / p) over all its bits.
    """
    per_bit = z * sqrt(message_share / pilot_share / 256)
    return _within(per_bit**2 / (1 + per_bit**2))


def joint_reliability(each: Sequence[float]) -> float:
    """Reliability of independent readings of the same bits added up at their best weights: their ratios of signal to
    noise add."""
    ratio = sum(one / (1 - one) for one in each)
    return _within(ratio / (1 + ratio))


def to_likelihoods(soft_bits: Floats, reliability: float) -> Floats:
    """Log-likelihood ratios in natural units: 2 a x / noise^2 with x scaled to power 1 over the known bits."""
    known = soft_bits[soft_bits != 0]
    if known.size == 0:
        return soft_bits
    scaled: Floats = soft_bits / np.sqrt(np.mean(known**2))
    return scaled * (2 * sqrt(reliability) / (1 - reliability))


def _within(reliability: float) -> float:
    return min(max(reliability, LEAST_RELIABILITY), MOST_RELIABILITY)
