"""Runs any diffusers video checkpoint: one loaded pipeline, driven by what its family allows."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from numpy.typing import NDArray
from transformers.utils import logging as transformers_logging

from generation.capabilities import Capabilities, find_capabilities
from generation.engines import generic, ltx
from generation.engines.contract import Latents, Progress
from generation.engines.threads import usable_threads
from generation.errors import DeviceUnavailable, GenerationStopped, NotAPipeline, OutOfMemory, PromptTooLong
from generation.models import ModelDescription, describe_model, own_modules
from generation.planning import Plan, validate_shot
from generation.shots import Recipe, Shot

_LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers", "numpy")


class DiffusersEngine:
    """The engine behind `open_engine`; see generation.engines.contract.Engine for its promises."""

    def __init__(self, model: str, *, device: str = "auto", threads: int | None = None) -> None:
        torch.set_num_threads(threads or usable_threads())
        self._description = describe_model(model, fetch=True)
        self._capabilities = find_capabilities(self._description)
        self._device = _device(device)
        self._pipe = _load(self._description, self._device)

    @property
    def description(self) -> ModelDescription:
        """The loaded checkpoint."""
        return self._description

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        return self._capabilities

    def denoise(
        self,
        shot: Shot,
        plan: Plan,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> Latents:
        """Runs the plan's windows one after the other; the seed of each follows from the shot's seed."""
        validate_shot(shot, self._capabilities)
        self._refuse_long_prompts(shot)
        if should_stop():
            raise _stopped()

        def report(window: int, step: int) -> None:
            if should_stop():
                raise _stopped()
            on_progress(Progress(window + 1, len(plan.windows), step + 1, plan.steps))

        with _memory_errors(self._device):
            if self._capabilities.latent_windows:
                return ltx.denoise(self._pipe, shot, plan, self._capabilities, report)
            return generic.denoise(self._pipe, shot, plan, self._capabilities, report)

    def decode(self, latents: Latents) -> Iterator[NDArray[np.uint8]]:
        """Yields the frames; a family without known latents has them decoded already."""
        if latents.frames is not None:
            yield from latents.frames[: latents.duration_frames]
            return
        with _memory_errors(self._device):
            yield from ltx.decode(self._pipe, latents, self._capabilities)

    def recipe(self, shot: Shot, plan: Plan) -> Recipe:
        """The recipe of a take made from this shot and plan on this engine."""
        return Recipe(
            model=self._description.name,
            model_digest=self._description.digest,
            pipeline_class=self._description.pipeline_class,
            prompt=shot.prompt,
            negative_prompt=shot.negative_prompt,
            seed=shot.seed,
            steps=plan.steps,
            guidance_scale=plan.guidance_scale,
            native_size=(plan.native_width, plan.native_height),
            native_frames=plan.native_frames,
            delivery_size=(shot.width, shot.height),
            duration_frames=shot.duration_frames,
            fps=shot.fps,
            windows=tuple((window.start, window.frames, window.prefix_frames) for window in plan.windows),
            libraries={name: version(name) for name in _LIBRARIES},
            code_version=_code_version(),
            device_class=self._device.type,
        )

    def _refuse_long_prompts(self, shot: Shot) -> None:
        # Checkpoints without a tokenizer.json cannot be counted before loading, so they are counted here.
        tokenizer = getattr(self._pipe, "tokenizer", None)
        limit = self._capabilities.max_prompt_tokens
        if self._capabilities.tokenizer_file is not None or tokenizer is None:
            return
        for what, text in (("prompt", shot.prompt), ("negative prompt", shot.negative_prompt)):
            tokens = len(tokenizer(text).input_ids)
            if tokens > limit:
                raise PromptTooLong(
                    f"The {what} has {tokens} tokens, this model reads {limit}.",
                    "Shorten it; it is never cut.",
                )


def _stopped() -> GenerationStopped:
    return GenerationStopped(
        "The run was stopped before it was finished.", "Start it again when you want the take."
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceUnavailable(f"There is no device {name!r}.", 'Choose "auto", "cpu" or "cuda".') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("This machine offers torch no CUDA device.", 'Choose "auto" or "cpu".')
    return device


def _load(description: ModelDescription, device: torch.device) -> Any:
    # The CPU computes in float32; a GPU in the half format every family here was trained in.
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    for bars in (diffusers_logging, transformers_logging):
        bars.disable_progress_bar()
    for module in sorted(own_modules(description.index)):
        # diffusers takes a part from a module outside itself only if that is imported already.
        import_module(module)
    try:
        with warnings.catch_warnings(), _memory_errors(device):
            warnings.simplefilter("ignore")
            pipe = DiffusionPipeline.from_pretrained(  # type: ignore[no-untyped-call]
                str(description.path), torch_dtype=dtype, use_safetensors=True, local_files_only=True
            )
            pipe.set_progress_bar_config(disable=True)
            return pipe.to(device)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        raise NotAPipeline(
            f"The checkpoint in {description.path} cannot be loaded: {error}",
            "Check that every part named in model_index.json is there, as safetensors, and undamaged.",
        ) from error


@contextmanager
def _memory_errors(device: torch.device) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(device) from error
    except RuntimeError as error:
        # torch reports a failed CPU allocation as a plain RuntimeError.
        if "allocate memory" not in str(error):
            raise
        raise _out_of_memory(device) from error


def _out_of_memory(device: torch.device) -> OutOfMemory:
    return OutOfMemory(
        f"The {device.type} ran out of memory.",
        "Close other work on it, or choose a smaller size or a smaller model.",
    )


def _code_version() -> str:
    try:
        return version("slate")
    except PackageNotFoundError:
        from generation import __version__

        return __version__
