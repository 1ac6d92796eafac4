"""The nouns of generation: what is asked for (Shot) and everything that determines a take (Recipe); no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Shot:
    """One request for moving pictures.

    `width` and `height` are the delivery raster in pixels, `duration_frames` counts delivered frames at `fps`.
    `steps` and `guidance_scale` default to the model's own when None.
    """

    prompt: str
    duration_frames: int
    fps: Fraction
    width: int
    height: int
    seed: int
    negative_prompt: str = ""
    steps: int | None = None
    guidance_scale: float | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a take; the same recipe on the same device class gives the same frames.

    Sizes are (width, height) in pixels; `windows` lists (first delivered frame, model frames, prefix frames) per
    window; `libraries` maps library names to versions.
    """

    model: str
    model_digest: str
    pipeline_class: str
    prompt: str
    negative_prompt: str
    seed: int
    steps: int
    guidance_scale: float
    native_size: tuple[int, int]
    native_frames: int
    delivery_size: tuple[int, int]
    duration_frames: int
    fps: Fraction
    windows: tuple[tuple[int, int, int], ...]
    libraries: dict[str, str]
    code_version: str
    device_class: str

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values; the frame rate becomes "numerator/denominator"."""
        values = asdict(self)
        values["fps"] = f"{self.fps.numerator}/{self.fps.denominator}"
        for name in ("native_size", "delivery_size"):
            values[name] = list(values[name])
        values["windows"] = [list(window) for window in self.windows]
        return values
