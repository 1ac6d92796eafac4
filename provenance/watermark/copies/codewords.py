"""Draws the word of letters A and B that tells one recipient's copy from every other copy of a take."""

import secrets
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ProvenanceError
from provenance.media.splicing import pieces_in

LETTER_S = Fraction(1, 2)
FIRST, SECOND = "A", "B"
# A person is named only where chance would name somebody this rarely, over all copies together.
MAX_CHANCE = 1e-3
# One letter in so many may be unreadable in a copy that must still be told apart.
_LETTERS_PER_LOSS = 10
_LETTERS_PER_DIFFERENCE = 5
_DRAWS = 10_000

Draw = Callable[[int], int]


class TakeTooShort(ProvenanceError):
    """The take has too few half seconds to tell even one copy from chance."""

    code = "take_too_short"


class TooManyCopies(ProvenanceError):
    """The take has as many copies as its length can tell apart."""

    code = "too_many_copies"


def letters_in(duration_frames: int, fps: Fraction) -> int:
    """How many letters a take carries: one per half second, the last one possibly shorter."""
    return pieces_in(duration_frames, fps, LETTER_S)


def signs(word: str) -> NDArray[np.float64]:
    """(letters,) +1 for A and -1 for B."""
    return np.array([1.0 if letter == FIRST else -1.0 for letter in word])


def least_distance(letters: int) -> int:
    """In how many letters any two words of this length differ at least."""
    return max(1, letters // _LETTERS_PER_DIFFERENCE)


def capacity(letters: int) -> int:
    """How many recipients a take of so many letters can have; 0 where it is too short for one.

    Limited twice: a copy of which one letter in ten cannot be read must still be named with a chance of error
    of at most MAX_CHANCE, and drawing words that are far enough apart must not spoil their randomness
    (`randomness_lost` at most 2).
    """
    readable = letters - -(-letters // _LETTERS_PER_LOSS)
    by_chance = int(MAX_CHANCE * 2.0**readable / 2)
    if by_chance == 0:
        return int(MAX_CHANCE * 2.0**readable >= 1)
    # (N - 1) (N + 2) / 2 * beta <= 1/2
    by_distance = int((np.sqrt(9 + 4 / _near_share(letters)) - 1) / 2)
    return min(by_chance, by_distance)


def shortest_s() -> float:
    """The length from which a take can have at least one copy."""
    letters = next(count for count in range(1, 1000) if capacity(count) > 0)
    return float(letters * LETTER_S)


def randomness_lost(letters: int, copies: int) -> float:
    """By what factor, at most, any word became likelier because words must lie apart.

    With beta the share of all words closer than `least_distance` to a given one, the word of one of N copies,
    given all the others, has at most 2^-letters / (1 - beta (N - 1) (N + 2) / 2) of probability: each drawing
    rejects at most one ball around every word drawn before.
    """
    return 1 / max(1 - _near_share(letters) * (copies - 1) * (copies + 2) / 2, 1e-9)


def require_room(letters: int, copies: int) -> None:
    """Raises TakeTooShort or TooManyCopies where a take that has `copies` cannot have another."""
    limit = capacity(letters)
    if limit == 0:
        raise TakeTooShort(
            f"The take lasts {letters} half seconds, too few to tell one recipient's copy from another's.",
            f"Copies can be handed out of takes of {shortest_s():g} s and more.",
        )
    if copies >= limit:
        raise TooManyCopies(
            f"The take has {copies} copies, as many as its {letters} half seconds can tell apart.",
            "Hand out a longer take; a copy for somebody who has one already is given again.",
        )


def new_word(letters: int, taken: Sequence[str], draw: Draw = secrets.randbits) -> str:
    """A random word that differs from every taken one in `least_distance` letters.

    `draw(n)` gives n random bits. Raises TakeTooShort or TooManyCopies.
    """
    require_room(letters, len(taken))
    for _ in range(_DRAWS):
        drawn = draw(letters)
        word = "".join(SECOND if drawn >> place & 1 else FIRST for place in range(letters))
        if all(distance(word, other) >= least_distance(letters) for other in taken):
            return word
    raise TooManyCopies(
        f"No word of {letters} letters that differs enough from {len(taken)} others could be drawn.",
        "The source of random numbers may be broken.",
    )


def distance(one: str, other: str) -> int:
    """In how many letters two words of the same length differ."""
    return sum(mine != theirs for mine, theirs in zip(one, other, strict=True))


def _near_share(letters: int) -> float:
    near: int = sum(comb(letters, differing) for differing in range(least_distance(letters)))
    return float(near / 2**letters)
