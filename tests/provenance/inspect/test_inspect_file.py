"""An inspection answers layer by layer, in one confined child, and never hangs, leaks or half-answers."""

import base64
import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from provenance.errors import FileEmpty, FileMissing, FormatNotAllowed, MediaTooLarge, MediaUnreadable
from provenance.fingerprint import fingerprint_file
from provenance.inspect import (
    InspectionCrashed,
    InspectionLimits,
    InspectionTimedOut,
    InspectionTooLarge,
    inspect_file,
    sandbox_kind,
)
from provenance.manifest.errors import TrustAnchorsInvalid
from provenance.manifest.report import CredentialState
from provenance.media import Limits, strip_metadata_copy
from provenance.watermark import WatermarkKey
from tests.provenance.inspect.signed_take import SignedTake


def test_all_layers_answer_for_a_signed_take(take: SignedTake) -> None:
    found = inspect_file(take.signed, keys=[take.key], trust_pem=take.authority.root_pem)
    assert found.errors == {}
    assert found.sha256 == hashlib.sha256(take.signed.read_bytes()).hexdigest()
    assert found.size_bytes == take.signed.stat().st_size
    assert found.media is not None
    assert (found.media["width"], found.media["height"]) == (640, 360)
    assert found.credential is not None
    assert found.credential.state is CredentialState.TRUSTED
    assert found.credential.take_id == take.take_id
    (mark,) = found.watermarks
    assert mark.payload == take.payload
    assert mark.key_id == take.key.key_id
    assert mark.p_false_positive < 1e-6
    (binding,) = found.credential.soft_bindings
    assert base64.b64decode(binding.value) == take.payload.to_bytes()
    known = fingerprint_file(take.signed)
    assert found.fingerprint is not None
    assert found.fingerprints == found.fingerprint.frames == known.frames
    assert found.fingerprint.algorithms == known.algorithms
    assert found.fingerprint.duration_s == known.duration_s
    assert len(found.fingerprint.keyframes) == len(known.keyframes) > 0
    assert len(found.fingerprint.track.times_s) == len(known.track.times_s) == 50


def test_a_stripped_take_is_still_told_by_its_picture(take: SignedTake, tmp_path: Path) -> None:
    strip_metadata_copy(take.signed, tmp_path / "stripped.mp4")
    found = inspect_file(tmp_path / "stripped.mp4", keys=[take.key], trust_pem=take.authority.root_pem)
    assert found.credential is not None
    assert found.credential.state is CredentialState.ABSENT
    assert [mark.payload for mark in found.watermarks] == [take.payload]


def test_only_what_is_wanted_is_looked_for(take: SignedTake) -> None:
    found = inspect_file(take.signed, trust_pem=take.authority.root_pem, want=["credential"])
    assert found.credential is not None
    assert (found.media, found.watermarks, found.fingerprints, found.errors) == (None, (), (), {})
    found = inspect_file(take.unsigned, want=["fingerprint"])
    assert found.credential is None
    assert found.fingerprints
    with pytest.raises(ValueError, match="want"):
        inspect_file(take.signed, want=["opinion"])


def test_a_file_to_be_looked_up_is_seen_mirrored_too(take: SignedTake) -> None:
    kept, asked = (inspect_file(take.unsigned, want=["fingerprint"], query=query) for query in (False, True))
    assert kept.fingerprint is not None
    assert asked.fingerprint is not None
    assert not any(frame.is_mirrored for frame in kept.fingerprint.keyframes)
    assert any(frame.is_mirrored for frame in asked.fingerprint.keyframes)
    assert [frame.pdq for frame in kept.fingerprints] == [frame.pdq for frame in asked.fingerprints]
    assert all(frame.mirrored_pdq for frame in asked.fingerprints)


def test_the_sound_is_part_of_the_fingerprint(real_media: Path) -> None:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    found, known = inspect_file(path, want=["fingerprint"]).fingerprint, fingerprint_file(path)
    assert found is not None
    assert found.algorithms == known.algorithms
    assert (found.sound is None) == (known.sound is None)
    if found.sound is not None and known.sound is not None:
        assert list(found.sound.codes) == list(known.sound.codes)


def test_without_a_key_the_watermark_layer_says_it_could_not_look(real_media: Path) -> None:
    found = inspect_file(real_media / "imageio" / "chelsea.png")
    assert found.errors["watermark"].code == "no_watermark_key"
    assert len(found.fingerprints) == 1
    assert found.media is not None
    assert found.media["is_still"]


def test_sound_alone_leaves_the_credential_layer_to_answer(real_media: Path) -> None:
    found = inspect_file(
        real_media / "augly-audio-mono" / "test_clip.wav", keys=[WatermarkKey("k", bytes(32))]
    )
    assert found.credential is not None
    assert found.credential.state is CredentialState.ABSENT
    assert {layer: error.code for layer, error in found.errors.items()} == {
        "watermark": "no_video_stream",
        "fingerprint": "no_video_stream",
    }


def test_a_clip_cut_short_is_answered_from_its_beginning(take: SignedTake, tmp_path: Path) -> None:
    content = take.unsigned.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 2 // 3])
    found = inspect_file(tmp_path / "cut.mp4", want=["fingerprint"])
    assert found.errors["media"].code == "media_unreadable"
    assert found.fingerprints
    whole = inspect_file(take.unsigned, want=["fingerprint"])
    assert [frame.pdq for frame in found.fingerprints] == [
        frame.pdq for frame in whole.fingerprints[: len(found.fingerprints)]
    ]
    assert len(found.fingerprints) < len(whole.fingerprints)


def test_errors_about_the_whole_file_keep_their_class_across_the_boundary(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "notes.mp4").write_text("only notes, whatever the name says")
    (tmp_path / "list.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    for name, expected in (
        ("absent.mp4", FileMissing),
        ("empty.mp4", FileEmpty),
        ("notes.mp4", MediaUnreadable),
        ("list.mp4", FormatNotAllowed),
        ("cut.mp4", MediaUnreadable),
    ):
        with pytest.raises(expected) as caught:
            inspect_file(tmp_path / name)
        assert type(caught.value) is expected
        assert caught.value.message
        assert caught.value.hint
        assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("media", [Limits(max_bytes=1000), Limits(max_pixels=1000), Limits(max_seconds=1.0)])
def test_files_beyond_the_limits_are_refused(real_media: Path, media: Limits) -> None:
    with pytest.raises(MediaTooLarge):
        inspect_file(
            real_media / "bigbuckbunny" / "bigbuckbunny.mp4",
            limits=InspectionLimits(media=media),
            want=["fingerprint"],
        )


def test_trusted_roots_that_are_no_certificates_are_refused(take: SignedTake) -> None:
    with pytest.raises(TrustAnchorsInvalid):
        inspect_file(take.signed, trust_pem="trust everybody")


def children() -> list[Path]:
    """Running inspection children of any process."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"provenance.inspect.child" in (process / "cmdline").read_bytes():
                found.append(process)
        except OSError:
            continue  # it ended while we looked
    return found


def own_children() -> list[Path]:
    """Inspection children that this process started, directly or through a sandbox."""
    own = str(os.getpid())
    found = []
    for process in children():
        ancestors, current = [], process
        while current.name not in ("0", "1"):
            try:
                parent = (current / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                break
            ancestors.append(parent)
            current = Path("/proc") / parent
        if own in ancestors:
            found.append(process)
    return found


def test_a_timeout_ends_the_child_and_leaves_none_behind(take: SignedTake) -> None:
    with pytest.raises(InspectionTimedOut):
        inspect_file(take.signed, keys=[take.key], timeout_s=0.2)
    deadline = time.monotonic() + 10
    while own_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert own_children() == []


def test_the_operating_system_bounds_processor_time(real_media: Path) -> None:
    with pytest.raises(InspectionTimedOut):
        inspect_file(
            real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4",
            keys=[WatermarkKey("k", bytes(32))],
            limits=InspectionLimits(cpu_s=1),
        )


@pytest.mark.parametrize("memory_mib", [64, 256])
def test_running_out_of_memory_is_an_error_with_a_reason(take: SignedTake, memory_mib: int) -> None:
    with pytest.raises((InspectionTooLarge, InspectionCrashed)) as caught:
        inspect_file(take.signed, limits=InspectionLimits(memory_bytes=memory_mib * 1024**2))
    assert caught.value.hint


def test_a_child_that_dies_is_an_error_that_says_how(take: SignedTake) -> None:
    killed = threading.Event()

    def kill() -> None:
        while not killed.is_set():
            for process in own_children():
                os.kill(int(process.name), signal.SIGKILL)
                killed.set()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(InspectionCrashed, match="was ended by SIGKILL") as caught:
            inspect_file(take.signed, keys=[take.key])
    finally:
        killed.set()
        killer.join()
    assert caught.value.hint


def test_an_answer_beyond_its_cap_is_refused(take: SignedTake) -> None:
    with pytest.raises(InspectionCrashed, match="more than 100 bytes"):
        inspect_file(take.unsigned, limits=InspectionLimits(result_bytes=100), want=["fingerprint"])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to look at a running child")
def test_secrets_reach_neither_the_arguments_nor_the_environment_of_the_child(
    take: SignedTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret-of-the-parent")
    seen: list[bytes] = []
    running = threading.Thread(target=inspect_file, args=(take.signed,), kwargs={"keys": [take.key]})
    running.start()
    while running.is_alive():
        for process in own_children():
            try:
                seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
            except OSError:
                continue  # it ended while we looked
        time.sleep(0.02)
    running.join()
    everything = b"".join(seen)
    assert b"PYTHONPATH" in everything
    assert take.key.secret.hex().encode() not in everything
    assert take.key.secret not in everything
    assert b"secret-of-the-parent" not in everything


def test_many_keys_fit_into_a_request(take: SignedTake) -> None:
    others = [WatermarkKey(f"{'retired' * 20}-{number}", bytes([number] * 32)) for number in range(3)]
    padding = "-" * 200_000
    found = inspect_file(take.signed, keys=[WatermarkKey(padding, bytes(32)), *others], want=["credential"])
    assert found.credential is not None


def test_the_sandbox_in_force_is_named() -> None:
    assert sandbox_kind() in ("bubblewrap", "rlimits")
