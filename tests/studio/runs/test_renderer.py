"""The child process that owns the model: jobs end to end, cancelled, killed and refused."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from generation.errors import GenerationError
from generation.models import describe_model
from provenance.fingerprint import PDQ_RADIUS, fingerprint_file, hamming
from provenance.media import probe, read_frames
from provenance.watermark import detect
from studio.runs.errors import AttemptStale, RendererDied, RunCancelled
from studio.runs.renderer import Renderer, RendererPool, RenderFailed
from studio.runs.rendering import RENDER_ENDS_AT, RenderJob, RenderResult
from studio.takes.storage import sha256_of
from tests.studio.finished_take import Rendered, make_job


def ignore(_stage: str, _share: float) -> None:
    pass


def never() -> bool:
    return False


@pytest.fixture
def tiny(tmp_path: Path) -> RenderJob:
    """The smallest size there is, and nine frames of it."""
    return make_job(tmp_path / "tiny.mp4", width=64, height=64, duration_frames=9)


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class TestARenderedTake:
    def test_the_file_has_the_size_rate_and_length_asked_for(self, rendered: Rendered) -> None:
        info = probe(rendered.path)
        assert (info.width, info.height, info.fps) == (512, 288, 24)
        assert sum(1 for _ in read_frames(rendered.path, threads=1)) == 48

    def test_it_carries_the_mark_it_was_given(self, rendered: Rendered) -> None:
        job: RenderJob = rendered.job
        result: RenderResult = rendered.result
        lumas = (frame.luma for frame in read_frames(Path(job.output), threads=1))
        found = detect(lumas, [job.key()], fps=24)[0]
        assert found.payload is not None
        assert found.payload.asset_id == job.mark_id
        assert found.payload.to_bytes() == result.payload
        assert found.p_false_positive < 1e-6

    def test_what_its_mark_bears_was_measured(self, rendered: Rendered) -> None:
        certificate = rendered.result.mark_certificate
        assert certificate["profile"] == rendered.job.mark_profile == "clean"
        assert certificate["psnr_db"] >= certificate["psnr_floor_db"] - 0.5
        assert certificate["strength"] > 0
        assert [proxy["name"] for proxy in certificate["proxies"]] == ["streaming", "phone"]
        assert certificate["measured_frames"] == 48
        assert certificate["passes"] in (1, 2)

    def test_the_fingerprints_are_those_of_the_file(self, rendered: Rendered) -> None:
        result: RenderResult = rendered.result
        seen = fingerprint_file(rendered.path).frames
        assert [frame.frame_index for frame in seen] == [frame.frame_index for frame in result.fingerprints]
        assert len(seen) == 8, "four per second"
        for ours, theirs in zip(result.fingerprints, seen, strict=True):
            assert hamming(ours.pdq, theirs.pdq) <= PDQ_RADIUS

    def test_the_recipe_tells_what_determined_it(self, rendered: Rendered) -> None:
        job: RenderJob = rendered.job
        recipe = rendered.result.recipe
        assert recipe["model"] == "draft"
        assert recipe["model_digest"] == describe_model("draft").digest
        assert (recipe["prompt"], recipe["seed"]) == (job.prompt, job.seed)
        assert (recipe["delivery_size"], recipe["fps"]) == ([512, 288], "24/1")

    def test_the_result_survives_its_way_through_json(self, rendered: Rendered) -> None:
        result: RenderResult = rendered.result
        again = RenderResult.from_dict(json.loads(json.dumps(result.as_dict())))
        assert again.as_dict() == result.as_dict()
        assert again.fingerprints == result.fingerprints


def test_stages_come_in_order_and_progress_never_goes_back(renderer: Renderer, tiny: RenderJob) -> None:
    told: list[tuple[str, float]] = []
    result = renderer.render(tiny, on_progress=lambda *step: told.append(step), should_stop=never)
    stages = [stage for stage, _ in told if stage != "loading model"]
    shares = [share for _, share in told]
    assert list(dict.fromkeys(stages)) == ["denoising", "rendering"]
    assert stages == sorted(stages), "no stage comes twice"
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(RENDER_ENDS_AT)
    assert stages.count("rendering") == 1 + tiny.duration_frames
    assert result.duration_frames == 9
    info = probe(Path(tiny.output))
    assert (info.width, info.height) == (64, 64)
    assert left_in(Path(tiny.output).parent) == ["tiny.mp4"]


def test_the_same_job_gives_the_same_bytes_and_another_seed_others(
    renderer: Renderer, tmp_path: Path
) -> None:
    digests = []
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        job = make_job(tmp_path / f"{name}.mp4", width=64, height=64, duration_frames=9, seed=seed)
        renderer.render(job, on_progress=ignore, should_stop=never)
        digests.append(sha256_of(Path(job.output)))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize("stage", ["denoising", "rendering"])
def test_a_cancelled_job_leaves_no_file_and_the_model_loaded(
    renderer: Renderer, tmp_path: Path, stage: str
) -> None:
    seen: list[str] = []
    long = make_job(tmp_path / "long.mp4", width=1280, height=720, duration_frames=48)
    pid = renderer.pid
    with pytest.raises(RunCancelled):
        renderer.render(
            long, on_progress=lambda name, _: seen.append(name), should_stop=lambda: stage in seen
        )
    assert left_in(tmp_path) == []
    if stage == "denoising":
        assert "rendering" not in seen
    assert renderer.is_alive()
    assert renderer.pid == pid
    short = make_job(tmp_path / "short.mp4", width=64, height=64, duration_frames=9)
    assert renderer.render(short, on_progress=ignore, should_stop=never).duration_frames == 9


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"width": 63}, "size_impossible"),
        ({"prompt": " "}, "prompt_empty"),
        ({"duration_frames": 0}, "duration_impossible"),
        ({"output": "/no/such/folder/x.mp4"}, "encoding_failed"),
    ],
)
def test_a_job_that_cannot_be_done_says_why_and_leaves_the_model_loaded(
    renderer: Renderer, tmp_path: Path, fields: dict[str, object], code: str
) -> None:
    job = replace(make_job(tmp_path / "x.mp4", width=64, height=64, duration_frames=9), **fields)
    with pytest.raises(RenderFailed) as refusal:
        renderer.render(job, on_progress=ignore, should_stop=never)
    assert refusal.value.code == code
    assert refusal.value.message
    assert left_in(tmp_path) == []
    assert renderer.is_alive()


def test_a_killed_child_is_a_lost_attempt_with_its_signal(tmp_path: Path) -> None:
    renderer = Renderer("draft")

    def kill(stage: str, _share: float) -> None:
        if stage == "denoising":
            os.kill(renderer.pid, signal.SIGKILL)

    with pytest.raises(RendererDied, match="signal 9") as death:
        renderer.render(make_job(tmp_path / "x.mp4"), on_progress=kill, should_stop=never)
    assert "memory" in death.value.hint
    assert not renderer.is_alive()
    with pytest.raises(RendererDied):
        renderer.render(make_job(tmp_path / "y.mp4"), on_progress=ignore, should_stop=never)


def test_an_attempt_that_lost_its_run_takes_the_child_s_job_with_it(tmp_path: Path) -> None:
    """Otherwise the child goes on with it, and answers the next job with this one's result."""
    pool = RendererPool()
    first = pool.get("draft")

    def lose(stage: str, _share: float) -> None:
        if stage == "denoising":
            raise AttemptStale("Another attempt owns the run.")

    try:
        with pytest.raises(AttemptStale):
            first.render(make_job(tmp_path / "x.mp4"), on_progress=lose, should_stop=never)
        assert not first.is_alive()
        assert pool.get("draft").pid != first.pid
    finally:
        pool.close()


def test_a_bad_model_fails_in_the_child_as_it_does_here(tmp_path: Path) -> None:
    model = str(tmp_path / "no-model-here")
    with pytest.raises(GenerationError) as here:
        describe_model(model)
    renderer = Renderer(model)
    with pytest.raises(RenderFailed) as there:
        renderer.render(make_job(tmp_path / "x.mp4"), on_progress=ignore, should_stop=never)
    assert there.value.as_dict() == {
        "code": here.value.code,
        "message": here.value.message,
        "hint": here.value.hint,
    }
    assert not renderer.is_alive(), "a child without a model is never used again"


def test_a_pool_keeps_one_child_and_replaces_it_for_another_model() -> None:
    pool = RendererPool()
    try:
        first = pool.get("draft")
        assert pool.get("draft") is first
        second = pool.get("another/model")
        assert not first.is_alive()
        assert second.is_alive()
    finally:
        pool.close()
    assert not second.is_alive()
