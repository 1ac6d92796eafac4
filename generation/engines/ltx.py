"""Drives the LTX family by latents: chains windows by a clean prefix and decodes by chunks in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from diffusers import LTXConditionPipeline
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from numpy.typing import NDArray
from torch import Tensor

from generation.capabilities import Capabilities
from generation.engines.contract import Latents
from generation.engines.seeds import window_seed
from generation.planning import Plan, Window
from generation.shots import Shot

CHUNK_LATENT_FRAMES = 6
# Autoencoders trained with a timestep are decoded at the little noise their authors recommend.
_DECODE_TIMESTEP, _DECODE_NOISE = 0.05, 0.025


@torch.inference_mode()
def denoise(
    pipe: Any, shot: Shot, plan: Plan, capabilities: Capabilities, report: Callable[[int, int], None]
) -> Latents:
    """All windows' latents joined along time; `report(window, step)` is called after every step."""
    joined: Tensor | None = None
    for window in plan.windows:
        if joined is None:
            latents = _first_window(pipe, shot, plan, window, capabilities, report)
        else:
            prefix = _tail_frames(pipe, joined, window.prefix_frames, capabilities)
            latents = _next_window(pipe, shot, plan, window, prefix, capabilities, report)
            latents = latents[:, :, _latent_frames(window.prefix_frames, capabilities) :]
            if capabilities.level_windows:
                latents = level(latents, joined)
        joined = latents if joined is None else torch.cat([joined, latents], dim=2)
    return Latents(duration_frames=plan.duration_frames, seed=shot.seed, values=joined)


def level(latents: Tensor, before: Tensor) -> Tensor:
    """A window's new latents, shifted per channel so that their first frame has the mean of the last one before.

    Takes out the jump in colour that a small model makes where windows meet; what moves is left as it is.
    """
    return latents + (before[:, :, -1:] - latents[:, :, :1]).mean(dim=(3, 4), keepdim=True)


def decode(pipe: Any, latents: Latents, capabilities: Capabilities) -> Iterator[NDArray[np.uint8]]:
    """Native frames of the latents, decoded a few latent frames at a time."""
    if latents.values is None:
        raise ValueError("these latents hold no values to decode")
    made, total = 0, latents.values.shape[2]
    for start in range(0, total, CHUNK_LATENT_FRAMES):
        stop = min(start + CHUNK_LATENT_FRAMES, total)
        for frame in _decode_span(pipe, latents.values, start, stop, latents.seed, capabilities):
            if made == latents.duration_frames:
                return
            yield frame
            made += 1


def _decode_span(
    pipe: Any, values: Tensor, start: int, stop: int, seed: int, capabilities: Capabilities
) -> NDArray[np.uint8]:
    """The frames of latent frames start..stop as uint8 (T, H, W, 3)."""
    frames = _decode_floats(pipe, values, start, stop, seed, capabilities)
    pixels = ((frames[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255)
    result: NDArray[np.uint8] = pixels.to(torch.uint8).cpu().numpy()
    return result


@torch.inference_mode()
def _decode_floats(
    pipe: Any, values: Tensor, start: int, stop: int, seed: int, capabilities: Capabilities
) -> Tensor:
    """The frames of latent frames start..stop as float (1, 3, T, H, W) in -1..1.

    The autoencoder sees some latent frames before and after the span, and what it makes of those is dropped. Whatever
    stands first is decoded as a clip's first frame, hence at least one frame before for every later span.
    """
    before, after = capabilities.decode_context
    low, high = max(0, start - before), min(values.shape[2], stop + after)
    span = pipe._denormalize_latents(
        values[:, :, low:high].to(pipe._execution_device),
        pipe.vae.latents_mean,
        pipe.vae.latents_std,
        pipe.vae.config.scaling_factor,
    ).to(pipe.vae.dtype)
    timestep = None
    if pipe.vae.config.timestep_conditioning:
        generator = torch.Generator().manual_seed(window_seed(seed, 1_000_000 + low))
        noise = torch.randn(span.shape, generator=generator).to(span)
        span = torch.lerp(span, noise, _DECODE_NOISE)
        timestep = torch.full((1,), _DECODE_TIMESTEP, device=span.device, dtype=span.dtype)
    frames = pipe.vae.decode(span, timestep, return_dict=False)[0].float()
    step = capabilities.frame_step
    skip = 0 if start == 0 else (start - low - 1) * step + 1
    count = (stop - start) * step - (step - 1 if start == 0 else 0)
    kept: Tensor = frames[:, :, skip : skip + count].clamp(-1, 1)
    return kept


def _tail_frames(pipe: Any, joined: Tensor, count: int, capabilities: Capabilities) -> Tensor:
    """The last `count` frames so far as (1, 3, count, H, W) in -1..1, never rounded to 8 bits."""
    total = joined.shape[2]
    needed = _latent_frames(count, capabilities)
    frames = _decode_floats(pipe, joined, max(0, total - needed), total, 0, capabilities)
    return frames[:, :, -count:]


def _latent_frames(frames: int, capabilities: Capabilities) -> int:
    return (frames - 1) // capabilities.frame_step + 1


def _common(
    pipe: Any,
    shot: Shot,
    plan: Plan,
    window: Window,
    capabilities: Capabilities,
    report: Callable[[int, int], None],
) -> dict[str, Any]:
    def on_step_end(running: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        # Raising stops at once; diffusers' own interrupt flag would still walk through the remaining steps.
        report(window.index, step)
        return {}

    return {
        "prompt": shot.prompt,
        "negative_prompt": shot.negative_prompt,
        "width": plan.native_width,
        "height": plan.native_height,
        "num_frames": window.frames,
        "frame_rate": plan.native_fps,
        "guidance_scale": plan.guidance_scale,
        "num_inference_steps": plan.steps,
        "generator": torch.Generator().manual_seed(window_seed(shot.seed, window.index)),
        "max_sequence_length": capabilities.max_prompt_tokens,
        "output_type": "latent",
        "callback_on_step_end": on_step_end,
    }


def _first_window(
    pipe: Any,
    shot: Shot,
    plan: Plan,
    window: Window,
    capabilities: Capabilities,
    report: Callable[[int, int], None],
) -> Tensor:
    packed = pipe(**_common(pipe, shot, plan, window, capabilities, report)).frames
    latents: Tensor = pipe._unpack_latents(
        packed,
        _latent_frames(window.frames, capabilities),
        plan.native_height // pipe.vae_spatial_compression_ratio,
        plan.native_width // pipe.vae_spatial_compression_ratio,
        pipe.transformer_spatial_patch_size,
        pipe.transformer_temporal_patch_size,
    )
    return latents


def _next_window(
    pipe: Any,
    shot: Shot,
    plan: Plan,
    window: Window,
    prefix: Tensor,
    capabilities: Capabilities,
    report: Callable[[int, int], None],
) -> Tensor:
    # Same parts, other class; from_pipe would accept no autoencoder but AutoencoderKLLTXVideo.
    sibling: Any = LTXConditionPipeline(**pipe.components)  # type: ignore[no-untyped-call]
    sibling.set_progress_bar_config(disable=True)
    arguments = _common(pipe, shot, plan, window, capabilities, report)
    # The pipeline expects frames before channels, in 0..1, and maps them to -1..1 itself.
    frames: Any = (prefix.transpose(1, 2) + 1) / 2
    condition = LTXVideoCondition(video=frames, frame_index=0, strength=1.0)
    # Even steps as in LTXPipeline; the scheduler applies its shift to them.
    timesteps = np.linspace(1000.0, 1000.0 / plan.steps, plan.steps).tolist()
    latents: Tensor = sibling(
        **arguments, conditions=[condition], timesteps=timesteps, image_cond_noise_scale=0.0
    ).frames
    return latents
