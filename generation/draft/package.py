"""Packs a training run as the shipped checkpoint: python -m generation.draft.package RUN_FOLDER WEIGHTS_FOLDER."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import LTXPipeline
from safetensors.torch import load_file

from generation.draft.autoencoder import LappedPatchAutoencoder
from generation.draft.model import (
    FPS,
    GUIDANCE,
    HEIGHT,
    MAX_FRAMES,
    MAX_TOKENS,
    SHIFT,
    STEPS,
    WIDTH,
    build_pipeline,
    build_text_encoder,
    build_transformer,
)
from generation.draft.model_card import model_card
from generation.draft.train import Weights, load_tokenizer
from generation.models import model_digest

PREFIX_FRAMES = 17
_LIMIT_BYTES = 25_000_000


def assemble(run: Path) -> LTXPipeline:
    """The run's averaged weights as a pipeline in float32."""
    summary = json.loads((run / "run.json").read_text())
    tokenizer = load_tokenizer(run)
    autoencoder = LappedPatchAutoencoder.from_pretrained(run / "autoencoder")
    refiner = run / "refiner.safetensors"
    if refiner.exists():
        autoencoder.refiner.load_state_dict(load_file(refiner))
    config = summary["config"]
    transformer = build_transformer(config["layers"], config["heads"], config["latent_channels"])
    weights = Weights(build_text_encoder(tokenizer), transformer)
    saved = torch.load(run / "state.pt", map_location="cpu", weights_only=True)
    weights.load_state_dict(saved["average"], strict=False)
    return build_pipeline(tokenizer, weights.text_encoder, weights.transformer, autoencoder, SHIFT)


def package(run: Path, target: Path) -> dict[str, Any]:
    """Writes the checkpoint, slate.json and the model card into `target`, replacing what was there; returns slate.json.

    The old folder goes only after the new one is whole. Raises ValueError if the result would be over 25 MB.
    """
    fresh = target.with_name(target.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    pipe: Any = assemble(run)
    pipe.to(dtype=torch.float16).save_pretrained(fresh, safe_serialization=True)
    _name_autoencoder_module(fresh / "model_index.json")
    size = sum(file.stat().st_size for file in fresh.rglob("*") if file.is_file())
    if size > _LIMIT_BYTES:
        shutil.rmtree(fresh)
        raise ValueError(f"the checkpoint would have {size} bytes, {_LIMIT_BYTES} are allowed")
    summary = json.loads((run / "run.json").read_text())
    notes = {
        "sha256": model_digest(fresh),
        "training": {
            "steps": summary["steps"],
            "minutes": round(summary["seconds"] / 60),
            "device": summary["device"],
            "rendered_clips": summary["clips"],
            "history": summary.get("history", ""),
        },
        "capabilities": {
            "size_multiple": 32,
            "frame_step": 8,
            "trained_width": WIDTH,
            "trained_height": HEIGHT,
            "trained_fps": FPS,
            "fps_range": [FPS, FPS],
            "fixed_size": True,
            "max_window_frames": MAX_FRAMES,
            "prefix_max_frames": PREFIX_FRAMES,
            "max_prompt_tokens": MAX_TOKENS,
            "default_steps": STEPS,
            "default_guidance": GUIDANCE,
            "max_duration_s": 60,
            "decode_context": [1, 0],
            "level_windows": True,
        },
    }
    (fresh / "slate.json").write_text(json.dumps(notes, indent=2) + "\n")
    (fresh / "MODEL_CARD.md").write_text(model_card(notes, size))
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)
    return notes


def _name_autoencoder_module(index_file: Path) -> None:
    # diffusers writes the class' top package only; loading needs the module that holds it.
    index = json.loads(index_file.read_text())
    index["vae"] = ["generation.draft.autoencoder", "LappedPatchAutoencoder"]
    index_file.write_text(json.dumps(index, indent=2) + "\n")


def main() -> None:
    """Parses the command line and packs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder given to generation.draft.train --out")
    parser.add_argument("target", type=Path, help="the folder to write, for example generation/draft/weights")
    arguments = parser.parse_args()
    notes = package(arguments.run, arguments.target)
    print(f"{arguments.target}: {notes['sha256']}")


if __name__ == "__main__":
    main()
