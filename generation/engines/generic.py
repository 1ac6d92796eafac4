"""Drives any other video pipeline by its call signature: one window, frames decoded by the pipeline itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.capabilities import Capabilities
from generation.engines.contract import Latents
from generation.planning import Plan
from generation.shots import Shot


def denoise(
    pipe: Any, shot: Shot, plan: Plan, capabilities: Capabilities, report: Callable[[int, int], None]
) -> Latents:
    """The whole shot as decoded frames.

    The pipeline returns all frames as float32 at once, so memory grows with the duration; the plan allows one window.
    """

    def on_step_end(running: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        report(0, step)
        return {}

    wanted: dict[str, Any] = {
        "prompt": shot.prompt,
        "negative_prompt": shot.negative_prompt,
        "width": plan.native_width,
        "height": plan.native_height,
        "num_frames": plan.windows[0].frames,
        "frame_rate": plan.native_fps,
        "fps": plan.native_fps,
        "guidance_scale": plan.guidance_scale,
        "num_inference_steps": plan.steps,
        "generator": torch.Generator().manual_seed(shot.seed),
        "max_sequence_length": capabilities.max_prompt_tokens,
        "output_type": "np",
        "callback_on_step_end": on_step_end,
    }
    accepted = inspect.signature(type(pipe).__call__).parameters
    arguments = {name: value for name, value in wanted.items() if name in accepted}
    if "callback_on_step_end" in accepted:
        output = pipe(**arguments)
    else:
        with _reported_steps(pipe.scheduler, report):
            output = pipe(**arguments)
    return Latents(duration_frames=plan.duration_frames, seed=shot.seed, frames=to_bytes(output.frames[0]))


def to_bytes(frames: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3) in 0..1 as uint8, one at a time so that only one float copy exists."""
    result = np.empty(frames.shape, dtype=np.uint8)
    for index, frame in enumerate(frames):
        result[index] = np.clip(np.rint(frame * 255), 0, 255)
    return result


@contextmanager
def _reported_steps(scheduler: Any, report: Callable[[int, int], None]) -> Iterator[None]:
    """Reports after every scheduler step, for the few pipelines without a callback of their own."""
    original, done = scheduler.step, 0

    def step(*values: Any, **named: Any) -> Any:
        nonlocal done
        result = original(*values, **named)
        report(0, done)
        done += 1
        return result

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step
