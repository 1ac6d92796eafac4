"""Words the model card of a packaged draft checkpoint from what is known of its training."""

from __future__ import annotations

from typing import Any

from generation.draft.grammar import COLORS, LIGHTS, MOVES, SETTINGS, SHOT_SIZES, SUBJECTS
from generation.draft.model import FPS, HEIGHT, MAX_FRAMES, MAX_TOKENS, WIDTH

_CARD = """# Slate draft model

A small text-to-video model of the LTX family that makes simple, flat-shaded sketches of shots. It is shipped so that
a machine without network or GPU can run the whole way from a prompt to a signed take; it does not replace a large
model.

## What it can do
- {width}x{height} pixels at {fps} frames per second, {frames} frames in one run; longer shots go window by window.
- It follows prompts about the world it was trained on:
  - subjects: {subjects};
  - colours of the subject: {colors};
  - settings: {settings};
  - light: {lights};
  - shot sizes: {sizes};
  - camera: {moves}.
- It reads at most {tokens} tokens; other words are read but mean nothing to it.

## What it cannot do
- Anything outside that list: no faces, no text, no actions, no two subjects, no real places or people.
- Reliable shapes. Setting, light, the subject's colour, pans and tilts follow the prompt; the subject itself is often
  no more than a soft patch of its colour or, in wide shots, missing, and pushing in or pulling back hardly shows.
- Fine detail. Edges are soft, patches of 32 pixels may show, and every eighth frame the picture jumps a little.
- Long shots without drift. Where two windows meet colours shift a little, and a long pan leaves the subject behind.
- Prompts in other languages than English.

## What it was trained on
Only scenes that Slate's own renderer drew (`generation/draft/renderer.py`), with captions from its own grammar: {clips}
clips of {frames} frames. No photographs, films, scraped captions or other people's weights were used.

## How
Text encoder (T5, random start) and transformer were trained together by flow matching for {minutes} minutes
({steps} steps) on {device}.
The autoencoder is linear and was fitted, not trained; a small convolutional refiner, trained apart, follows it.
{history}`make draft` repeats the recipe; it does not reproduce these bytes.

## Figures
- Size: {megabytes:.1f} MB, float16 safetensors.
- SHA-256 over the files (see `generation.models.model_digest`): `{sha256}`

## Licence
As the rest of Slate. Frames it makes carry no third party's rights in its training data, because there is none.
"""


def model_card(notes: dict[str, Any], size_bytes: int) -> str:
    """The card as Markdown; `notes` is what slate.json holds."""
    training = notes["training"]
    return _CARD.format(
        width=WIDTH,
        height=HEIGHT,
        fps=FPS,
        frames=MAX_FRAMES,
        tokens=MAX_TOKENS,
        subjects=", ".join(words[0].replace(" in a {color} coat", "") for words in SUBJECTS.values()),
        colors=", ".join(COLORS),
        settings=", ".join(SETTINGS),
        lights=", ".join(LIGHTS),
        sizes=", ".join(SHOT_SIZES),
        moves=", ".join(MOVES),
        clips=training["rendered_clips"],
        minutes=training["minutes"],
        steps=training["steps"],
        device="a GPU" if training["device"] == "cuda" else "a CPU (two cores, shared with other work)",
        megabytes=size_bytes / 1e6,
        history=f"{training['history']}\n" if training["history"] else "",
        sha256=notes["sha256"],
    )
