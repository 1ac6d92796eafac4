"""What a detector says it found in sound: which mark, how sure, and when in the clip."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import Payload


@dataclass(frozen=True)
class AudioSpan:
    """Two thirds of a second of a clip: how strongly the known mark is in it, in standard deviations of chance."""

    start_s: float
    end_s: float
    z: float
    is_marked: bool


@dataclass(frozen=True)
class AudioDetection:
    """A mark of one key in the sound of a clip.

    payload: None where the mark is certainly there but its message cannot be read. z: strength of the pilot in
    standard deviations of chance, over `hypotheses` tried. p_presence: bound on the probability that unmarked
    sound shows such a z anywhere. p_message: bound on the probability that a wrong message passes the tag.
    p_false_positive: of the whole statement; with a message a false one needs both. start_s, end_s: the marked
    stretch of the clip, to about a second. speed: seconds of the take per second of the clip. pitch: factor on all
    frequencies. soft_bits: (256,) log-likelihood ratios up to a factor, as those of the picture.
    """

    payload: Payload | None
    key_id: str
    z: float
    p_presence: float
    p_message: float
    p_false_positive: float
    hypotheses: int
    seconds_used: float
    start_s: float
    end_s: float
    speed: float = 1.0
    pitch: float = 1.0
    spans: tuple[AudioSpan, ...] = ()
    soft_bits: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
