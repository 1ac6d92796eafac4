"""What every engine promises: plan, denoise, decode and recipe of one shot; no torch at import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from generation.capabilities import Capabilities
from generation.models import ModelDescription
from generation.planning import Plan
from generation.shots import Recipe, Shot

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """How far denoising is: `step` of `steps` is done in `window` of `windows`; all count from 1."""

    window: int
    windows: int
    step: int
    steps: int

    @property
    def share(self) -> float:
        """The done share of all steps, 0..1."""
        return ((self.window - 1) * self.steps + self.step) / (self.windows * self.steps)


@dataclass(frozen=True)
class Latents:
    """A denoised shot before decoding.

    `values`, normalised, of shape (1, C, F, h, w), for a family whose latents the engine knows; any other is decoded
    already, into `frames`, uint8 of shape (T, H, W, 3). `seed` serves decoders that add noise.
    """

    duration_frames: int
    seed: int
    values: Tensor | None = None
    frames: NDArray[np.uint8] | None = None


class Engine(Protocol):
    """One loaded checkpoint. Not for several threads at once."""

    @property
    def description(self) -> ModelDescription:
        """The checkpoint."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        ...

    def denoise(
        self,
        shot: Shot,
        plan: Plan,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> Latents:
        """Runs every window, reports each step, and raises GenerationStopped once `should_stop` says so."""
        ...

    def decode(self, latents: Latents) -> Iterator[NDArray[np.uint8]]:
        """Yields exactly `duration_frames` native frames (H, W, 3) RGB, a chunk of latents in memory at a time."""
        ...

    def recipe(self, shot: Shot, plan: Plan) -> Recipe:
        """Everything that determines the take."""
        ...
