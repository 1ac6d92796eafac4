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


def odds(probability: Any) -> str:
    """A chance in figures while they can be read at a glance, then in words: "1 in 1,000", "1 in a million"."""
    value = float(probability)
    if value > 1e-6 and (times := round(1 / value)) < 1_000_000:
        return f"1 in {times:,}"
    return one_in(probability).replace("1 in 1 ", "1 in a ")


def film_length(seconds: Any) -> str:
    """How much film there is, in the unit one thinks of it: 40 s, 12 min, 3 h 20 min."""
    value = float(seconds)
    if value < 60:
        return f"{round(value)} s"
    minutes = round(value / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def per_million(probability: Any) -> str:
    """How many of a million have this probability come true, in words: 1,000, one, one in 100 millions."""
    count = float(probability) * 1e6
    if count >= 1.5:
        return f"{count:,.0f}"
    return "one" if count > 0.9 else f"none (one {one_in(probability)[2:]})"


def percent(share: Any) -> str:
    """A share as a whole percentage; nothing but all is 100 %, and nothing but none is 0 %."""
    value = float(share) * 100
    if 0 < value < 1:
        return "less than 1 %"
    return f"{min(99, round(value)) if value < 100 else 100} %"
