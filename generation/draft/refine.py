"""Trains the small net that cleans up after the linear decoder; minutes on a CPU: python -m generation.draft.refine."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from generation.draft.autoencoder import LappedPatchAutoencoder
from generation.draft.grammar import draw_scene
from generation.draft.model import FPS, HEIGHT, WIDTH, pick_device
from generation.draft.refiner import Refiner
from generation.draft.renderer import render

_FIRST_SEED = 20_000_000
_CLIP_FRAMES = 9
_CLIPS_PER_STEP = 2
_RATE = 2e-3
# Generated latents are a little off; the net learns to live with that much noise on them.
_MOST_NOISE = 0.12


def refine_steps(
    refiner: Refiner, autoencoder: Any, optimizer: torch.optim.Optimizer, device: torch.device, first: int = 0
) -> Iterator[tuple[float, float]]:
    """Trains for ever on fresh renders; yields the mean squared error (frames in -1..1) after and before refining."""
    rng = torch.Generator().manual_seed(_FIRST_SEED + first)
    for step in range(first, 1 << 40):
        sharp = torch.cat(
            [_clip(_FIRST_SEED + step * _CLIPS_PER_STEP + n, device) for n in range(_CLIPS_PER_STEP)]
        )
        with torch.no_grad():
            latents = autoencoder.encode(sharp).latents
            noise = torch.randn(latents.shape, generator=rng).to(device)
            rough = autoencoder.decode(
                latents + noise * _MOST_NOISE * torch.rand((), generator=rng).item()
            ).sample
        rough, sharp = rough.transpose(1, 2).flatten(0, 1), sharp.transpose(1, 2).flatten(0, 1)
        with torch.autocast(device.type, torch.bfloat16):
            refined = refiner(rough)
        error = functional.mse_loss(refined.float(), sharp)
        # The absolute error keeps edges crisp where the squared one would blur them.
        loss = error + 0.3 * functional.l1_loss(refined.float(), sharp)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield float(error.detach()), float(functional.mse_loss(rough, sharp))


def train_refiner(out: Path, minutes: float, device: torch.device) -> None:
    """Trains the run's refiner for that long, from refiner.safetensors if it is there, and writes that file."""
    autoencoder: Any = LappedPatchAutoencoder.from_pretrained(out / "autoencoder").to(device)
    refiner: Any = autoencoder.refiner.train()
    # The decoder must show its own errors while the net learns to mend them.
    autoencoder.refiner = None
    target = out / "refiner.safetensors"
    if target.exists():
        refiner.load_state_dict(load_file(target))
    optimizer = torch.optim.AdamW(refiner.parameters(), lr=_RATE, weight_decay=0.0)
    started, after, before = time.monotonic(), math.nan, math.nan
    for step, (error, untouched) in enumerate(refine_steps(refiner, autoencoder, optimizer, device)):
        after = error if step == 0 else 0.97 * after + 0.03 * error
        before = untouched if step == 0 else 0.97 * before + 0.03 * untouched
        progress = (time.monotonic() - started) / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * max(0.02, 1 - progress)
        if step % 50 == 0:
            print(f"refiner {step}  {_psnr(before):.2f} dB -> {_psnr(after):.2f} dB", flush=True)
        if progress >= 1:
            break
    save_file(refiner.state_dict(), target)


def _psnr(squared_error: float) -> float:
    """Peak signal-to-noise ratio in dB; the peak of frames in -1..1 is 2."""
    return 10 * math.log10(4 / squared_error)


def _clip(seed: int, device: torch.device) -> Tensor:
    frames = render(draw_scene(seed), _CLIP_FRAMES, WIDTH, HEIGHT, FPS, device)
    return frames.transpose(0, 1)[None] * 2 - 1


def main() -> None:
    """Parses the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the training run")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train_refiner(arguments.out, arguments.minutes, pick_device())


if __name__ == "__main__":
    main()
