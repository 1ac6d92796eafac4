"""A row per family of video models: its raster and frame rules, its trained window and how it is driven; no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Facts of one family, from the model cards and diffusers' own checks.

    Sizes in pixels, windows in frames. A window holds `frame_step` * n + 1 frames. `prefix_frames` is how many
    clean frames may open a window (0: windows cannot be chained). `latent_windows` says that the engine knows the
    family's latents and can decode them by chunks.
    """

    name: str
    size_multiple: int
    frame_step: int
    trained_width: int
    trained_height: int
    fps_range: tuple[float, float]
    max_window_frames: int
    prefix_frames: int = 0
    max_prompt_tokens: int = 256
    latent_windows: bool = False


_LTX = Family(
    name="ltx",
    size_multiple=32,
    frame_step=8,
    trained_width=704,
    trained_height=480,
    fps_range=(24.0, 30.0),
    max_window_frames=161,
    prefix_frames=17,
    max_prompt_tokens=128,
    latent_windows=True,
)
_WAN = Family("wan", 16, 4, 832, 480, (16.0, 16.0), 81, max_prompt_tokens=512)
_HUNYUAN = Family("hunyuan", 16, 4, 848, 480, (24.0, 24.0), 129, max_prompt_tokens=256)
_COGVIDEOX = Family("cogvideox", 16, 8, 720, 480, (8.0, 8.0), 49, max_prompt_tokens=226)
_MOCHI = Family("mochi", 16, 6, 848, 480, (30.0, 30.0), 163, max_prompt_tokens=256)
_SKYREELS = Family("skyreels", 16, 4, 960, 544, (24.0, 24.0), 97, max_prompt_tokens=512)
_GENERIC = Family("generic", 32, 8, 512, 320, (24.0, 24.0), 49)

_BY_CLASS = {
    "LTXPipeline": _LTX,
    "WanPipeline": _WAN,
    "HunyuanVideoPipeline": _HUNYUAN,
    "HunyuanVideo15Pipeline": _HUNYUAN,
    "CogVideoXPipeline": _COGVIDEOX,
    "MochiPipeline": _MOCHI,
    "SkyReelsV2Pipeline": _SKYREELS,
}


def family_of(pipeline_class: str) -> Family:
    """The family of a pipeline class; the generic one, with careful figures, for a class without a row."""
    return _BY_CLASS.get(pipeline_class, _GENERIC)
