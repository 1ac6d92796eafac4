"""What a checkpoint can be asked for is read from its class, its configs and its notes, never guessed in code."""

import json
from pathlib import Path

import pytest

from generation.capabilities import Capabilities, find_capabilities
from generation.errors import NotAPipeline
from generation.models import describe_model


def _checkpoint(folder: Path, pipeline_class: str, **files: object) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline_class}))
    for name, content in files.items():
        target = folder / name.replace("__", "/")
        target = target.with_name(target.name + ".json")
        target.parent.mkdir(exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(folder)


def test_the_draft_model_reports_its_own_raster_rate_and_window(draft_capabilities: Capabilities) -> None:
    found = draft_capabilities
    assert (found.trained_width, found.trained_height, found.trained_fps) == (288, 160, 24)
    assert (found.frame_step, found.max_window_frames, found.prefix_max_frames) == (8, 49, 17)
    assert found.fixed_size
    assert found.max_prompt_tokens == 128
    assert found.tokenizer_file is not None


def test_defaults_come_from_the_call_signature(tmp_path: Path) -> None:
    found = find_capabilities(describe_model(_checkpoint(tmp_path, "WanPipeline")))
    assert (found.default_steps, found.default_guidance) == (50, 5.0)
    assert (found.family, found.frame_step, found.size_multiple) == ("wan", 4, 16)
    assert found.prefix_max_frames == 0


def test_an_image_to_video_class_is_seen_to_take_a_first_and_last_frame(tmp_path: Path) -> None:
    found = find_capabilities(describe_model(_checkpoint(tmp_path, "WanImageToVideoPipeline")))
    assert {"first_frame", "last_frame"} <= set(found.conditioning)


def test_an_unlisted_video_class_gets_the_generic_family(tmp_path: Path) -> None:
    found = find_capabilities(describe_model(_checkpoint(tmp_path, "AnimateDiffPipeline")))
    assert found.family == "generic"
    assert found.default_steps == 50


def test_the_compression_of_an_ltx_autoencoder_is_read_from_its_config(tmp_path: Path) -> None:
    vae = {
        "_class_name": "AutoencoderKLLTXVideo",
        "patch_size": 4,
        "patch_size_t": 1,
        "spatio_temporal_scaling": [True, True, False],
    }
    found = find_capabilities(
        describe_model(
            _checkpoint(tmp_path, "LTXPipeline", vae__config=vae, transformer__config={"patch_size": 1})
        )
    )
    assert found.frame_step == 4
    assert found.size_multiple == 32


def test_notes_in_the_checkpoint_overrule_the_family(tmp_path: Path) -> None:
    notes = {"capabilities": {"max_window_frames": 9, "fps_range": [12, 30]}}
    found = find_capabilities(describe_model(_checkpoint(tmp_path, "LTXPipeline", slate=notes)))
    assert found.max_window_frames == 9
    assert found.fps_range == (12, 30)


def test_a_misspelt_note_is_refused_and_named(tmp_path: Path) -> None:
    path = _checkpoint(tmp_path, "LTXPipeline", slate={"capabilities": {"max_windows": 9}})
    with pytest.raises(NotAPipeline, match="max_windows"):
        find_capabilities(describe_model(path))


@pytest.mark.parametrize("name", ["slate", "vae__config", "transformer__config"])
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_broken_config_is_refused_with_its_path(tmp_path: Path, name: str, content: str) -> None:
    path = _checkpoint(tmp_path, "LTXPipeline", **{name: content})
    with pytest.raises(NotAPipeline) as refusal:
        find_capabilities(describe_model(path))
    assert name.replace("__", "/") in refusal.value.message
