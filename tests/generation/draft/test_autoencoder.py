"""The linear autoencoder keeps renders recognisable, latents tame, and fits where LTX pipelines expect a VAE."""

import math

import pytest
import torch

from generation.draft.autoencoder import LappedPatchAutoencoder, fit, lap
from generation.draft.grammar import draw_scene
from generation.draft.refiner import Refiner
from generation.draft.renderer import render
from generation.models import DRAFT_PATH


@pytest.fixture(scope="module")
def shipped() -> LappedPatchAutoencoder:
    return LappedPatchAutoencoder.from_pretrained(DRAFT_PATH / "vae", torch_dtype=torch.float32).eval()


def _clip(seed: int, frames: int = 17) -> torch.Tensor:
    return render(draw_scene(seed), frames, 288, 160).transpose(0, 1)[None] * 2 - 1


def _psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    return -10 * math.log10(float(((one - other) / 2).pow(2).mean()))


@pytest.mark.parametrize("size", [(32, 32), (64, 32), (160, 288)])
def test_lapping_is_undone_exactly_and_keeps_energy(size: tuple[int, int]) -> None:
    frames = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    lapped = lap(frames, 32)
    assert torch.allclose(lap(lapped, 32, inverse=True), frames, atol=1e-5)
    assert float(lapped.pow(2).sum()) == pytest.approx(float(frames.pow(2).sum()), rel=1e-5)


def test_lapping_reaches_over_the_border_but_not_past_half_a_patch() -> None:
    frames = torch.zeros(1, 1, 32, 96)
    frames[..., 33] = 1.0
    touched = torch.nonzero(lap(frames, 32)[0, 0, 0]).flatten().tolist()
    assert touched == [30, 33]


@torch.no_grad()
def test_a_fit_on_a_few_scenes_beats_plain_averaging_by_far() -> None:
    model = LappedPatchAutoencoder(latent_channels=16, spatial_components=24, patch_size=8)
    clips = [render(draw_scene(seed), 9, 64, 32).transpose(0, 1) * 2 - 1 for seed in range(30)]
    fit(model, clips)
    unseen = render(draw_scene(99), 9, 64, 32).transpose(0, 1)[None] * 2 - 1
    latents = model.encode(unseen).latents
    assert latents.shape == (1, 16, 2, 4, 8)
    restored = model.decode(latents).sample
    average = unseen.mean(dim=(2, 3, 4), keepdim=True).expand_as(unseen)
    assert _psnr(restored, unseen) > _psnr(average, unseen) + 4


@torch.no_grad()
@pytest.mark.parametrize("seed", [30_000_001, 30_000_002, 30_000_003])
def test_the_shipped_autoencoder_keeps_unseen_scenes(shipped: LappedPatchAutoencoder, seed: int) -> None:
    clip = _clip(seed)
    latents = shipped.encode(clip).latents
    assert latents.shape == (1, 32, 3, 5, 9)
    assert 0.5 < float(latents.std()) < 2.0
    assert _psnr(shipped.decode(latents).sample.clamp(-1, 1), clip) > 24


@torch.no_grad()
def test_re_encoding_the_end_of_a_clip_gives_its_groups_again(shipped: LappedPatchAutoencoder) -> None:
    linear = LappedPatchAutoencoder.from_pretrained(DRAFT_PATH / "vae", torch_dtype=torch.float32)
    linear.refiner = None
    latents = linear.encode(_clip(30_000_004)).latents
    tail = linear.decode(latents).sample[:, :, -9:]
    again = linear.encode(tail).latents
    assert float((again[:, :, 1] - latents[:, :, 2]).abs().max()) < 0.02


@torch.no_grad()
def test_chunks_of_latents_decode_to_the_same_frames(shipped: LappedPatchAutoencoder) -> None:
    latents = shipped.encode(_clip(30_000_005, 25)).latents
    whole = shipped.decode(latents).sample
    later = shipped.decode(latents[:, :, 1:]).sample
    assert torch.allclose(later[:, :, 1:], whole[:, :, 9:], atol=1e-4)


def test_an_untrained_refiner_changes_nothing() -> None:
    frames = torch.randn(2, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(Refiner(8)(frames), frames)


@torch.no_grad()
def test_the_shipped_refiner_helps(shipped: LappedPatchAutoencoder) -> None:
    linear = LappedPatchAutoencoder.from_pretrained(DRAFT_PATH / "vae", torch_dtype=torch.float32)
    linear.refiner = None
    gains = []
    for seed in (30_000_006, 30_000_007, 30_000_008, 30_000_009):
        clip = _clip(seed, 9)
        latents = linear.encode(clip).latents
        gains.append(_psnr(shipped.decode(latents).sample, clip) - _psnr(linear.decode(latents).sample, clip))
    assert sum(gains) / len(gains) > 0.5
