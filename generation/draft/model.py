"""Builds the draft model's parts: tokenizer, text encoder, transformer, scheduler, and the pipeline that joins them."""

from __future__ import annotations

import random
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from generation.draft.autoencoder import LappedPatchAutoencoder
from generation.draft.grammar import caption, draw_scene

WIDTH, HEIGHT, FPS = 288, 160, 24
MAX_TOKENS = 128
GUIDANCE, STEPS, SHIFT = 3.0, 20, 1.0
MAX_FRAMES = 49
_CORPUS_CAPTIONS = 30_000
_TEXT_WIDTH = 128


def build_tokenizer(vocabulary: int = 2048) -> T5Tokenizer:
    """A Unigram tokenizer of at most `vocabulary` pieces, fitted on the grammar's own captions; lower-cases its input."""
    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    core.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    core.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    rng = random.Random("tokenizer")
    corpus = (caption(draw_scene(index), rng) for index in range(_CORPUS_CAPTIONS))
    # Every printable ASCII sign is a piece of its own, so that ordinary text never becomes unknown.
    alphabet = [chr(code) for code in range(33, 127)]
    core.train_from_iterator(
        corpus,
        trainers.UnigramTrainer(
            vocab_size=vocabulary, special_tokens=special, unk_token="<unk>", initial_alphabet=alphabet
        ),
    )
    core.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", core.token_to_id("</s>"))]
    )
    return T5Tokenizer(
        tokenizer_object=core,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        extra_ids=0,
        model_max_length=MAX_TOKENS,
    )


def build_text_encoder(tokenizer: T5Tokenizer, layers: int = 2) -> T5EncoderModel:
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
    layers: int = 8, heads: int = 4, latent_channels: int = 128
) -> LTXVideoTransformer3DModel:
    """An LTX transformer of `heads` times 64 wide with random weights."""
    width = heads * 64
    return LTXVideoTransformer3DModel(
        in_channels=latent_channels,
        out_channels=latent_channels,
        num_attention_heads=heads,
        attention_head_dim=64,
        cross_attention_dim=width,
        num_layers=layers,
        caption_channels=_TEXT_WIDTH,
    )


def build_pipeline(
    tokenizer: T5Tokenizer,
    text_encoder: T5EncoderModel,
    transformer: LTXVideoTransformer3DModel,
    autoencoder: LappedPatchAutoencoder,
    shift: float = 1.0,
) -> LTXPipeline:
    """The ordinary diffusers pipeline over these parts.

    The scheduler's shift is static: LTXConditionPipeline never computes the `mu` that dynamic shifting asks for.
    """
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift, use_dynamic_shifting=False)
    parts: dict[str, Any] = {
        "tokenizer": tokenizer,
        "text_encoder": text_encoder,
        "transformer": transformer,
        "vae": autoencoder,
        "scheduler": scheduler,
    }
    return LTXPipeline(**parts)


def pick_device() -> torch.device:
    """The CUDA device when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
