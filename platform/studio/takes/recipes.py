"""Shows a take's recipe to people, with or without the words of its prompt; pure, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORDING = (("prompt", "Prompt"), ("negative_prompt", "Left out"))
# Only these parts are shown to people who may not read prompts; a part added to recipes stays hidden.
TECHNICAL = (
    ("model", "Model"),
    ("model_digest", "Model digest"),
    ("pipeline_class", "Pipeline"),
    ("seed", "Seed"),
    ("steps", "Steps"),
    ("guidance_scale", "Guidance"),
    ("native_size", "Rendered at"),
    ("delivery_size", "Delivered at"),
    ("native_frames", "Frames rendered"),
    ("duration_frames", "Frames delivered"),
    ("fps", "Frame rate"),
    ("windows", "Windows"),
    ("device_class", "Device"),
    ("code_version", "Slate version"),
    ("libraries", "Libraries"),
)
SIZES = ("native_size", "delivery_size")


@dataclass(frozen=True)
class Row:
    label: str
    value: str
    is_code: bool = False


def recipe_rows(recipe: Mapping[str, Any], *, with_wording: bool) -> list[Row]:
    """The recipe as a table in the order a person asks; prompts only `with_wording`."""
    wanted = (*WORDING, *TECHNICAL) if with_wording else TECHNICAL
    return [
        Row(label, _spoken(key, recipe[key]), is_code=key == "model_digest")
        for key, label in wanted
        if recipe.get(key) not in (None, "", [], {})
    ]


def visible_recipe(recipe: Mapping[str, Any], *, with_wording: bool) -> dict[str, Any]:
    """The recipe for the API: all of it, or only its technical part."""
    if with_wording:
        return dict(recipe)
    shown = {key for key, _ in TECHNICAL}
    return {key: value for key, value in recipe.items() if key in shown}


def _spoken(key: str, value: Any) -> str:
    if key in SIZES:
        return " × ".join(str(side) for side in value)
    if key == "windows":
        return ", ".join(f"{frames} frames from {first}" for first, frames, _ in value)
    if key == "fps":
        return str(value).removesuffix("/1")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
