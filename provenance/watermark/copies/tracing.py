"""Says whose copy a suspect clip was made from, and how likely chance would have named somebody innocent.

The words of all copies are random and known to nobody outside. Whatever is read from a suspect clip, also one
that several recipients mixed, is therefore independent of the word of anybody who had no part in it, and the
score of that word is a sum of random signs: P(sum of +-x_k >= t) can be counted, whatever the clip, the codec
and the noise are. All that was tried (copies, places, signs, memories) multiplies it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.copies.codewords import (
    LETTER_S,
    MAX_CHANCE,
    randomness_lost,
    signs,
)

# Beyond this many standard deviations a letter is sure, and more must not outweigh other letters.
_SURE_Z = 3.0
# Of letters that are certainly there.
SURE_LETTERS = 1e-6
_SEARCHED_S = 1.0
_SEARCH_STEP_S = 0.1
_EXPECTED_PLACE_WEIGHT = 0.5
# Where nothing moves, a codec carries what it has shown on into the next half second, by about this share.
_MEMORIES = (0.0, 0.7)
# The place of a cropped picture is known but for whole tiles, and with it the letters but for their common sign.
_SIGNS = ((1.0, 0.75), (-1.0, 0.25))
_GRID = 10_000
_LEAST_LENGTH_S = 1e-6


@dataclass(frozen=True)
class Reading:
    """What was read in one stretch of a suspect clip, placed in the take: z > 0 speaks for A, < 0 for B."""

    start_s: float
    end_s: float
    z: float


@dataclass(frozen=True)
class Suspect:
    """One copy, compared with the clip.

    agreement: -1 to 1, the share of the evidence that speaks for this copy less the share that speaks against.
    p_chance: bound on the probability that any copy of somebody innocent agrees as well as this one.
    """

    copy: str
    agreement: float
    p_chance: float


@dataclass(frozen=True)
class Tracing:
    """The answer about one clip.

    named: the copies that chance explains no better than MAX_CHANCE, likeliest first; empty where nothing can
    be decided. suspects: all copies, best first. letters: how many letters the clip shows at least part of.
    p_letters: bound on the probability that a clip that spells nothing, such as the released take, shows
    letters as clear as these. shift_s: how far the likeliest copy lay from where the clip was expected.
    """

    named: tuple[Suspect, ...]
    suspects: tuple[Suspect, ...]
    letters: int
    p_letters: float
    shift_s: float

    @property
    def is_spelt(self) -> bool:
        """Whether the clip certainly was made from a copy, whosever it is."""
        return self.p_letters <= SURE_LETTERS


def trace(
    readings: Sequence[Reading],
    words: Mapping[str, str],
    *,
    search_s: float = _SEARCHED_S,
    share: float = 1.0,
) -> Tracing:
    """Compares what was read with the word of every copy of one take, given by the copy's name.

    The clip may lie up to `search_s` seconds from where the readings place it. All words have the same length.
    `share` is the share of the admitted error that may be used up here, where a clip is read in several ways.
    """
    if not words:
        return Tracing((), (), 0, _p_letters(readings), 0.0)
    letters = len(next(iter(words.values())))
    table = np.stack([signs(word) for word in words.values()])
    tried = len(words) * randomness_lost(letters, len(words)) * len(_MEMORIES)
    p_chance, agreement, shifts = np.ones(len(table)), np.zeros(len(table)), np.zeros(len(table))
    for shift_s, place_share in _places(readings, letters, search_s):
        spelt = _spelt(readings, letters, shift_s)
        for memory in _MEMORIES:
            evidence = _news(spelt, memory)
            sizes = np.abs(evidence)
            for sign, sign_share in _SIGNS:
                scores = sign * (table @ evidence)
                p_here = np.minimum(_tails(sizes, scores) * tried / (share * place_share * sign_share), 1.0)
                better = p_here < p_chance
                p_chance[better], shifts[better] = p_here[better], shift_s
                agreement[better] = scores[better] / sizes.sum()
    suspects = [
        (Suspect(name, float(agreement[row]), float(p_chance[row])), float(shifts[row]))
        for row, name in enumerate(words)
    ]
    ranked = sorted(suspects, key=lambda pair: (pair[0].p_chance, -pair[0].agreement))
    return Tracing(
        named=tuple(suspect for suspect, _ in ranked if suspect.p_chance <= MAX_CHANCE),
        suspects=tuple(suspect for suspect, _ in ranked),
        letters=int(np.count_nonzero(_spelt(readings, letters, 0.0))),
        p_letters=_p_letters(readings),
        shift_s=ranked[0][1],
    )


def _p_letters(readings: Sequence[Reading]) -> float:
    """P(any of the readings is as loud as the loudest): the pattern's phases are uniform and independent of any
    clip that does not hold it, so that each reading is beyond z with at most 2 exp(-z^2 / 2)."""
    loudest = max((abs(reading.z) for reading in readings), default=0.0)
    return min(1.0, 2 * len(readings) * exp(-(loudest**2) / 2))


def _places(readings: Sequence[Reading], letters: int, search_s: float) -> Iterator[tuple[float, float]]:
    """Shifts in time to try, with the share of the admitted error each may use up; the expected place gets half.

    Where within a letter the clip begins shows in what was read, whatever the words are: letters seen whole
    speak louder than those that are cut through. Only the whole letters between are left to try.
    """
    yield 0.0, _EXPECTED_PLACE_WEIGHT if search_s else 1.0
    length_s = float(LETTER_S)
    phases = np.arange(0.0, length_s - 1e-9, _SEARCH_STEP_S)
    loudness = [float(np.square(_spelt(readings, letters, phase)).sum()) for phase in phases]
    phase = float(phases[int(np.argmax(loudness))])
    reach = int(search_s / length_s)
    others = [phase + whole * length_s for whole in range(-reach, reach)] if reach else []
    for shift_s in others:
        yield shift_s, (1 - _EXPECTED_PLACE_WEIGHT) / len(others)


def _spelt(readings: Sequence[Reading], letters: int, shift_s: float) -> NDArray[np.float64]:
    """(letters,) what speaks for A in each, in standard deviations; a stretch over two letters counts for both."""
    length_s = float(LETTER_S)
    spelt, power = np.zeros(letters), np.zeros(letters)
    for reading in readings:
        start_s, end_s = reading.start_s + shift_s, reading.end_s + shift_s
        if end_s - start_s < _LEAST_LENGTH_S:
            continue
        for letter in range(max(0, int(start_s / length_s)), min(letters, int(end_s / length_s) + 1)):
            shared_s = min(end_s, (letter + 1) * length_s) - max(start_s, letter * length_s)
            share = max(0.0, shared_s) / (end_s - start_s)
            spelt[letter] += share * reading.z
            power[letter] += share**2
    spelt /= np.sqrt(np.maximum(power, 1.0))
    return spelt


def _news(spelt: NDArray[np.float64], memory: float) -> NDArray[np.float64]:
    """(letters,) what each letter says beyond an echo of the one before it."""
    news = spelt.copy()
    news[1:] -= memory * spelt[:-1]
    news[spelt == 0.0] = 0.0
    clipped: NDArray[np.float64] = np.clip(news / np.sqrt(1 + memory**2), -_SURE_Z, _SURE_Z)
    return clipped


def _tails(sizes: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(sum of +-sizes >= score) for every score, counted over all signs on a grid and rounded upwards."""
    total = float(sizes.sum())
    if total == 0.0:
        return np.ones(len(scores))
    step = total / _GRID
    steps = np.rint(sizes / step).astype(int)
    rounded = float(np.abs(sizes - steps * step).sum())
    # mass[j]: the probability that the signs that are negative belong to sizes of j steps together
    mass = np.ones(1)
    for count in steps[steps > 0]:
        wider = np.zeros(len(mass) + count)
        wider[: len(mass)] += mass
        wider[count:] += mass
        mass = wider / 2
    most_negative = np.floor((len(mass) - 1 - (scores - rounded) / step) / 2 + 1e-9).astype(int)
    summed: NDArray[np.float64] = np.cumsum(mass)[np.clip(most_negative, 0, len(mass) - 1)]
    tails: NDArray[np.float64] = np.where(scores > 0, summed, np.ones(len(scores)))
    return tails
