"""One number for how much a segment speaks for a copy and against another take of the same scene; pure.

With motion that tells, score = (artanh(m) - 0.15) sqrt(8 (min(t, 8) - 0.25)) + (30 - d) / 20: m is the agreement of
what changes from one moment to that a quarter of a second later (Fisher's z of a correlation over the 8 such steps
that begin in each of the t seconds, less what two takes of a scene reach on average), d the mean distance in bits.
Without it (30 - d) / 20 alone, which two takes of a still scene reach too.
"""

from math import atanh, sqrt

from provenance.fingerprint.matching.segment import Segment

_STEPS_PER_S = 8.0
_LONGEST_S = 8.0
_LAG_S = 0.25
_USUAL_AGREEMENT = 0.15
_HIGHEST_AGREEMENT = 0.99
_FAR_BITS = 30.0
_BITS_PER_POINT = 20.0


def score_of(segment: Segment) -> float:
    """The score of a segment of method "frames" or "features"."""
    closeness = (_FAR_BITS - segment.mean_distance) / _BITS_PER_POINT
    if segment.motion is None:
        return closeness
    agreement = max(-_HIGHEST_AGREEMENT, min(_HIGHEST_AGREEMENT, segment.motion))
    steps = _STEPS_PER_S * max(0.0, min(segment.duration_s, _LONGEST_S) - _LAG_S)
    return (atanh(agreement) - _USUAL_AGREEMENT) * sqrt(steps) + closeness
