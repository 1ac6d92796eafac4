"""Trains the draft model on its own rendered scenes; resumable, on a CPU or a GPU: python -m generation.draft.train."""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LTXVideoTransformer3DModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from generation.draft.autoencoder import LappedPatchAutoencoder, fit
from generation.draft.flow import LatentShape, encode_text, flow_loss
from generation.draft.grammar import draw_scene
from generation.draft.model import (
    FPS,
    HEIGHT,
    WIDTH,
    build_text_encoder,
    build_tokenizer,
    build_transformer,
    pick_device,
)
from generation.draft.pool import ClipPool, captions
from generation.draft.refine import train_refiner
from generation.draft.renderer import render

# Scenes for fitting the autoencoder lie far from the pool's, so neither is tested on what it saw.
_FIT_SEED = 10_000_000


@dataclass(frozen=True)
class TrainConfig:
    """What a training run consists of; times in minutes, sizes in clips."""

    minutes: float = 150.0
    layers: int = 8
    heads: int = 4
    latent_channels: int = 32
    tokens_per_batch: int = 4320
    first_clips: int = 512
    max_clips: int = 12_000
    fresh_clips_per_step: int = 1
    fit_clips: int = 240
    learning_rate: float = 1e-3
    muon_times: float = 2.0
    warmup_steps: int = 60
    ema_decay: float = 0.9985
    long_from: float = 0.75
    save_every_minutes: float = 4.0
    refiner_channels: int = 48
    refiner_minutes: float = 8.0
    threads: int = 2
    seed: int = 1


class Weights(nn.Module):
    """The two trained parts, so that one state dict holds them."""

    def __init__(self, text_encoder: T5EncoderModel, transformer: LTXVideoTransformer3DModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = transformer


@dataclass
class State:
    """Everything a resumed run needs besides the pool."""

    weights: Weights
    average: dict[str, Tensor]
    optimizers: list[torch.optim.Optimizer]
    step: int = 0
    seconds: float = 0.0
    clips: int = 0


def optimizers(weights: Weights, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for everything else, in this order: rest, matrices."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in weights.named_parameters():
        inside = "transformer_blocks" in name or ".block." in name
        is_matrix = inside and parameter.ndim == 2 and min(parameter.shape) >= 64 and "relative" not in name
        (matrices if is_matrix else rest).append(parameter)
    return [
        torch.optim.AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01),
        torch.optim.Muon(
            matrices, lr=config.learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        ),
    ]


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Warm-up over steps, then flat to 40 % of the time, then a cosine down to 3 %."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    fall = max(0.0, (progress - 0.4) / 0.6)
    return config.learning_rate * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, fall))))


def latent_frames(config: TrainConfig, progress: float, rng: random.Random) -> int:
    """Length of the next batch's clips in latent frames: 1, 3, 5 or 7 for 1, 17, 33 or 49 frames.

    Single frames teach what words look like at a third of the price; later most batches are as long as a window.
    """
    early = progress < config.long_from
    return rng.choices((1, 3, 5, 7), (0.4, 0.45, 0.0, 0.15) if early else (0.1, 0.35, 0.1, 0.45))[0]


def load_autoencoder(config: TrainConfig, out: Path, device: torch.device) -> LappedPatchAutoencoder:
    """The fitted autoencoder of the run, fitted now if it is not there yet."""
    folder = out / "autoencoder"
    model: Any
    if folder.exists():
        model = LappedPatchAutoencoder.from_pretrained(folder).to(device)
    else:
        model = LappedPatchAutoencoder(
            latent_channels=config.latent_channels, refiner_channels=config.refiner_channels
        ).to(device)
        clips = [
            render(draw_scene(_FIT_SEED + n), 25, WIDTH, HEIGHT, FPS, device).transpose(0, 1) * 2 - 1
            for n in range(config.fit_clips)
        ]
        fit(model, clips)
        model.save_pretrained(folder)
    fitted: LappedPatchAutoencoder = model
    return fitted


def load_tokenizer(out: Path) -> PreTrainedTokenizerFast:
    """The run's tokenizer, fitted now if it is not there yet."""
    folder = out / "tokenizer"
    if not folder.exists():
        build_tokenizer().save_pretrained(folder)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer


def steps(
    state: State,
    config: TrainConfig,
    pool: ClipPool,
    tokenizer: PreTrainedTokenizerFast,
    device: torch.device,
) -> Iterator[float]:
    """Trains for ever, one batch per turn, and yields that batch's loss; the caller decides when to stop."""
    rows, columns = HEIGHT // 32, WIDTH // 32
    while True:
        started = time.monotonic()
        rng = random.Random(f"{config.seed} {state.step}")
        noise_rng = torch.Generator().manual_seed(config.seed * 1_000_003 + state.step)
        progress = state.seconds / (config.minutes * 60)
        if len(pool) < config.max_clips:
            pool.grow(config.fresh_clips_per_step)
        state.clips = len(pool)
        shape = LatentShape(latent_frames(config, progress, rng), rows, columns)
        size = max(2, config.tokens_per_batch // (shape.frames * shape.tokens_per_frame))
        clean, scenes = pool.batch(size, shape.frames, rng)
        with torch.autocast(device.type, torch.bfloat16):
            text = encode_text(captions(scenes, rng), tokenizer, state.weights.text_encoder, device)
            loss = flow_loss(state.weights.transformer, clean, text, shape, noise_rng, rng)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.weights.parameters(), 1.0)
        rate = learning_rate(config, state.step, progress)
        for optimizer, times in zip(state.optimizers, (1.0, config.muon_times), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * times
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        _update_average(state, config)
        state.step += 1
        state.seconds += time.monotonic() - started
        yield float(loss.detach())


@torch.no_grad()
def _update_average(state: State, config: TrainConfig) -> None:
    decay = min(config.ema_decay, (1 + state.step) / (10 + state.step))
    for name, parameter in state.weights.named_parameters():
        state.average[name].lerp_(parameter.detach(), 1 - decay)


def new_state(config: TrainConfig, tokenizer: PreTrainedTokenizerFast, device: torch.device) -> State:
    """Fresh weights, their average and their optimizers."""
    torch.manual_seed(config.seed)
    weights = Weights(
        build_text_encoder(tokenizer), build_transformer(config.layers, config.heads, config.latent_channels)
    ).to(device)
    average = {name: parameter.detach().clone() for name, parameter in weights.named_parameters()}
    return State(weights, average, optimizers(weights, config))


def save_state(state: State, config: TrainConfig, out: Path) -> None:
    """Writes the checkpoint and a readable summary; the old one stays until the new one is whole."""
    partial = out / "state.partial"
    torch.save(
        {
            "weights": state.weights.state_dict(),
            "average": state.average,
            "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
            "step": state.step,
            "seconds": state.seconds,
        },
        partial,
    )
    partial.replace(out / "state.pt")
    summary = {
        "config": asdict(config),
        "steps": state.step,
        "seconds": round(state.seconds),
        "clips": state.clips,
        "device": next(state.weights.parameters()).device.type,
    }
    (out / "run.json").write_text(json.dumps(summary, indent=2) + "\n")


def restore_state(state: State, path: Path, device: torch.device) -> None:
    """Continues from a checkpoint written by `save_state`."""
    saved = torch.load(path, map_location=device, weights_only=True)
    state.weights.load_state_dict(saved["weights"])
    state.average = saved["average"]
    for optimizer, values in zip(state.optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    state.step, state.seconds = saved["step"], saved["seconds"]


def train(config: TrainConfig, out: Path, resume: bool) -> State:
    """Runs until the configured minutes of training time are spent, saving on the way."""
    device = pick_device()
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(out)
    autoencoder = load_autoencoder(config, out, device)
    pool = ClipPool(out / "pool", autoencoder, device)
    state = new_state(config, tokenizer, device)
    if resume and (out / "state.pt").exists():
        restore_state(state, out / "state.pt", device)
    pool.grow(max(0, config.first_clips - len(pool)))
    print(f"{len(pool)} clips, {sum(p.numel() for p in state.weights.parameters()):,} parameters", flush=True)
    saved_at, mean = state.seconds, math.nan
    while state.seconds < config.minutes * 60:
        for loss in steps(state, config, pool, tokenizer, device):
            mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
            if state.step % 25 == 0:
                print(
                    f"step {state.step}  loss {mean:.4f}  {state.seconds / 60:.1f} min  {len(pool)} clips",
                    flush=True,
                )
            done = state.seconds >= config.minutes * 60
            if done or state.seconds - saved_at >= config.save_every_minutes * 60:
                save_state(state, config, out)
                saved_at = state.seconds
            if done:
                break
    if not (out / "refiner.safetensors").exists():
        train_refiner(out, config.refiner_minutes, device)
    return state


def main() -> None:
    """Parses the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes",
        type=float,
        default=TrainConfig.minutes,
        help="training time in all, resumed runs included",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and rendered clips")
    parser.add_argument(
        "--resume", action="store_true", help="continue from the folder's checkpoint if it has one"
    )
    parser.add_argument("--threads", type=int, default=TrainConfig.threads)
    arguments = parser.parse_args()
    config = TrainConfig(minutes=arguments.minutes, threads=arguments.threads)
    train(config, arguments.out, arguments.resume)


if __name__ == "__main__":
    main()
