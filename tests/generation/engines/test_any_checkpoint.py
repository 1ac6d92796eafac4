"""One door for every family: a checkpoint saved by diffusers loads, runs, stops, repeats and names its recipe."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from generation.engines import Engine, Progress, open_engine
from generation.errors import DeviceUnavailable, GenerationStopped, NotAPipeline, PromptTooLong
from generation.planning import plan_shot
from generation.shots import Shot

Watch = tuple[Callable[[Progress], None], list[Progress]]


@pytest.fixture(scope="module")
def ltx(ltx_checkpoint: Path) -> Engine:
    return open_engine(str(ltx_checkpoint), device="cpu", threads=1)


@pytest.fixture(scope="module")
def wan(wan_checkpoint: Path) -> Engine:
    return open_engine(str(wan_checkpoint), device="cpu", threads=1)


def _never() -> bool:
    return False


def _frames(engine: Engine, shot: Shot, watch: Watch) -> np.ndarray:
    latents = engine.denoise(shot, plan_shot(shot, engine.capabilities), watch[0], _never)
    return np.stack(list(engine.decode(latents)))


@pytest.mark.parametrize("duration", [1, 8, 17])
def test_an_ltx_checkpoint_gives_exactly_the_frames_asked_for(
    ltx: Engine, small_shot: Shot, watch: Watch, duration: int
) -> None:
    frames = _frames(ltx, replace(small_shot, duration_frames=duration), watch)
    assert frames.shape == (duration, 64, 128, 3)
    assert frames.dtype == np.uint8


def test_a_chain_of_windows_reports_every_step_of_every_window(
    ltx: Engine, small_shot: Shot, watch: Watch
) -> None:
    shot = replace(small_shot, duration_frames=40)
    assert len(plan_shot(shot, ltx.capabilities).windows) == 4
    assert _frames(ltx, shot, watch).shape[0] == 40
    expected = [Progress(window, 4, step, 2) for window in (1, 2, 3, 4) for step in (1, 2)]
    assert watch[1] == expected
    shares = [progress.share for progress in expected]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_longer_shot_keeps_the_shorter_ones_latents_and_adds_new_ones(
    ltx: Engine, small_shot: Shot, watch: Watch
) -> None:
    values = []
    for duration in (17, 33):
        shot = replace(small_shot, duration_frames=duration)
        values.append(ltx.denoise(shot, plan_shot(shot, ltx.capabilities), watch[0], _never).values)
    assert [value.shape[2] for value in values] == [3, 5]
    assert torch.equal(values[1][:, :, :3], values[0])
    assert not torch.equal(values[1][:, :, 3], values[1][:, :, 4])


def test_wan_runs_through_the_same_door(wan: Engine, small_shot: Shot, watch: Watch) -> None:
    shot = replace(small_shot, duration_frames=4, width=64, height=64)
    plan = plan_shot(shot, wan.capabilities)
    assert plan.windows[0].frames == 5
    frames = _frames(wan, shot, watch)
    assert frames.shape == (4, plan.native_height, plan.native_width, 3)
    assert frames.std() > 0
    assert [progress.step for progress in watch[1]] == [1, 2]


@pytest.mark.parametrize("name", ["ltx", "wan"])
def test_the_seed_decides_the_frames(
    request: pytest.FixtureRequest, small_shot: Shot, watch: Watch, name: str
) -> None:
    engine: Engine = request.getfixturevalue(name)
    shot = replace(small_shot, duration_frames=5)
    first, again = _frames(engine, shot, watch), _frames(engine, shot, watch)
    other = _frames(engine, replace(shot, seed=4), watch)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_stop_is_obeyed_at_the_next_step(ltx: Engine, small_shot: Shot, watch: Watch, after: int) -> None:
    shot = replace(small_shot, duration_frames=40)
    report, seen = watch
    with pytest.raises(GenerationStopped):
        ltx.denoise(shot, plan_shot(shot, ltx.capabilities), report, lambda: len(seen) >= after)
    assert len(seen) == after


def test_after_a_stop_the_engine_still_works(ltx: Engine, small_shot: Shot, watch: Watch) -> None:
    plan = plan_shot(small_shot, ltx.capabilities)
    before = _frames(ltx, small_shot, watch)
    with pytest.raises(GenerationStopped):
        ltx.denoise(small_shot, plan, watch[0], lambda: True)
    assert np.array_equal(_frames(ltx, small_shot, watch), before)


def test_the_recipe_holds_everything_as_plain_json(ltx: Engine, small_shot: Shot) -> None:
    shot = replace(small_shot, duration_frames=25, fps=Fraction(24000, 1001), negative_prompt="blur")
    plan = plan_shot(shot, ltx.capabilities)
    recipe = json.loads(json.dumps(ltx.recipe(shot, plan).as_dict()))
    assert recipe["model_digest"] == ltx.description.digest
    assert recipe["pipeline_class"] == "LTXPipeline"
    assert recipe["fps"] == "24000/1001"
    assert recipe["windows"] == [[0, 17, 0], [17, 17, 9]]
    assert (recipe["seed"], recipe["steps"], recipe["negative_prompt"]) == (3, 2, "blur")
    assert (recipe["native_size"], recipe["delivery_size"]) == ([128, 64], [128, 64])
    assert recipe["libraries"]["torch"]
    assert recipe["device_class"] == "cpu"


def test_a_prompt_is_refused_over_the_limit_even_when_only_the_engine_can_count(
    ltx: Engine, small_shot: Shot, watch: Watch
) -> None:
    plan = plan_shot(small_shot, ltx.capabilities)
    with pytest.raises(PromptTooLong):
        ltx.denoise(replace(small_shot, prompt="car " * 200), plan, watch[0], _never)
    assert watch[1] == []


def test_a_checkpoint_with_damaged_weights_is_refused_with_its_path(
    ltx_checkpoint: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(ltx_checkpoint, damaged)
    weights = next((damaged / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(NotAPipeline) as refusal:
        open_engine(str(damaged), device="cpu", threads=1)
    assert str(damaged) in refusal.value.message


def test_a_checkpoint_with_a_missing_part_is_refused(ltx_checkpoint: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    shutil.copytree(ltx_checkpoint, partial)
    shutil.rmtree(partial / "vae")
    with pytest.raises(NotAPipeline):
        open_engine(str(partial), device="cpu", threads=1)


@pytest.mark.parametrize("device", ["warp drive", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(ltx_checkpoint: Path, device: str) -> None:
    with pytest.raises(DeviceUnavailable):
        open_engine(str(ltx_checkpoint), device=device, threads=1)
