"""A shot is refused before anything is spent on it, or cut into windows the model was trained on."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest

from generation.capabilities import Capabilities
from generation.errors import (
    DurationImpossible,
    GenerationError,
    PromptEmpty,
    PromptTooLong,
    SettingImpossible,
    SizeImpossible,
    TextUnusable,
)
from generation.models import describe_model
from generation.planning import count_tokens, native_size, plan_shot, plan_windows
from generation.shots import Shot


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"prompt": ""}, PromptEmpty),
        ({"prompt": " \n\t "}, PromptEmpty),
        ({"prompt": "a\0b"}, TextUnusable),
        ({"prompt": "half a pair \ud83d"}, TextUnusable),
        ({"prompt": "bell \x07"}, TextUnusable),
        ({"negative_prompt": "a\0b"}, TextUnusable),
        ({"prompt": "x" * 2001}, PromptTooLong),
        ({"prompt": "car " * 200}, PromptTooLong),
        ({"negative_prompt": "car " * 200}, PromptTooLong),
        ({"width": 62}, SizeImpossible),
        ({"width": 4098}, SizeImpossible),
        ({"height": 181}, SizeImpossible),
        ({"height": 0}, SizeImpossible),
        ({"height": -180}, SizeImpossible),
        ({"duration_frames": 0}, DurationImpossible),
        ({"duration_frames": -5}, DurationImpossible),
        ({"duration_frames": 60 * 24 + 1}, DurationImpossible),
        ({"fps": Fraction(0)}, DurationImpossible),
        ({"fps": Fraction(121)}, DurationImpossible),
        ({"seed": -1}, SettingImpossible),
        ({"seed": 2**63}, SettingImpossible),
        ({"steps": 0}, SettingImpossible),
        ({"steps": 201}, SettingImpossible),
        ({"guidance_scale": math.nan}, SettingImpossible),
        ({"guidance_scale": -0.1}, SettingImpossible),
    ],
)
def test_an_impossible_shot_is_refused_with_code_reason_and_remedy(
    shot: Shot, draft_capabilities: Capabilities, change: dict[str, object], error: type[GenerationError]
) -> None:
    with pytest.raises(error) as refusal:
        plan_shot(replace(shot, **change), draft_capabilities)
    assert refusal.value.code == error.code
    assert refusal.value.message.endswith(".")
    assert refusal.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"width": 64, "height": 64},
        {"width": 4096, "height": 4096},
        {"duration_frames": 1},
        {"duration_frames": 60 * 24},
        {"fps": Fraction(24000, 1001)},
        {"seed": 2**63 - 1},
        {"prompt": "Übergröße, 映画, \U0001f3ac"},
        {"steps": 1, "guidance_scale": 0.0},
    ],
)
def test_the_outermost_possible_shots_are_planned(
    shot: Shot, draft_capabilities: Capabilities, change: dict[str, object]
) -> None:
    plan = plan_shot(replace(shot, **change), draft_capabilities)
    assert plan.native_frames >= plan.duration_frames


def test_a_prompt_of_exactly_the_limit_passes_and_one_token_more_does_not(
    shot: Shot, draft_capabilities: Capabilities
) -> None:
    path = describe_model("draft").path
    # One token per word and one for the end.
    fits = " ".join(["car"] * 127)
    assert count_tokens(path, fits) == 128
    assert plan_shot(replace(shot, prompt=fits), draft_capabilities)
    with pytest.raises(PromptTooLong, match=r"129 tokens.*128"):
        plan_shot(replace(shot, prompt=fits + " car"), draft_capabilities)


def test_counting_tokens_of_a_model_without_tokenizer_fails_loudly(tmp_path: object) -> None:
    with pytest.raises(FileNotFoundError):
        count_tokens(describe_model("draft").path.parent, "text")


@pytest.mark.parametrize("duration", [1, 2, 8, 9, 17, 48, 49])
def test_what_fits_one_window_gets_one(draft_capabilities: Capabilities, duration: int) -> None:
    (window,) = plan_windows(duration, draft_capabilities)
    assert window.prefix_frames == 0
    assert window.frames % 8 == 1
    assert 0 <= window.frames - duration < 8


@pytest.mark.parametrize("duration", [*range(50, 90), 241, 600, 1440])
def test_windows_cover_every_frame_once_and_stay_within_the_trained_length(
    draft_capabilities: Capabilities, duration: int
) -> None:
    windows = plan_windows(duration, draft_capabilities)
    covered = 0
    for index, window in enumerate(windows):
        assert window.index == index
        assert window.start == covered
        assert window.frames % 8 == 1
        assert window.frames <= 49
        assert window.prefix_frames == (17 if index else 0)
        assert window.prefix_frames <= covered
        covered += window.new_frames
    assert 0 <= covered - duration < 8


def test_ten_seconds_take_seven_windows(draft_capabilities: Capabilities) -> None:
    assert len(plan_windows(241, draft_capabilities)) == 7


def test_a_model_that_cannot_extend_refuses_more_than_one_window(
    shot: Shot, draft_capabilities: Capabilities
) -> None:
    single = replace(draft_capabilities, prefix_max_frames=0)
    assert len(plan_shot(replace(shot, duration_frames=49), single).windows) == 1
    with pytest.raises(DurationImpossible, match="cannot extend"):
        plan_shot(replace(shot, duration_frames=50), single)


def test_the_draft_model_always_works_on_its_own_raster_and_rate(
    shot: Shot, draft_capabilities: Capabilities
) -> None:
    plan = plan_shot(replace(shot, width=1080, height=1920, fps=Fraction(60)), draft_capabilities)
    assert (plan.native_width, plan.native_height, plan.native_fps) == (288, 160, 24)


@pytest.mark.parametrize(
    "size", [(1920, 1080), (1080, 1920), (1000, 1000), (4096, 64), (64, 4096), (2048, 858)]
)
def test_other_models_keep_the_trained_area_in_the_deliverys_shape(
    shot: Shot, draft_capabilities: Capabilities, size: tuple[int, int]
) -> None:
    free = replace(draft_capabilities, fixed_size=False, trained_width=704, trained_height=480)
    width, height = native_size(replace(shot, width=size[0], height=size[1]), free)
    assert width % 32 == height % 32 == 0
    assert 0.5 < width * height / (704 * 480) < 2.0
    assert (width > height) == (size[0] > size[1])


def test_defaults_are_filled_in_and_wishes_are_kept(shot: Shot, draft_capabilities: Capabilities) -> None:
    default = plan_shot(replace(shot, steps=None), draft_capabilities)
    assert default.steps == draft_capabilities.default_steps
    assert default.guidance_scale == draft_capabilities.default_guidance
    wished = plan_shot(replace(shot, steps=3, guidance_scale=1.5), draft_capabilities)
    assert (wished.steps, wished.guidance_scale) == (3, 1.5)
