"""Spells times and probabilities the way people read them, for pages and everything else."""

import math
from typing import Any

_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")


def clock(seconds: Any) -> str:
    """Seconds as M:SS.s, for ranges that a person reads aloud."""
    tenths = round(float(seconds) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def one_in(probability: Any) -> str:
    """A small probability in words: "1 in 4 million".

    Nothing below a quintillionth is told apart: the noise model behind the figure is not that exact.
    """
    value = float(probability)
    if value < 1e-18:
        return "less than 1 in a quintillion"
    exponent = math.log10(1 / min(value, 1.0))
    scale = min(int(exponent + 1e-9) // 3, len(_SCALES) - 1)
    return f"1 in {1 / min(value, 1.0) / 1000**scale:.3g} {_SCALES[scale]}".strip()
