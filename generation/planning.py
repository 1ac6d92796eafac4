"""Decides whether a shot can be made and in which windows; pure, no torch."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from generation.capabilities import Capabilities
from generation.errors import (
    DurationImpossible,
    PromptEmpty,
    PromptTooLong,
    SettingImpossible,
    SizeImpossible,
    TextUnusable,
)
from generation.shots import Shot

MAX_PROMPT_CHARACTERS = 2000
MIN_SIDE_PX, MAX_SIDE_PX = 64, 4096
MIN_FPS, MAX_FPS = 1, 120
MAX_STEPS = 200
MAX_GUIDANCE = 30.0
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Window:
    """One run of the model: `frames` model frames, of which the first `prefix_frames` repeat what came before.

    `start` is the delivered frame at which its new frames begin.
    """

    index: int
    start: int
    frames: int
    prefix_frames: int

    @property
    def new_frames(self) -> int:
        """Frames this window adds."""
        return self.frames - self.prefix_frames


@dataclass(frozen=True)
class Plan:
    """How a shot is made: native raster in pixels, the rate the model is told, steps, guidance and windows."""

    native_width: int
    native_height: int
    native_fps: float
    steps: int
    guidance_scale: float
    duration_frames: int
    windows: tuple[Window, ...]

    @property
    def native_frames(self) -> int:
        """Frames the model makes in all, prefixes not counted; at least `duration_frames`."""
        return sum(window.new_frames for window in self.windows)


def plan_shot(shot: Shot, capabilities: Capabilities) -> Plan:
    """The plan of a shot; raises what `validate_shot` raises."""
    validate_shot(shot, capabilities)
    width, height = native_size(shot, capabilities)
    low, high = capabilities.fps_range
    return Plan(
        native_width=width,
        native_height=height,
        native_fps=min(max(float(shot.fps), low), high),
        steps=capabilities.default_steps if shot.steps is None else shot.steps,
        guidance_scale=capabilities.default_guidance if shot.guidance_scale is None else shot.guidance_scale,
        duration_frames=shot.duration_frames,
        windows=tuple(plan_windows(shot.duration_frames, capabilities)),
    )


def plan_windows(duration_frames: int, capabilities: Capabilities) -> list[Window]:
    """Windows that cover the duration: one if it fits, else a chain in which each opens with the end of the last."""
    step, limit = capabilities.frame_step, capabilities.max_window_frames
    first = min(limit, round_up(duration_frames - 1, step) + 1)
    windows = [Window(0, 0, first, 0)]
    made, prefix = first, capabilities.prefix_max_frames
    while made < duration_frames:
        new = min(limit - prefix, round_up(duration_frames - made, step))
        windows.append(Window(len(windows), made, prefix + new, prefix))
        made += new
    return windows


def native_size(shot: Shot, capabilities: Capabilities) -> tuple[int, int]:
    """The raster the model works on: the trained area in the shape of the delivery, on the model's size multiple."""
    trained_width, trained_height = capabilities.trained_width, capabilities.trained_height
    if capabilities.fixed_size:
        return trained_width, trained_height
    scale = math.sqrt(trained_width * trained_height / (shot.width * shot.height))
    multiple = capabilities.size_multiple
    return (
        max(multiple, round(shot.width * scale / multiple) * multiple),
        max(multiple, round(shot.height * scale / multiple) * multiple),
    )


def round_up(value: int, step: int) -> int:
    """The smallest multiple of `step` that is at least `value`."""
    return -(-value // step) * step


def validate_shot(shot: Shot, capabilities: Capabilities) -> None:
    """Refuses a shot that cannot be made, before anything is spent on it; see generation.errors for the classes."""
    if not shot.prompt.strip():
        raise PromptEmpty("The prompt is empty.", "Say what the shot shows.")
    check_text(shot.prompt, "prompt", capabilities)
    check_text(shot.negative_prompt, "negative prompt", capabilities)
    _check_size(shot)
    _check_duration(shot, capabilities)
    _check_settings(shot)


def check_text(text: str, what: str, capabilities: Capabilities) -> None:
    """Refuses text that the model's text encoder cannot read whole."""
    for position, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind == "Cs" or (kind == "Cc" and character not in "\t\n\r"):
            raise TextUnusable(
                f"The {what} holds the unusable character U+{ord(character):04X} at position {position + 1}.",
                "Remove it; ordinary text, tabs and line ends are fine.",
            )
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise PromptTooLong(
            f"The {what} has {len(text)} characters, {MAX_PROMPT_CHARACTERS} are allowed.", "Shorten it."
        )
    if capabilities.tokenizer_file is not None:
        tokens = _count(capabilities.tokenizer_file, text)
        if tokens > capabilities.max_prompt_tokens:
            raise PromptTooLong(
                f"The {what} has {tokens} tokens, this model reads {capabilities.max_prompt_tokens}.",
                f"Shorten it by about {1 - capabilities.max_prompt_tokens / tokens:.0%}.",
            )


def count_tokens(model_path: Path, text: str) -> int:
    """Tokens of the text for the checkpoint in that folder, end mark included, as its pipeline counts them.

    Raises FileNotFoundError if the checkpoint has no tokenizer/tokenizer.json.
    """
    file = model_path / "tokenizer" / "tokenizer.json"
    if not file.is_file():
        raise FileNotFoundError(file)
    return _count(file, text)


def _count(file: Path, text: str) -> int:
    return len(_tokenizer(file, file.stat().st_mtime_ns).encode(text).ids)


@lru_cache(maxsize=8)
def _tokenizer(file: Path, changed_ns: int) -> Any:
    # Part of the key: a checkpoint repackaged in place is read again.
    del changed_ns
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    # A saved tokenizer may carry its last padding and cutting; counting wants neither.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _check_size(shot: Shot) -> None:
    for side, value in (("width", shot.width), ("height", shot.height)):
        if not MIN_SIDE_PX <= value <= MAX_SIDE_PX:
            raise SizeImpossible(
                f"The {side} is {value} px.",
                f"Choose from {MIN_SIDE_PX} to {MAX_SIDE_PX} px, for example 1280x720.",
            )
        if value % 2:
            raise SizeImpossible(
                f"The {side} is {value} px, which is odd.", f"Choose {value - 1} or {value + 1} px."
            )


def _check_duration(shot: Shot, capabilities: Capabilities) -> None:
    if not MIN_FPS <= shot.fps <= MAX_FPS:
        raise DurationImpossible(
            f"The frame rate is {float(shot.fps):g} per second.", f"Choose from {MIN_FPS} to {MAX_FPS}."
        )
    if shot.duration_frames < 1:
        raise DurationImpossible(
            f"The duration is {shot.duration_frames} frames.", "Ask for at least one frame."
        )
    longest = math.floor(capabilities.max_duration_s * shot.fps)
    why = f"{capabilities.max_duration_s:g} s at {float(shot.fps):g} frames per second"
    if not capabilities.prefix_max_frames and capabilities.max_window_frames < longest:
        longest, why = capabilities.max_window_frames, "one window, and this model cannot extend one"
    if shot.duration_frames > longest:
        raise DurationImpossible(
            f"The duration is {shot.duration_frames} frames; the most is {longest}: {why}.",
            f"Ask for {longest} frames or fewer, or split the shot.",
        )


def _check_settings(shot: Shot) -> None:
    if not 0 <= shot.seed <= MAX_SEED:
        raise SettingImpossible(f"The seed is {shot.seed}.", f"Choose from 0 to {MAX_SEED}.")
    if shot.steps is not None and not 1 <= shot.steps <= MAX_STEPS:
        raise SettingImpossible(f"The number of steps is {shot.steps}.", f"Choose from 1 to {MAX_STEPS}.")
    scale = shot.guidance_scale
    if scale is not None and not (math.isfinite(scale) and 0.0 <= scale <= MAX_GUIDANCE):
        raise SettingImpossible(f"The guidance scale is {scale}.", f"Choose from 0 to {MAX_GUIDANCE:g}.")
