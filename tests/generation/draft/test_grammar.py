"""Scenes cover the grammar, repeat by seed, and captions say what is in them."""

import random
from collections import Counter
from dataclasses import fields

import pytest

from generation.draft.grammar import (
    COLORS,
    LIGHTS,
    MOVES,
    SETTINGS,
    SHOT_SIZES,
    SUBJECTS,
    caption,
    draw_scene,
    vocabulary_words,
)

TABLES = {
    "subject": SUBJECTS,
    "color": COLORS,
    "setting": SETTINGS,
    "light": LIGHTS,
    "shot_size": SHOT_SIZES,
    "move": MOVES,
}


def test_the_world_is_as_wide_as_promised() -> None:
    assert len(SUBJECTS) >= 8
    assert len(SETTINGS) >= 6
    assert len(LIGHTS) >= 5
    assert len(COLORS) >= 6
    assert {"static", "pan left", "pan right", "tilt up", "tilt down", "dolly in", "dolly out"} == set(MOVES)


def test_the_same_seed_draws_the_same_scene_and_caption() -> None:
    assert draw_scene(5) == draw_scene(5)
    assert caption(draw_scene(5), random.Random(1)) == caption(draw_scene(5), random.Random(1))
    assert len({draw_scene(seed) for seed in range(50)}) == 50


@pytest.mark.parametrize("slot", [field.name for field in fields(draw_scene(0)) if field.name != "seed"])
def test_every_name_of_every_slot_is_drawn_about_equally_often(slot: str) -> None:
    count = Counter(getattr(draw_scene(seed), slot) for seed in range(3000))
    assert set(count) == set(TABLES[slot])
    even = 3000 / len(count)
    assert all(0.75 * even < times < 1.3 * even for times in count.values())


@pytest.mark.parametrize("slot", sorted(TABLES))
def test_most_captions_name_what_the_scene_holds_and_some_leave_it_out(slot: str) -> None:
    rng = random.Random(3)
    named = 0
    for seed in range(400):
        scene = draw_scene(seed)
        text = caption(scene, rng).lower()
        words = [
            words.replace(" {color}", "").split(" in")[0] for words in TABLES[slot][getattr(scene, slot)]
        ]
        named += any(word.lower() in text for word in words)
    assert named / 400 > 0.8
    if slot != "subject":
        assert named < 400


def test_every_word_of_every_table_is_in_the_vocabulary() -> None:
    words = vocabulary_words()
    assert {"red", "car", "desert", "night", "pans", "left", "close", "-", "up", "4k", ","} <= words
    assert "{" not in words
    assert all(word == word.lower() for word in words)
