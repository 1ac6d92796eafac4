"""A linear autoencoder with lapped patches: 32x32 pixels of 1 or 8 frames become one latent vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.outputs import BaseOutput
from torch import Tensor

from generation.draft.refiner import Refiner


@dataclass
class EncoderOutput(BaseOutput):
    """What `encode` answers: `latents` of shape (B, C, F, H / 32, W / 32)."""

    latents: Tensor


class LappedPatchAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Frames to latents and back by two fixed linear maps.

    Around every inner patch border the pixels are first rotated pairwise (the time-domain aliasing step of the lapped
    transforms, Malvar 1992), so that the patches' basis functions reach 16 pixels into their neighbours and errors
    fade across borders instead of showing as blocks. Then each 32x32 patch of a frame is projected on a principal
    basis; the first frame keeps its leading coefficients, and each later group of 8 frames is projected again on a
    principal basis over time. Latents are those coefficients over a softened spread, so their overall variance is 1.
    A small convolutional refiner may follow the linear decoder (`refiner_channels` > 0).

    Few coefficients are enough: 32 of them keep these scenes at about 29 dB, and a narrow transformer learns to fill
    them far sooner than the 128 of the large LTX models.

    Fits where diffusers' LTX pipelines expect a VAE: frames come as 1 + 8 n, each side divides by 32.
    """

    _supports_gradient_checkpointing = False

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        latent_channels: int = 32,
        spatial_components: int = 256,
        patch_size: int = 32,
        group_frames: int = 8,
        refiner_channels: int = 0,
        scaling_factor: float = 1.0,
        timestep_conditioning: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        pixels = 3 * patch_size * patch_size
        self.patch_size = patch_size
        self.group_frames = group_frames
        self.spatial_compression_ratio = patch_size
        self.temporal_compression_ratio = group_frames
        self.register_buffer("patch_mean", torch.zeros(pixels))
        self.register_buffer("patch_basis", torch.zeros(spatial_components, pixels))
        self.register_buffer("group_basis", torch.zeros(latent_channels, group_frames * spatial_components))
        self.register_buffer("first_spread", torch.ones(latent_channels))
        self.register_buffer("group_spread", torch.ones(latent_channels))
        self.register_buffer("latents_mean", torch.zeros(latent_channels))
        self.register_buffer("latents_std", torch.ones(latent_channels))
        self.refiner = Refiner(refiner_channels) if refiner_channels else None

    def encode(self, x: Tensor, return_dict: bool = True) -> Any:
        """Latents of frames (B, 3, 1 + 8 n, H, W) in -1..1."""
        coefficients = self.patch_coefficients(x)
        first = coefficients[:, :1, ..., : self.first_spread.numel()] / self.first_spread
        latents = first
        if coefficients.shape[1] > 1:
            grouped = self.group_coefficients(coefficients[:, 1:])
            latents = torch.cat([first, (grouped @ self.group_basis.T) / self.group_spread], dim=1)
        latents = latents.permute(0, 4, 1, 2, 3).contiguous()
        return EncoderOutput(latents=latents) if return_dict else (latents,)

    def decode(self, z: Tensor, timestep: Tensor | None = None, return_dict: bool = True) -> Any:
        """Frames (B, 3, 1 + 8 (F - 1), H, W) in about -1..1 of latents (B, C, F, h, w); `timestep` means nothing."""
        del timestep
        batch, _, count, rows, columns = z.shape
        tokens = z.permute(0, 2, 3, 4, 1)
        kept = self.first_spread.numel()
        patches = (tokens[:, :1] * self.first_spread) @ self.patch_basis[:kept]
        if count > 1:
            grouped = (tokens[:, 1:] * self.group_spread) @ self.group_basis
            grouped = grouped.view(batch, count - 1, rows, columns, self.group_frames, -1)
            grouped = grouped.permute(0, 1, 4, 2, 3, 5).reshape(
                batch, (count - 1) * self.group_frames, rows, columns, -1
            )
            patches = torch.cat([patches, grouped @ self.patch_basis], dim=1)
        frames = self._unpatchify(patches + self.patch_mean)
        frames = lap(frames, self.patch_size, inverse=True)
        if self.refiner is not None:
            frames = self.refiner(frames.flatten(0, 1)).view_as(frames)
        sample = frames.transpose(1, 2)
        return DecoderOutput(sample=sample) if return_dict else (sample,)

    def patch_coefficients(self, x: Tensor) -> Tensor:
        """Spatial coefficients (B, T, h, w, spatial components) of frames (B, 3, T, H, W)."""
        projected: Tensor = (self.patchify(x) - self.patch_mean) @ self.patch_basis.T
        return projected

    def patchify(self, x: Tensor) -> Tensor:
        """Lapped patches (B, T, h, w, 3 * 32 * 32) of frames (B, 3, T, H, W)."""
        frames = lap(x.transpose(1, 2), self.patch_size)
        batch, count, channels, height, width = frames.shape
        size = self.patch_size
        patches = frames.reshape(batch, count, channels, height // size, size, width // size, size)
        return patches.permute(0, 1, 3, 5, 2, 4, 6).flatten(4)

    def group_coefficients(self, coefficients: Tensor) -> Tensor:
        """Joins each run of 8 frames' spatial coefficients into one vector: (B, T / 8, h, w, 8 * components)."""
        batch, count, rows, columns, size = coefficients.shape
        groups = coefficients.view(batch, count // self.group_frames, self.group_frames, rows, columns, size)
        return groups.permute(0, 1, 3, 4, 2, 5).flatten(4)

    def _unpatchify(self, patches: Tensor) -> Tensor:
        batch, count, rows, columns, _ = patches.shape
        size = self.patch_size
        frames = patches.view(batch, count, rows, columns, 3, size, size).permute(0, 1, 4, 2, 5, 3, 6)
        return frames.reshape(batch, count, 3, rows * size, columns * size)


def lap(frames: Tensor, size: int, inverse: bool = False) -> Tensor:
    """Rotates the pixel pairs mirrored at every inner patch border of (..., H, W); `inverse` undoes it exactly."""
    return _lap_columns(_lap_columns(frames, size, inverse).transpose(-1, -2), size, inverse).transpose(
        -1, -2
    )


def _lap_columns(frames: Tensor, size: int, inverse: bool) -> Tensor:
    borders = frames.shape[-1] // size - 1
    if borders < 1:
        return frames
    reach = size // 2
    distance = torch.arange(reach, device=frames.device, dtype=torch.float32)
    angle = (math.pi / 4) * (1 - (distance + 0.5) / reach)
    # Written from the border outwards on the right side, and mirrored for the left side.
    right_cos, right_sin = angle.cos().to(frames.dtype), angle.sin().to(frames.dtype)
    if inverse:
        right_sin = -right_sin
    inner = frames[..., reach:-reach].reshape(*frames.shape[:-1], borders, 2, reach)
    left, right = inner[..., 0, :].flip(-1), inner[..., 1, :]
    turned_left = (right_cos * left + right_sin * right).flip(-1)
    turned_right = right_cos * right - right_sin * left
    turned = torch.stack([turned_left, turned_right], dim=-2).flatten(-3)
    return torch.cat([frames[..., :reach], turned, frames[..., -reach:]], dim=-1)


@torch.no_grad()
def fit(model: LappedPatchAutoencoder, clips: list[Tensor], softness: float = 0.6) -> None:
    """Sets the bases from sample clips, each (3, 1 + 8 n, H, W) in -1..1, by principal components.

    The spread a coefficient is divided by is its standard deviation to the power `softness`: 1 would whiten, which
    spends the model's effort on faint detail, 0 would leave it to the few strongest components.
    """
    # One frame in three carries nearly all there is to learn about single patches.
    patches = torch.cat([model.patchify(clip[None, :, ::3]).flatten(0, 3) for clip in clips])
    model.patch_mean.copy_(patches.mean(0))
    model.patch_basis.copy_(_principal(patches - model.patch_mean, model.patch_basis.shape[0]))
    del patches
    first, groups = [], []
    for clip in clips:
        coefficients = model.patch_coefficients(clip[None])
        first.append(coefficients[:, :1].flatten(0, 3))
        groups.append(model.group_coefficients(coefficients[:, 1:]).flatten(0, 3))
    grouped = torch.cat(groups)
    model.group_basis.copy_(_principal(grouped, model.group_basis.shape[0]))
    kept = model.first_spread.numel()
    for spread, values in (
        (model.first_spread, torch.cat(first)[:, :kept]),
        (model.group_spread, grouped @ model.group_basis.T),
    ):
        deviation = values.pow(2).mean(0).sqrt().clamp(min=1e-6)
        softened = deviation**softness
        spread.copy_(softened * (deviation / softened).pow(2).mean().sqrt())


def _principal(rows: Tensor, count: int) -> Tensor:
    """The `count` leading principal directions of centred rows (N, D), as (count, D)."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
    order = values.argsort(descending=True)[:count]
    return vectors[:, order].T.contiguous()
