"""The flow-matching loss of the draft model, under exactly the conditions the LTX pipelines run it in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from generation.draft.model import FPS, MAX_TOKENS

_PIXELS, _FRAMES = 32, 8


@dataclass(frozen=True)
class LatentShape:
    """A clip's extent in latents: frames, rows and columns."""

    frames: int
    rows: int
    columns: int

    @property
    def tokens_per_frame(self) -> int:
        return self.rows * self.columns


def encode_text(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, encoder: T5EncoderModel, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Embeddings (B, L, D) and mask (B, L), cut to the longest text.

    LTX pipelines pad to the full length and give the encoder no mask, so padding is seen by it here too; the
    transformer never looks at padding, so it can be cut off afterwards.
    """
    inputs = tokenizer(
        texts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    )
    hidden = encoder(inputs.input_ids.to(device))[0]
    longest = int(inputs.attention_mask.sum(1).max())
    return hidden[:, :longest], inputs.attention_mask[:, :longest].to(device)


def coordinates(shape: LatentShape, batch: int, device: torch.device) -> Tensor:
    """Token coordinates (B, 3, N) as LTXConditionPipeline gives them: seconds and pixels, the first frame at 0."""
    grid = torch.stack(
        torch.meshgrid(
            (torch.arange(shape.frames, device=device) * _FRAMES + 1 - _FRAMES).clamp(min=0) / FPS,
            torch.arange(shape.rows, device=device) * float(_PIXELS),
            torch.arange(shape.columns, device=device) * float(_PIXELS),
            indexing="ij",
        )
    )
    return grid.flatten(1).expand(batch, -1, -1)


def draw_sigmas(size: int, rng: torch.Generator, mean: float = 1.0, deviation: float = 1.2) -> Tensor:
    """Noise levels in 0..1, logit-normal with a tenth drawn evenly, so that both ends are seen.

    The mean lies high because a scene's palette and layout are spread over all tokens and can be read through much
    noise: only near 1 must the model decide them from the text.
    """
    normal = torch.sigmoid(torch.randn(size, generator=rng) * deviation + mean)
    even = torch.rand(size, generator=rng)
    return torch.where(torch.rand(size, generator=rng) < 0.1, even, normal)


def flow_loss(
    transformer: Any,
    clean: Tensor,
    text: tuple[Tensor, Tensor],
    shape: LatentShape,
    noise_rng: torch.Generator,
    rng: random.Random,
) -> Tensor:
    """Mean squared error of the predicted flow (noise minus clean) over the tokens that carry noise.

    In about a third of the batches the first 1 to 3 latent frames stay clean at time 0, as they are when a shot is
    extended; those use the coordinates of LTXConditionPipeline, the others mostly those of LTXPipeline.
    """
    size, device = len(clean), clean.device
    sigma = draw_sigmas(size, noise_rng).to(device)
    noise = torch.randn(clean.shape, generator=noise_rng).to(device)
    prefix = rng.randint(1, min(3, shape.frames - 1)) if shape.frames > 1 and rng.random() < 0.35 else 0
    placed = prefix > 0 or rng.random() < 0.2
    level = sigma[:, None].expand(-1, clean.shape[1])
    if prefix:
        level = level.clone()
        level[:, : prefix * shape.tokens_per_frame] = 0.0
    mixed = torch.lerp(clean, noise, level[..., None])
    embeds, mask = text
    predicted = transformer(
        hidden_states=mixed,
        encoder_hidden_states=embeds,
        timestep=(level if prefix else sigma) * 1000.0,
        encoder_attention_mask=mask,
        num_frames=shape.frames,
        height=shape.rows,
        width=shape.columns,
        rope_interpolation_scale=None if placed else (_FRAMES / FPS, _PIXELS, _PIXELS),
        video_coords=coordinates(shape, size, device) if placed else None,
        return_dict=False,
    )[0]
    start = prefix * shape.tokens_per_frame
    return functional.mse_loss(predicted[:, start:].float(), (noise - clean)[:, start:])
