"""A checkpoint is found by name, path or hub id, or refused with a reason, before anything is loaded."""

import json
import shutil
from pathlib import Path

import pytest

from generation.errors import ModelNotFound, NotAPipeline
from generation.models import DRAFT_PATH, describe_model, model_digest


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model_index.json").write_text(
        json.dumps(
            {
                "_class_name": "LTXPipeline",
                "_diffusers_version": "0.42.1",
                "vae": ["diffusers", "AutoencoderKLLTXVideo"],
            }
        )
    )
    return folder


def _set(folder: Path, **values: object) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_draft_is_the_packaged_pipeline() -> None:
    description = describe_model("draft")
    assert description.path == DRAFT_PATH
    assert description.pipeline_class == "LTXPipeline"


def test_a_folder_is_described_by_its_path(checkpoint: Path) -> None:
    assert describe_model(str(checkpoint)).path == checkpoint.resolve()


@pytest.mark.parametrize("name", ["no such folder", "/nowhere/at/all", "", "a\0b"])
def test_a_missing_model_is_named_with_a_remedy(name: str) -> None:
    with pytest.raises(ModelNotFound) as refusal:
        describe_model(name)
    assert refusal.value.code == "model_not_found"
    assert "folder" in refusal.value.hint


def test_a_hub_id_that_was_never_downloaded_says_how_to_download_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound) as refusal:
        describe_model("nobody/never-made-this")
    assert "hf download nobody/never-made-this" in refusal.value.hint


def test_a_folder_without_an_index_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(NotAPipeline) as refusal:
        describe_model(str(tmp_path))
    assert str(tmp_path) in refusal.value.message
    assert "model_index.json" in refusal.value.message


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', '{"_class_name": 3}'])
def test_a_broken_index_is_refused(checkpoint: Path, content: str) -> None:
    (checkpoint / "model_index.json").write_text(content)
    with pytest.raises(NotAPipeline):
        describe_model(str(checkpoint))


@pytest.mark.parametrize(
    "name", ["NoSuchPipeline", "StableDiffusionPipeline", "../evil", "DiffusionPipeline"]
)
def test_a_class_that_makes_no_video_is_refused_by_name(checkpoint: Path, name: str) -> None:
    _set(checkpoint, _class_name=name)
    with pytest.raises(NotAPipeline) as refusal:
        describe_model(str(checkpoint))
    assert repr(name) in refusal.value.message


@pytest.mark.parametrize("library", ["os", "generation.models", "my_own_code"])
def test_a_checkpoint_cannot_name_foreign_code_to_import(checkpoint: Path, library: str) -> None:
    _set(checkpoint, vae=[library, "AnyClass"])
    with pytest.raises(NotAPipeline) as refusal:
        describe_model(str(checkpoint))
    assert repr(library) in refusal.value.message


def test_an_optional_part_left_out_is_fine(checkpoint: Path) -> None:
    _set(checkpoint, safety_checker=[None, None])
    assert describe_model(str(checkpoint)).pipeline_class == "LTXPipeline"


def test_the_signature_is_read_from_the_installed_source(checkpoint: Path) -> None:
    defaults = describe_model(str(checkpoint)).signature.defaults
    assert defaults["num_frames"] == 161
    assert defaults["guidance_scale"] == 3
    assert "callback_on_step_end" in defaults


def test_the_digest_depends_on_every_byte_and_every_name(checkpoint: Path) -> None:
    weights = checkpoint / "vae" / "weights.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"one")
    before = model_digest(checkpoint)
    weights.write_bytes(b"two")
    changed = model_digest(checkpoint)
    weights.rename(weights.with_name("other.safetensors"))
    assert len({before, changed, model_digest(checkpoint)}) == 3


def test_notes_that_quote_the_digest_do_not_change_it(checkpoint: Path) -> None:
    before = model_digest(checkpoint)
    (checkpoint / "slate.json").write_text("{}")
    (checkpoint / "MODEL_CARD.md").write_text("# Card")
    (checkpoint / ".gitattributes").write_text("x")
    assert model_digest(checkpoint) == before


def test_the_digest_is_the_same_wherever_the_checkpoint_lies(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "elsewhere")
    assert model_digest(tmp_path / "elsewhere") == model_digest(checkpoint)


def test_the_shipped_weights_are_the_ones_their_card_and_notes_name() -> None:
    notes = json.loads((DRAFT_PATH / "slate.json").read_text())
    digest = model_digest(DRAFT_PATH)
    assert notes["sha256"] == digest
    assert digest in (DRAFT_PATH / "MODEL_CARD.md").read_text()


def test_the_shipped_weights_stay_under_25_megabytes() -> None:
    assert sum(file.stat().st_size for file in DRAFT_PATH.rglob("*") if file.is_file()) <= 25_000_000
