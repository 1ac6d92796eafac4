"""Whose copy it was is said with its chance of error; nobody innocent is named; "not decidable" is an answer."""

from itertools import product

import numpy as np
import pytest

from provenance.watermark.copies import MAX_CHANCE, Reading, new_word, trace
from provenance.watermark.copies.codewords import signs
from provenance.watermark.copies.tracing import SURE_LETTERS, _tails

RNG_SEED = 11


def words_for(letters: int, count: int, rng: np.random.Generator) -> dict[str, str]:
    def draw(bits: int) -> int:
        return int.from_bytes(rng.bytes(bits // 8 + 1), "big")

    words: dict[str, str] = {}
    for number in range(count):
        words[f"copy-{number}"] = new_word(letters, list(words.values()), draw)
    return words


def readings(strengths: np.ndarray, *, start_s: float = 0.0) -> list[Reading]:
    """One reading per half second of the take, from `start_s` on."""
    return [Reading(start_s + i / 2, start_s + i / 2 + 0.5, float(z)) for i, z in enumerate(strengths)]


def test_the_chance_is_counted_exactly() -> None:
    sizes = np.random.default_rng(RNG_SEED).uniform(0.2, 3.0, 14)
    sums = np.array(list(product((-1, 1), repeat=14))) @ sizes
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        score = share * sizes.sum()
        true = float(np.mean(sums >= score - 1e-9))
        counted = float(_tails(sizes, np.array([score]))[0])
        assert true <= counted <= 1.1 * true + 1e-12


def test_a_clear_clip_names_its_copy_alone() -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(20, 20, rng)
    answer = trace(readings(10 * signs(words["copy-7"])), words)
    assert [suspect.copy for suspect in answer.named] == ["copy-7"]
    assert answer.named[0].agreement == pytest.approx(1.0)
    assert answer.named[0].p_chance < MAX_CHANCE
    assert answer.is_spelt
    assert answer.letters == 20


def test_a_clip_that_echoes_every_letter_into_the_next_is_still_read() -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(20, 8, rng)
    echo, strengths = 0.0, []
    for sign in signs(words["copy-3"]):
        echo = 0.8 * echo + 2.5 * sign
        strengths.append(echo)
    assert np.mean(np.sign(strengths) == signs(words["copy-3"])) < 0.95, "else the echo hides nothing"
    answer = trace(readings(np.array(strengths)), words)
    assert [suspect.copy for suspect in answer.named] == ["copy-3"]


def test_two_who_mix_their_copies_never_put_the_blame_on_a_third() -> None:
    rng = np.random.default_rng(RNG_SEED)
    caught = 0
    for _ in range(60):
        words = words_for(60, 20, rng)
        first, second = signs(words["copy-0"]), signs(words["copy-1"])
        mixed = np.where(rng.random(60) < 0.5, first, second)
        averaged = (first + second) / 2
        for spelt in (mixed, averaged):
            answer = trace(readings(8 * spelt + rng.normal(0, 1, 60)), words)
            names = {suspect.copy for suspect in answer.named}
            assert names <= {"copy-0", "copy-1"}
            assert answer.is_spelt
            caught += bool(names)
    assert caught > 20, "somebody who mixed is found in many cases"


def test_somebody_without_a_part_in_it_is_named_no_more_often_than_stated() -> None:
    """Clips that spell words nobody holds: whoever is named is innocent."""
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(16, 8, rng)
    trials = 800
    p_least = []
    for _ in range(trials):
        foreign = rng.choice([-1.0, 1.0], 16)
        answer = trace(readings(6 * foreign), words, search_s=0.0)
        p_least.append(answer.suspects[0].p_chance)
    for stated in (MAX_CHANCE, 0.01, 0.1):
        assert np.mean(np.array(p_least) <= stated) <= stated + 3 * np.sqrt(stated / trials)


def test_noise_and_the_released_take_name_nobody() -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(20, 10, rng)
    for _ in range(20):
        answer = trace(readings(rng.normal(0, 1, 20)), words)
        assert answer.named == ()
        assert not answer.is_spelt
        assert answer.p_letters > SURE_LETTERS


def test_a_short_excerpt_is_not_decidable() -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(60, 30, rng)
    answer = trace(readings(9 * signs(words["copy-2"])[10:16], start_s=5.0), words)
    assert answer.named == ()
    assert answer.is_spelt, "that letters are there is certain all the same"


@pytest.mark.parametrize("error_s", [-0.8, -0.3, 0.2, 0.5])
def test_an_excerpt_that_lies_a_little_off_is_found(error_s: float) -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(60, 30, rng)
    quarters = np.repeat(9 * signs(words["copy-2"])[10:50], 2)
    laid = [Reading(5.0 + i / 4 + error_s, 5.25 + i / 4 + error_s, float(z)) for i, z in enumerate(quarters)]
    answer = trace(laid, words)
    assert [suspect.copy for suspect in answer.named] == ["copy-2"]
    assert abs(answer.shift_s + error_s) <= 0.25


def test_a_cropped_picture_may_turn_all_letters_around() -> None:
    rng = np.random.default_rng(RNG_SEED)
    words = words_for(40, 10, rng)
    answer = trace(readings(-6 * signs(words["copy-4"])), words)
    assert [suspect.copy for suspect in answer.named] == ["copy-4"]


def test_nothing_read_and_no_copies_are_no_errors() -> None:
    words = words_for(20, 3, np.random.default_rng(RNG_SEED))
    assert trace([], words).named == ()
    assert trace([], words).letters == 0
    assert trace(readings(np.full(20, 5.0)), {}).suspects == ()
