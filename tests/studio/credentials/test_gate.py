"""The gate lets nothing through whose finished file does not prove the take in every layer."""

import base64
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from provenance.fingerprint import FrameFingerprint, fingerprint_file
from provenance.manifest.reading import read_credential
from provenance.manifest.trust import TrustAnchors
from provenance.media import VideoWriter, read_frames
from provenance.watermark import Payload
from studio.credentials.services import root_certificate_pem, watermark_key
from studio.credentials.steps import BOUND_FRAMES, fingerprint_binding, gate, sign
from studio.errors import SlateError
from studio.ids import uuid7
from studio.runs.errors import GateFailed
from studio.runs.steps import Draft
from studio.tenancy.models import Studio
from tests.studio.credentials.marked_clips import UNREADABLE, mark_clip
from tests.studio.finished_take import reencode

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
    own = draft.rendered.fingerprint
    others = tuple(replace(frame, pdq=bytes(byte ^ 0xFF for byte in frame.pdq)) for frame in own.frames)
    return replace(draft, rendered=replace(draft.rendered, fingerprint=replace(own, frames=others)))


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
    with VideoWriter(unmarked, 640, 360, Fraction(25), threads=1) as writer:
        for frame in frames:
            writer.write(cv2.resize(frame.rgb, (640, 360), interpolation=cv2.INTER_AREA))
    own = replace(draft, path=unmarked)
    own.rendered = replace(draft.rendered, fingerprint=fingerprint_file(unmarked))
    sign(own)
    with pytest.raises(GateFailed) as refusal:
        gate(own)
    assert "the watermark was not found" in refusal.value.message
    assert "credential" not in refusal.value.message, "that layer has nothing to complain of"
    assert len(own.records) == 1


def resigned(draft: Draft, path: Path) -> Draft:
    """The draft with another file of its own, signed as its take; only the mark can give it away."""
    own = replace(draft, path=path, records=[])
    own.rendered = replace(draft.rendered, fingerprint=fingerprint_file(path))
    sign(own)
    return own


def test_a_take_whose_mark_was_destroyed_on_the_way_is_stopped(draft: Draft, tmp_path: Path) -> None:
    crushed = tmp_path / "crushed.mp4"
    reencode(draft.path, crushed, crf=51)
    own = resigned(draft, crushed)
    with pytest.raises(GateFailed, match="the watermark was not found"):
        gate(own)
    assert len(own.records) == 1


def test_a_take_whose_mark_is_there_but_cannot_be_read_is_stopped(
    draft: Draft, real_media: Path, tmp_path: Path
) -> None:
    footage = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    faint = mark_clip(footage, tmp_path / "faint.mp4", watermark_key(draft.studio), UNREADABLE)
    own = resigned(draft, faint)
    with pytest.raises(GateFailed, match="the watermark is there, but its number cannot be read"):
        gate(own)
    assert len(own.records) == 1


def test_a_take_that_was_begun_before_a_rotation_passes_with_its_own_key(signed: Draft) -> None:
    later = Studio(id=signed.studio.pk, watermark_epoch=2)
    with pytest.raises(GateFailed, match="the watermark was not found"):
        gate(replace(signed, studio=later))
    gate(signed)
    assert len(signed.records) == 2


def test_the_credential_binds_the_mark_and_the_fingerprint_and_names_no_key(finished: Draft) -> None:
    report = read_credential(finished.path, TrustAnchors(root_certificate_pem()))
    mark, *frames = report.soft_bindings
    assert (mark.algorithm, base64.b64decode(mark.value)) == (
        "org.slate.tilemark.1",
        finished.rendered.payload,
    )
    assert (mark.start_ms, mark.end_ms) == (0, 2000)
    assert mark.parameters == f"profile={finished.rendered.mark_certificate['profile']};layout=0"
    hashes = {frame.pdq for frame in finished.rendered.fingerprints}
    assert frames
    assert {frame.algorithm for frame in frames} == {"org.slate.pdq-256.1"}
    assert {base64.b64decode(frame.value) for frame in frames} <= hashes
    assert (frames[0].start_ms, frames[-1].end_ms) == (0, 2000)
    assert [one.end_ms for one in frames[:-1]] == [one.start_ms for one in frames[1:]]
    content = finished.path.read_bytes()
    assert watermark_key(finished.studio).key_id.encode() not in content
    assert str(finished.studio.pk).encode() not in content


def test_a_long_take_s_credential_holds_hashes_of_some_frames_only() -> None:
    frames = [FrameFingerprint(6 * n, n / 4, n.to_bytes(32, "big"), bytes(8), 100) for n in range(4 * 600)]
    binding = fingerprint_binding(frames, 600_000)
    assert binding is not None
    assert len(binding.frames) == BOUND_FRAMES
    assert (binding.frames[0].start_ms, binding.frames[-1].end_ms) == (0, 600_000)
    assert max(frame.end_ms - frame.start_ms for frame in binding.frames) < 20_000


def test_a_flat_take_s_credential_binds_no_fingerprint() -> None:
    assert fingerprint_binding([FrameFingerprint(0, 0.0, bytes(32), bytes(8), 0)], 1000) is None
    assert fingerprint_binding([], 1000) is None


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
