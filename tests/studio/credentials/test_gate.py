"""The gate lets nothing through whose finished file does not prove the take in every layer."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from provenance.fingerprint import fingerprint_file
from provenance.media import VideoWriter, read_frames
from provenance.watermark import Payload
from studio.credentials.steps import gate, sign
from studio.errors import SlateError
from studio.ids import uuid7
from studio.runs.errors import GateFailed
from studio.runs.steps import Draft
from studio.tenancy.models import Studio

Change = Callable[[Draft, Path], Draft]


@pytest.fixture
def signed(finished: Draft, tmp_path: Path) -> Draft:
    """The finished draft before the gate saw it."""
    return replace(finished, directory=tmp_path, records=finished.records[:1])


def changed_bytes(draft: Draft, directory: Path, change: Callable[[bytearray], object]) -> Draft:
    content = bytearray(draft.path.read_bytes())
    change(content)
    path = directory / "changed.mp4"
    path.write_bytes(content)
    return replace(draft, path=path)


def flip_a_picture_byte(draft: Draft, directory: Path) -> Draft:
    def flip(content: bytearray) -> None:
        content[content.index(b"mdat") + 20_000] ^= 1

    return changed_bytes(draft, directory, flip)


def as_another_take(draft: Draft, _directory: Path) -> Draft:
    return replace(draft, take_id=uuid7())


def under_another_studio_s_key(draft: Draft, _directory: Path) -> Draft:
    return replace(draft, studio=Studio(id=uuid7()))


def with_another_number(draft: Draft, _directory: Path) -> Draft:
    other = Payload(asset_id=draft.mark_id ^ 1).to_bytes()
    return replace(draft, rendered=replace(draft.rendered, payload=other))


def with_other_pictures_rendered(draft: Draft, _directory: Path) -> Draft:
    others = [
        replace(frame, pdq=bytes(byte ^ 0xFF for byte in frame.pdq)) for frame in draft.rendered.fingerprints
    ]
    return replace(draft, rendered=replace(draft.rendered, fingerprints=others))


def cut_off(draft: Draft, directory: Path) -> Draft:
    return changed_bytes(draft, directory, lambda content: content.__delitem__(slice(3000, None)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (flip_a_picture_byte, "the credential is invalid"),
        (as_another_take, "the credential names another take"),
        (under_another_studio_s_key, "the watermark was not found"),
        (with_another_number, "the watermark carries another number"),
        (with_other_pictures_rendered, "only 0% of the fingerprints agree"),
        (cut_off, "could not be read back|the credential is"),
    ],
)
def test_a_file_that_does_not_prove_its_take_is_stopped(
    signed: Draft, tmp_path: Path, change: Change, problem: str
) -> None:
    draft = change(signed, tmp_path)
    with pytest.raises(GateFailed, match=problem) as refusal:
        gate(draft)
    assert refusal.value.code == "run.gate_failed"
    assert refusal.value.hint
    assert len(draft.records) == 1, "nothing may be written for a take that was stopped"


def test_an_unsigned_file_is_stopped(draft: Draft) -> None:
    with pytest.raises(GateFailed, match="the credential is absent"):
        gate(draft)
    assert draft.records == []


def test_a_signed_file_without_a_mark_is_stopped(draft: Draft, real_media: Path, tmp_path: Path) -> None:
    unmarked = tmp_path / "unmarked.mp4"
    frames = read_frames(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", end_s=1.0, threads=1)
    with VideoWriter(unmarked, 1280, 720, Fraction(25), threads=1) as writer:
        for frame in frames:
            writer.write(frame.rgb)
    own = replace(draft, path=unmarked)
    own.rendered = replace(draft.rendered, fingerprints=fingerprint_file(unmarked))
    sign(own)
    with pytest.raises(GateFailed) as refusal:
        gate(own)
    assert "the watermark was not found" in refusal.value.message
    assert "credential" not in refusal.value.message, "that layer has nothing to complain of"
    assert len(own.records) == 1


def test_what_passes_is_recorded_with_what_each_layer_answered(signed: Draft) -> None:
    gate(signed)
    assert len(signed.records) == 2


def test_a_file_is_signed_into_a_copy_that_names_its_take(draft: Draft) -> None:
    unsigned = draft.path
    before = unsigned.read_bytes()
    sign(draft)
    assert draft.path != unsigned
    assert draft.path.parent == draft.directory
    assert str(draft.take_id).encode() in draft.path.read_bytes()
    assert unsigned.read_bytes() == before
    assert draft.run.prompt.encode() not in draft.path.read_bytes(), "a credential holds no prompt"


def test_a_file_that_is_no_video_is_not_signed_and_leaves_nothing(draft: Draft, tmp_path: Path) -> None:
    words = tmp_path / "words.mp4"
    words.write_text("no film")
    broken = replace(draft, path=words)
    with pytest.raises(SlateError) as refusal:
        sign(broken)
    assert refusal.value.hint
    assert broken.path == words
    assert broken.records == []
    assert [path.name for path in tmp_path.iterdir()] == ["words.mp4"]


def test_a_credential_names_no_path_of_the_machine(draft: Draft, tmp_path: Path) -> None:
    model = str(tmp_path / "checkpoints" / "big-model")
    draft.rendered = replace(draft.rendered, recipe={**draft.rendered.recipe, "model": model})
    sign(draft)
    content = draft.path.read_bytes()
    assert b"big-model" in content
    assert str(tmp_path).encode() not in content
