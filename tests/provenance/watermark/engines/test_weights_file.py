"""An operator's weights.toml decides which engines run; every engine that does not run says why."""

import hashlib
import os
from pathlib import Path

import pytest

from provenance.watermark.engines import (
    EngineUnavailable,
    WeightsUnusable,
    all_engines,
    available_engines,
    engine_named,
)

TABLE = """
[videoseal]
path = "{path}"
sha256 = "{sha256}"
licence = "MIT"
source = "made in this test"
licence_accepted_by = "{person}"
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory, stand_ins) -> Path:
    return stand_ins.save(stand_ins.RandomVideoSeal(), tmp_path_factory.mktemp("models") / "random.jit")


def _weights_file(
    folder: Path, model: Path, *, sha256: str = "", person: str = "Ada", more: str = ""
) -> Path:
    digest = sha256 or hashlib.sha256(model.read_bytes()).hexdigest()
    path = folder / "weights.toml"
    path.write_text(TABLE.format(path=os.path.relpath(model, folder), sha256=digest, person=person) + more)
    return path


def _reason(weights_file: Path | None, name: str = "videoseal") -> str:
    info = all_engines(weights_file)[name].info()
    assert info.is_available == (info.reason == "")
    assert (name in available_engines(weights_file)) == info.is_available
    return info.reason


def test_without_weights_the_tiled_mark_is_there_and_the_others_say_why_not():
    assert list(available_engines()) == ["tilemark"]
    assert "No weights file is set" in _reason(None)


def test_declared_weights_switch_an_engine_on(tmp_path, model):
    engine = all_engines(_weights_file(tmp_path, model))["videoseal"]
    info = engine.info()
    assert info.is_available
    assert (info.licence, info.channel_bits, info.needs_weights, info.keyed) == ("MIT", 256, True, False)
    assert "There are no weights for trustmark" in _reason(_weights_file(tmp_path, model), "trustmark")


def test_other_bytes_than_declared_never_run(tmp_path, model):
    weights_file = _weights_file(tmp_path, model, sha256="0" * 64)
    assert "has the SHA-256" in _reason(weights_file)
    with pytest.raises(EngineUnavailable, match="declared"):
        engine_named("videoseal", weights_file)


def test_weights_changed_after_the_first_look_never_run(tmp_path, model):
    copy = tmp_path / "copy.jit"
    copy.write_bytes(model.read_bytes())
    engine = all_engines(_weights_file(tmp_path, copy))["videoseal"]
    assert engine.info().is_available
    copy.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        engine.detector()
    assert not engine.info().is_available


def test_a_licence_that_nobody_accepted_keeps_an_engine_off(tmp_path, model):
    assert "Nobody has accepted the licence MIT" in _reason(_weights_file(tmp_path, model, person=" "))


def test_a_missing_file_names_its_source(tmp_path):
    reason = _reason(_weights_file(tmp_path, tmp_path / "absent.jit", sha256="0" * 64))
    assert "There is no file" in reason
    assert "made in this test" in reason


def test_a_device_that_is_not_there_is_a_reason(tmp_path, model):
    assert "meta-physics" in _reason(_weights_file(tmp_path, model, more='device = "meta-physics"'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("videoseal = 3", "must be a table"),
        ("[videoseal]\npath = 'a.jit'", "sha256 is missing"),
        ("[videoseal]\npath='a'\nsha256='12'\nlicence='x'\nsource='y'", "64 hexadecimal digits"),
        ("[videoseal", "cannot be read"),
        ("[video-seal]\n", "lists video-seal"),
        ("", "lists no engine"),
    ],
)
def test_a_wrong_weights_file_is_explained_and_stops_nothing_else(tmp_path, text, said):
    weights_file = tmp_path / "weights.toml"
    weights_file.write_text(text)
    assert said in _reason(weights_file)
    assert "tilemark" in available_engines(weights_file)


def test_a_setting_that_does_not_exist_is_not_ignored(tmp_path, model):
    assert "strenght is not a setting" in _reason(_weights_file(tmp_path, model, more="strenght = 2"))


def test_a_weights_file_that_is_not_there_is_a_reason(tmp_path):
    assert "There is no weights file" in _reason(tmp_path / "weights.toml")


def test_an_engine_nobody_knows_is_refused():
    with pytest.raises(EngineUnavailable, match="no watermark engine 'stegano'"):
        engine_named("stegano")


def test_a_pickle_is_not_opened(tmp_path):
    """A file that Python's unpickler would run does not run here, even with the right digest."""
    evil = tmp_path / "evil.jit"
    evil.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    engine = all_engines(_weights_file(tmp_path, evil))["videoseal"]
    assert engine.info().is_available
    with pytest.raises(WeightsUnusable, match="not a TorchScript model"):
        engine.detector()
    assert not (tmp_path / "ran").exists()
