"""Small random checkpoints of real diffusers classes, saved the ordinary way, and helpers to run them."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from generation.engines import Progress
from generation.shots import Shot

Watch = tuple[Callable[[Progress], None], list[Progress]]


@pytest.fixture
def small_shot() -> Shot:
    return Shot("a red car", 9, Fraction(24), 128, 64, seed=3, steps=2)


@pytest.fixture
def watch() -> Watch:
    seen: list[Progress] = []
    return seen.append, seen


def _text_parts() -> dict[str, object]:
    from transformers import T5Config, T5EncoderModel

    from generation.draft.model import build_tokenizer

    tokenizer = build_tokenizer()
    config = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    return {"tokenizer": tokenizer, "text_encoder": T5EncoderModel(config)}


@pytest.fixture(scope="session")
def ltx_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An LTXPipeline with a real AutoencoderKLLTXVideo (32x32x8), everything tiny and random."""
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    torch.manual_seed(0)
    pipe = LTXPipeline(
        **_text_parts(),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
            decoder_inject_noise=(False, False, False, False, False),
            upsample_residual=(False, False, False, False),
            upsample_factor=(1, 1, 1, 1),
            patch_size=4,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        ),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            num_layers=1,
            caption_channels=16,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    folder = tmp_path_factory.mktemp("ltx")
    pipe.save_pretrained(folder)
    notes = {"trained_width": 128, "trained_height": 64, "max_window_frames": 17, "prefix_max_frames": 9}
    (folder / "slate.json").write_text(json.dumps({"capabilities": notes}))
    return folder


@pytest.fixture(scope="session")
def wan_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WanPipeline with a real AutoencoderKLWan, everything tiny and random."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel

    torch.manual_seed(0)
    pipe = WanPipeline(
        **_text_parts(),
        vae=AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        transformer=WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=16,
            out_channels=16,
            text_dim=16,
            freq_dim=32,
            ffn_dim=16,
            num_layers=1,
            cross_attn_norm=True,
            qk_norm="rms_norm_across_heads",
            rope_max_seq_len=32,
        ),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
    )
    folder = tmp_path_factory.mktemp("wan")
    pipe.save_pretrained(folder)
    (folder / "slate.json").write_text(
        json.dumps({"capabilities": {"trained_width": 64, "trained_height": 32}})
    )
    return folder
