"""Keeps rendered clips as latents on disk, so that each is rendered once however often training is resumed."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.draft.autoencoder import LappedPatchAutoencoder
from generation.draft.grammar import Scene, caption, draw_scene
from generation.draft.model import FPS, HEIGHT, MAX_FRAMES, WIDTH
from generation.draft.renderer import render

_SHARD = 256


class ClipPool:
    """Latents of scenes 0, 1, 2, ... in order; scene n is always drawn from seed n.

    Every clip is kept twice over: as single-frame latents of the frames 0, 8, 16, ... and as latents of the 8-frame
    groups between them. A shorter training clip can then begin at any of those frames.
    """

    def __init__(self, directory: Path, autoencoder: LappedPatchAutoencoder, device: torch.device) -> None:
        self._directory = directory
        self._autoencoder = autoencoder
        self._device = device
        self._singles: list[Tensor] = []
        self._groups: list[Tensor] = []
        directory.mkdir(parents=True, exist_ok=True)
        for shard in sorted(directory.glob("clips-*.safetensors")):
            data = load_file(shard)
            self._singles.extend(data["singles"])
            self._groups.extend(data["groups"])

    def __len__(self) -> int:
        return len(self._singles)

    @torch.no_grad()
    def grow(self, count: int) -> None:
        """Renders and encodes the next `count` scenes."""
        for _ in range(count):
            frames = render(draw_scene(len(self)), MAX_FRAMES, WIDTH, HEIGHT, FPS, self._device)
            video = frames.transpose(0, 1)[None] * 2 - 1
            groups = self._encode(video)[0, :, 1:]
            singles = self._encode(video[:, :, ::8].transpose(0, 2))[:, :, 0]
            # Both become (frames, rows, columns, channels), the order in which the transformer reads tokens.
            self._singles.append(singles.permute(0, 2, 3, 1).half().cpu())
            self._groups.append(groups.permute(1, 2, 3, 0).half().cpu())
            if len(self) % _SHARD == 0:
                self._save_shard(len(self) // _SHARD - 1)

    def _encode(self, video: Tensor) -> Tensor:
        latents: Tensor = self._autoencoder.encode(video).latents
        return latents

    def _save_shard(self, index: int) -> None:
        span = slice(index * _SHARD, (index + 1) * _SHARD)
        data = {"singles": torch.stack(self._singles[span]), "groups": torch.stack(self._groups[span])}
        target = self._directory / f"clips-{index:05d}.safetensors"
        partial = target.with_suffix(".partial")
        save_file(data, partial)
        partial.replace(target)

    def batch(self, size: int, latent_frames: int, rng: random.Random) -> tuple[Tensor, list[Scene]]:
        """Random clips as tokens (size, latent_frames * rows * columns, channels) in float32, with their scenes."""
        tokens, scenes = [], []
        for _ in range(size):
            index = rng.randrange(len(self))
            start = rng.randrange(len(self._singles[index]) - latent_frames + 1)
            following = self._groups[index][start : start + latent_frames - 1]
            tokens.append(torch.cat([self._singles[index][start : start + 1], following]).flatten(0, 2))
            scenes.append(draw_scene(index))
        return torch.stack(tokens).to(self._device, torch.float32), scenes


def captions(scenes: list[Scene], rng: random.Random, empty_share: float = 0.1) -> list[str]:
    """A fresh caption per scene, empty for `empty_share` of them, as classifier-free guidance needs."""
    return ["" if rng.random() < empty_share else caption(scene, rng) for scene in scenes]
