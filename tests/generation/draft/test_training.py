"""Training on a tiny configuration lowers the loss, resumes where it stopped, and packs into a checkpoint that runs."""

import math
import random
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from generation.draft.flow import LatentShape, coordinates, draw_sigmas, encode_text
from generation.draft.model import build_text_encoder, build_tokenizer
from generation.draft.package import package
from generation.draft.pool import ClipPool, captions
from generation.draft.refine import refine_steps
from generation.draft.refiner import Refiner
from generation.draft.train import (
    State,
    TrainConfig,
    learning_rate,
    load_autoencoder,
    load_tokenizer,
    new_state,
    restore_state,
    save_state,
    steps,
    train,
)
from generation.engines import open_engine
from generation.models import DRAFT_PATH, model_digest
from generation.planning import plan_shot
from generation.shots import Shot

TINY = TrainConfig(
    minutes=600,
    layers=1,
    heads=1,
    tokens_per_batch=540,
    first_clips=6,
    max_clips=6,
    warmup_steps=4,
    threads=1,
    refiner_minutes=0.01,
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that starts from the shipped autoencoder, whose fitting takes most of a minute."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(DRAFT_PATH / "vae", folder / "autoencoder")
    return folder


@pytest.fixture(scope="module")
def pool(run: Path) -> ClipPool:
    pool = ClipPool(run / "pool", load_autoencoder(TINY, run, CPU), CPU)
    pool.grow(6)
    return pool


@pytest.fixture(scope="module")
def state(run: Path, pool: ClipPool) -> tuple[State, list[float]]:
    tokenizer = load_tokenizer(run)
    state = new_state(TINY, tokenizer, CPU)
    turns = steps(state, TINY, pool, tokenizer, CPU)
    return state, [next(turns) for _ in range(40)]


def test_forty_steps_lower_the_loss(state: tuple[State, list[float]]) -> None:
    losses = state[1]
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-8:]) < 0.9 * sum(losses[:8])


def test_the_average_follows_the_weights_at_a_distance(state: tuple[State, list[float]]) -> None:
    weights = state[0].weights.state_dict()
    apart = [float((state[0].average[name] - weights[name]).abs().max()) for name in state[0].average]
    assert max(apart) > 0


def test_a_resumed_run_goes_on_from_the_same_weights(
    state: tuple[State, list[float]], run: Path, pool: ClipPool, tmp_path: Path
) -> None:
    save_state(state[0], TINY, tmp_path)
    tokenizer = load_tokenizer(run)
    resumed = new_state(replace(TINY, seed=2), tokenizer, CPU)
    restore_state(resumed, tmp_path / "state.pt", CPU)
    assert resumed.step == 40
    for name, value in state[0].weights.state_dict().items():
        assert torch.equal(resumed.weights.state_dict()[name], value)
    assert next(steps(resumed, TINY, pool, tokenizer, CPU)) < state[1][0]


def test_a_packed_run_loads_through_the_ordinary_door(
    state: tuple[State, list[float]], run: Path, tmp_path: Path
) -> None:
    save_state(state[0], TINY, run)
    target = tmp_path / "weights"
    notes = package(run, target)
    assert notes["sha256"] == model_digest(target)
    assert notes["sha256"] in (target / "MODEL_CARD.md").read_text()
    assert notes["training"]["steps"] == 40
    engine = open_engine(str(target), device="cpu", threads=1)
    shot = Shot("a red car", 9, Fraction(24), 288, 160, seed=1, steps=1)
    latents = engine.denoise(shot, plan_shot(shot, engine.capabilities), lambda progress: None, lambda: False)
    assert len(list(engine.decode(latents))) == 9


def test_packing_again_replaces_the_checkpoint_and_leaves_nothing_half_made(
    state: tuple[State, list[float]], run: Path, tmp_path: Path
) -> None:
    save_state(state[0], TINY, run)
    target = tmp_path / "weights"
    target.mkdir()
    (target / "old.safetensors").write_bytes(b"old")
    package(run, target)
    assert not (target / "old.safetensors").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_the_command_trains_saves_and_refines(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "autoencoder", tmp_path / "autoencoder")
    short = replace(TINY, minutes=0.02, first_clips=2, max_clips=2)
    state = train(short, tmp_path, resume=False)
    assert state.step >= 1
    assert (tmp_path / "state.pt").is_file()
    assert (tmp_path / "refiner.safetensors").is_file()
    assert train(short, tmp_path, resume=True).step == state.step


def test_a_pool_renders_each_clip_once(pool: ClipPool, run: Path) -> None:
    first, scenes = pool.batch(2, 3, random.Random(1))
    again, _ = pool.batch(2, 3, random.Random(1))
    assert first.shape == (2, 3 * 45, 32)
    assert torch.equal(first, again)
    assert len(scenes) == 2


def test_ten_percent_of_captions_are_empty(pool: ClipPool) -> None:
    _, scenes = pool.batch(400, 1, random.Random(2))
    empty = captions(scenes, random.Random(3)).count("")
    assert 20 <= empty <= 60


def test_text_is_encoded_like_the_pipeline_does_it() -> None:
    tokenizer = build_tokenizer()
    encoder = build_text_encoder(tokenizer, layers=1).eval()
    with torch.no_grad():
        embeds, mask = encode_text(["a red car", ""], tokenizer, encoder, CPU)
        whole = encoder(
            tokenizer("a red car", padding="max_length", max_length=128, return_tensors="pt").input_ids
        )[0]
    assert embeds.shape == (2, 4, 128)
    assert mask.sum(1).tolist() == [4, 1]
    assert torch.allclose(embeds[0], whole[0, :4], atol=1e-5)


def test_coordinates_are_those_of_the_condition_pipeline() -> None:
    from diffusers import LTXConditionPipeline as Pipeline

    ids = Pipeline._prepare_video_ids(2, 3, 5, 9)
    theirs = Pipeline._scale_video_ids(ids, scale_factor=32, scale_factor_t=8).float()
    theirs[:, 0] /= 24
    assert torch.allclose(coordinates(LatentShape(3, 5, 9), 2, CPU), theirs)


def test_noise_levels_cover_the_whole_range() -> None:
    sigmas = draw_sigmas(4000, torch.Generator().manual_seed(0))
    assert 0 <= sigmas.min() < 0.02
    assert 0.98 < sigmas.max() <= 1
    assert 0.6 < sigmas.mean() < 0.75


def test_the_learning_rate_warms_up_holds_and_falls() -> None:
    config = TrainConfig()
    rates = [
        learning_rate(config, step, progress)
        for step, progress in ((0, 0.0), (500, 0.2), (900, 0.7), (2000, 1))
    ]
    assert rates[0] < 0.1 * rates[1]
    assert rates[1] == config.learning_rate
    assert rates[1] > rates[2] > rates[3] > 0


def test_unknown_words_cost_one_token_and_case_none() -> None:
    tokenizer = build_tokenizer()
    assert tokenizer("Red CAR").input_ids == tokenizer("red car").input_ids
    assert tokenizer("a zebra").input_ids[1] == tokenizer.unk_token_id
    assert tokenizer("close-up").input_ids[-1] == tokenizer.eos_token_id
    assert tokenizer("").input_ids == [tokenizer.eos_token_id]


def test_the_refiner_starts_from_the_decoders_own_error_and_then_learns(run: Path) -> None:
    autoencoder = load_autoencoder(TINY, run, CPU)
    autoencoder.refiner = None
    torch.manual_seed(0)
    refiner = Refiner(8)
    before = refiner.leave.weight.detach().clone()
    optimizer = torch.optim.AdamW(refiner.parameters(), lr=1e-3)
    error, untouched = next(refine_steps(refiner, autoencoder, optimizer, CPU))
    assert error == pytest.approx(untouched, rel=0.05)
    assert not torch.equal(refiner.leave.weight, before)
