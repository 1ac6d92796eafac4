"""Says what a checkpoint can be asked for, from its class, its call signature and its configs, without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from generation.errors import NotAPipeline
from generation.families import Family, family_of
from generation.models import ModelDescription
from generation.signatures import CallSignature

# What an argument of a pipeline's call makes possible.
_CONDITIONING = {
    "image": "first_frame",
    "last_image": "last_frame",
    "conditions": "keyframes",
    "reference_images": "references",
    "reference_conditions": "references",
    "video": "video",
    "mask": "mask",
    "prompt_segments": "prompt_segments",
    "pose_video": "pose",
    "control_video": "control",
    "audio_latents": "audio",
}


@dataclass(frozen=True)
class Capabilities:
    """What a checkpoint accepts and was trained on.

    Sizes are in pixels, windows in frames, rates in frames per second. A window has `frame_step` * n + 1 frames, at
    most `max_window_frames`. `prefix_max_frames` clean frames may open a window; 0: a shot must fit one window.
    `fixed_size` pins the native raster to the trained one. `decode_context` counts the latent frames (before,
    after) that a decoded chunk needs beside its own. `level_windows` asks for colours to be matched where windows meet.
    """

    pipeline_class: str
    family: str
    size_multiple: int
    frame_step: int
    trained_width: int
    trained_height: int
    trained_fps: float
    fps_range: tuple[float, float]
    max_window_frames: int
    prefix_max_frames: int
    max_prompt_tokens: int
    default_steps: int
    default_guidance: float
    conditioning: tuple[str, ...]
    latent_windows: bool
    max_duration_s: float = 60.0
    fixed_size: bool = False
    decode_context: tuple[int, int] = (2, 2)
    level_windows: bool = False
    tokenizer_file: Path | None = None


def find_capabilities(description: ModelDescription) -> Capabilities:
    """Capabilities of a described checkpoint.

    Order of trust, later over earlier: the family's row, the call's defaults, the parts' config files, and the
    checkpoint's own slate.json, which may set any field. Raises NotAPipeline for a broken config or slate.json.
    """
    family = family_of(description.pipeline_class)
    found = _from_signature(description.pipeline_class, family, description.signature)
    found = _with_configs(found, description.path)
    return _with_notes(found, description.path)


def _from_signature(pipeline_class: str, family: Family, signature: CallSignature) -> Capabilities:
    defaults = signature.defaults
    prefix = family.prefix_frames
    conditioning = {_CONDITIONING[name] for name in defaults if name in _CONDITIONING}
    if prefix:
        conditioning.add("prefix")
    return Capabilities(
        pipeline_class=pipeline_class,
        family=family.name,
        size_multiple=family.size_multiple,
        frame_step=family.frame_step,
        trained_width=family.trained_width,
        trained_height=family.trained_height,
        trained_fps=family.fps_range[0],
        fps_range=family.fps_range,
        max_window_frames=family.max_window_frames,
        prefix_max_frames=prefix,
        max_prompt_tokens=family.max_prompt_tokens,
        default_steps=int(defaults.get("num_inference_steps") or 30),
        default_guidance=float(defaults.get("guidance_scale") or 1.0),
        conditioning=tuple(sorted(conditioning)),
        latent_windows=family.latent_windows,
    )


def _with_configs(found: Capabilities, path: Path) -> Capabilities:
    tokenizer = path / "tokenizer" / "tokenizer.json"
    found = replace(found, tokenizer_file=tokenizer if tokenizer.is_file() else None)
    vae = _read_json(path / "vae" / "config.json")
    transformer = _read_json(path / "transformer" / "config.json")
    if found.family == "ltx" and vae.get("_class_name") == "AutoencoderKLLTXVideo":
        # The compression of an LTX autoencoder is its patch size times two for every block that halves.
        halvings = sum(bool(flag) for flag in vae.get("spatio_temporal_scaling", [True, True, True, False]))
        multiple = int(vae.get("patch_size", 4)) * 2**halvings
        patch = int(transformer.get("patch_size", 1))
        step = int(vae.get("patch_size_t", 1)) * 2**halvings
        found = replace(found, size_multiple=max(32, multiple * patch), frame_step=step)
    return found


def _with_notes(found: Capabilities, path: Path) -> Capabilities:
    notes = _read_json(path / "slate.json").get("capabilities", {})
    known = {field.name for field in fields(Capabilities)} - {"pipeline_class", "family", "tokenizer_file"}
    unknown = sorted(set(notes) - known)
    if unknown:
        raise NotAPipeline(
            f"{path / 'slate.json'} sets {', '.join(unknown)}, which is no capability.",
            f"It may set: {', '.join(sorted(known))}.",
        )
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in notes.items()
    }
    return replace(found, **values)


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAPipeline(
            f"{file} is not valid JSON ({error}).", "Download or export the checkpoint again."
        ) from error
    if not isinstance(values, dict):
        raise NotAPipeline(f"{file} holds no JSON object.", "Download or export the checkpoint again.")
    return values
