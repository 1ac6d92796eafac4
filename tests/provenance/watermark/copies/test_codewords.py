"""Words are random, far apart, and refused where a take is too short to tell them apart."""

import random
from fractions import Fraction
from itertools import combinations

import pytest

from provenance.watermark.copies import (
    MAX_CHANCE,
    TakeTooShort,
    TooManyCopies,
    capacity,
    letters_in,
    new_word,
    require_room,
    shortest_s,
)
from provenance.watermark.copies.codewords import distance, least_distance, randomness_lost


def draw_all(letters: int) -> list[str]:
    draw = random.Random(4).getrandbits
    words: list[str] = []
    for _ in range(capacity(letters)):
        words.append(new_word(letters, words, draw))
    return words


@pytest.mark.parametrize("letters", [12, 16, 20, 24])
def test_words_differ_from_each_other_by_the_least_distance(letters: int) -> None:
    words = draw_all(letters)
    assert len(words) == capacity(letters) >= 1
    assert all(set(word) <= {"A", "B"} and len(word) == letters for word in words)
    assert all(distance(one, other) >= least_distance(letters) for one, other in combinations(words, 2))


def test_a_take_is_never_given_more_copies_than_it_can_tell_apart() -> None:
    words = draw_all(16)
    with pytest.raises(TooManyCopies, match=f"{len(words)} copies") as refusal:
        new_word(16, words)
    assert refusal.value.hint


@pytest.mark.parametrize("letters", [1, 4, 10])
def test_a_short_take_is_refused_with_the_length_that_would_do(letters: int) -> None:
    assert capacity(letters) == 0
    with pytest.raises(TakeTooShort, match=f"{letters} half seconds") as refusal:
        new_word(letters, [])
    assert f"{shortest_s():g} s" in refusal.value.hint
    require_room(round(2 * shortest_s()), 0)


def test_even_the_last_copy_can_be_named_with_a_tenth_of_its_letters_lost() -> None:
    for letters in range(12, 80):
        copies = capacity(letters)
        lost = -(-letters // 10)
        assert copies * randomness_lost(letters, copies) * 2.0 ** -(letters - lost) <= MAX_CHANCE
        assert randomness_lost(letters, copies) <= 2.0


def test_longer_takes_can_have_many_copies() -> None:
    assert capacity(20) >= 20
    assert capacity(60) >= 1000


def test_every_letter_of_a_word_is_random() -> None:
    words = [new_word(40, [], random.Random(seed).getrandbits) for seed in range(400)]
    for place in range(40):
        share = sum(word[place] == "A" for word in words) / len(words)
        assert 0.38 < share < 0.62, f"letter {place}"


def test_a_source_of_randomness_that_repeats_itself_is_noticed() -> None:
    with pytest.raises(TooManyCopies, match="could be drawn"):
        new_word(20, [new_word(20, [], lambda _: 5)], lambda _: 5)


def test_letters_are_half_seconds_and_the_last_may_be_shorter() -> None:
    assert letters_in(240, Fraction(24)) == 20
    assert letters_in(241, Fraction(24)) == 21
    assert letters_in(1, Fraction(24)) == 1
    assert letters_in(240, Fraction(24000, 1001)) == 20
    assert letters_in(240, Fraction(30000, 1001)) == 16
    assert letters_in(241, Fraction(30000, 1001)) == 17
