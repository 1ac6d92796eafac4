"""Builds the draft model's parts: tokenizer, text encoder, transformer, scheduler, and the pipeline that joins them."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from generation.draft.autoencoder import LappedPatchAutoencoder
from generation.draft.grammar import vocabulary_words

WIDTH, HEIGHT, FPS = 288, 160, 24
MAX_TOKENS = 128
GUIDANCE, STEPS, SHIFT = 3.0, 20, 3.0
MAX_FRAMES = 49
_TEXT_WIDTH = 128


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A lower-casing tokenizer with one piece per word or sign of the grammar's captions.

    Every other word becomes one unknown piece: the grammar is closed, so its letters could mean nothing to the model.
    """
    special = ["<pad>", "</s>", "<unk>"]
    vocabulary = {piece: index for index, piece in enumerate([*special, *sorted(vocabulary_words())])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=special[2]))
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
    )
    core.post_processor = processors.TemplateProcessing(
        single=f"$A {special[1]}", special_tokens=[(special[1], vocabulary[special[1]])]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        pad_token=special[0],
        eos_token=special[1],
        unk_token=special[2],
        model_max_length=MAX_TOKENS,
    )


def build_text_encoder(tokenizer: PreTrainedTokenizerFast, layers: int = 2) -> T5EncoderModel:
    """A small T5 encoder with random weights; it is trained together with the transformer."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=_TEXT_WIDTH,
            d_kv=32,
            d_ff=256,
            num_layers=layers,
            num_heads=4,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def build_transformer(
    layers: int = 8, heads: int = 4, latent_channels: int = 32
) -> LTXVideoTransformer3DModel:
    """An LTX transformer of `heads` times 64 wide with random weights."""
    width = heads * 64
    return LTXVideoTransformer3DModel(  # type: ignore[no-untyped-call]
        in_channels=latent_channels,
        out_channels=latent_channels,
        num_attention_heads=heads,
        attention_head_dim=64,
        cross_attention_dim=width,
        num_layers=layers,
        caption_channels=_TEXT_WIDTH,
    )


def build_pipeline(
    tokenizer: PreTrainedTokenizerFast,
    text_encoder: T5EncoderModel,
    transformer: LTXVideoTransformer3DModel,
    autoencoder: LappedPatchAutoencoder,
    shift: float = 1.0,
) -> LTXPipeline:
    """The ordinary diffusers pipeline over these parts.

    The scheduler's shift is static: LTXConditionPipeline never computes the `mu` that dynamic shifting asks for.
    """
    scheduler = FlowMatchEulerDiscreteScheduler(  # type: ignore[no-untyped-call]
        shift=shift, use_dynamic_shifting=False
    )
    parts: dict[str, Any] = {
        "tokenizer": tokenizer,
        "text_encoder": text_encoder,
        "transformer": transformer,
        "vae": autoencoder,
        "scheduler": scheduler,
    }
    return LTXPipeline(**parts)  # type: ignore[no-untyped-call]


def pick_device() -> torch.device:
    """The CUDA device when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
