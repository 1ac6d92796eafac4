"""Tells a copy from another take of the same scene: in a copy the same things change at the same moments.

Two takes of one room by one camera share their background, and so most bits of their hashes, however differently
people move in them. What changes between two moments a quarter of a second apart is free of all that stands still,
a background as well as a logo laid over a copy: in a copy the changed bits agree, in another take they do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LAG_S = 0.25
STEP_S = 0.125
# Below this many changed bits of 256 per step coding noise is most of what changes: that it disagrees says nothing.
# What agrees in spite of it does, down to where nothing but noise is left.
MIN_CHANGED_BITS = 8.0
MIN_AGREEING_BITS = 3.0
SURE_AGREEMENT = 0.35
MIN_STEPS = 3


@dataclass(frozen=True)
class Motion:
    """agreement: -1 to 1, the correlation of the changes. changed_bits: of 256 per step, geometric mean of both
    sides. steps: how many pairs of moments were looked at.
    """

    agreement: float
    changed_bits: float
    steps: int

    @property
    def is_telling(self) -> bool:
        """False where too little moves, or for too short, to tell."""
        agrees = self.agreement >= SURE_AGREEMENT and self.changed_bits >= MIN_AGREEING_BITS
        return self.steps >= MIN_STEPS and (agrees or self.changed_bits >= MIN_CHANGED_BITS)


def motion_of(query: NDArray[np.float32], reference: NDArray[np.float32]) -> Motion:
    """How far changes agree: (n, 256) each, -1 to 1, row i from a moment to that a lag later."""
    steps = len(query)
    energy = np.sqrt(float((query * query).sum()) * float((reference * reference).sum()))
    if steps == 0 or energy == 0.0:
        return Motion(0.0, 0.0, steps)
    return Motion(float((query * reference).sum() / energy), float(energy / steps), steps)
