"""A credential is called what it is: trusted, untrusted, invalid, unreadable or absent."""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from c2pa import Builder, C2paSigningAlg, Context, Signer

from provenance.errors import FileEmpty, FileMissing
from provenance.manifest.boxes import top_level_boxes
from provenance.manifest.definition import build_definition
from provenance.manifest.errors import TrustAnchorsInvalid
from provenance.manifest.pki import Authority
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialReport, CredentialState, SoftBinding
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import TakeStatement
from provenance.manifest.trust import TrustAnchors, signing_settings


def flipped(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    samples = next(box for box in top_level_boxes(path) if box.kind == b"mdat")
    content[(samples.start + samples.end) // 2] ^= 1
    return bytes(content)


@pytest.fixture
def sign_raw(authority: Authority, trust: TrustAnchors) -> Callable[..., bytes]:
    """Signs bytes through the C2PA library directly, for files our own signing refuses to make."""

    def sign(
        definition: dict[str, Any],
        content: bytes,
        mime_type: str,
        parent: bytes | None = None,
        remote_url: str | None = None,
        is_checked: bool = True,
    ) -> bytes:
        settings = signing_settings(trust, size_bytes=len(content))
        settings["verify"]["verify_after_sign"] = is_checked
        builder = Builder(definition, Context.from_dict(settings))
        if parent is not None:
            ingredient = {"title": "earlier version", "relationship": "parentOf", "label": "parent"}
            builder.add_ingredient(ingredient, mime_type, io.BytesIO(parent))
        if remote_url is not None:
            builder.set_remote_url(remote_url)
            builder.set_no_embed()
        signer = Signer.from_callback(authority.sign, C2paSigningAlg.ES256, authority.chain_pem)
        signed = io.BytesIO()
        builder.sign(signer, mime_type, io.BytesIO(content), signed)
        return signed.getvalue()

    return sign


@pytest.fixture
def opened() -> dict[str, Any]:
    action = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
    return {
        "title": "next version",
        "claim_generator_info": [{"name": "An editor", "version": "1", "specVersion": "2.4.0"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                "data": {"actions": [action], "allActionsIncluded": True},
            }
        ],
    }


def test_a_flipped_bit_of_the_picture_is_invalid(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path
) -> None:
    (tmp_path / "flipped.mp4").write_bytes(flipped(signed_film))
    report = read_credential(tmp_path / "flipped.mp4", trust)
    assert report.state is CredentialState.INVALID
    assert report.failures == ("assertion.bmffHash.mismatch",)


def test_a_changed_word_in_the_manifest_is_invalid(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path
) -> None:
    content = signed_film.read_bytes()
    assert b"prompt_guided" in content
    (tmp_path / "forged.mp4").write_bytes(content.replace(b"prompt_guided", b"human_guided!"))
    report = read_credential(tmp_path / "forged.mp4", trust)
    assert report.state is CredentialState.INVALID
    assert "assertion.hashedURI.mismatch" in report.failures


def test_a_signer_of_another_root_is_valid_but_untrusted(
    film: Path, statement: TakeStatement, stranger: Authority, trust: TrustAnchors, tmp_path: Path
) -> None:
    sign_file(film, tmp_path / "foreign.mp4", statement, stranger)
    report = read_credential(tmp_path / "foreign.mp4", trust)
    assert report.state is CredentialState.VALID_UNTRUSTED
    assert report.signer_organisation == "Somebody Else"
    assert "signingCredential.untrusted" in report.failures


def test_nobody_is_trusted_without_anchors(signed_film: Path) -> None:
    assert read_credential(signed_film, TrustAnchors("")).state is CredentialState.VALID_UNTRUSTED


def test_an_answer_does_not_depend_on_the_file_read_before(
    signed_film: Path, authority: Authority, stranger: Authority
) -> None:
    ours, theirs = TrustAnchors(authority.root_pem), TrustAnchors(stranger.root_pem)
    states = [read_credential(signed_film, trust).state for trust in (ours, theirs, ours)]
    assert states == [CredentialState.TRUSTED, CredentialState.VALID_UNTRUSTED, CredentialState.TRUSTED]


def test_the_list_that_trusted_the_signer_is_named(signed_film: Path, authority: Authority) -> None:
    report = read_credential(signed_film, TrustAnchors(authority.root_pem, uri="urn:example:list"))
    assert report.state is CredentialState.TRUSTED
    assert report.trust_list_uri == "urn:example:list"


@pytest.mark.parametrize(
    "pem", ["trust everybody", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"]
)
def test_anchors_that_are_no_certificates_are_refused(pem: str) -> None:
    with pytest.raises(TrustAnchorsInvalid):
        TrustAnchors(pem)


def test_a_broken_history_is_seen_although_the_library_says_trusted(
    signed_film: Path,
    trust: TrustAnchors,
    sign_raw: Callable[..., bytes],
    opened: dict[str, Any],
    tmp_path: Path,
) -> None:
    tampered = flipped(signed_film)
    child = sign_raw(opened, tampered, "video/mp4", parent=tampered)
    grandchild = sign_raw(opened, child, "video/mp4", parent=child)
    for name, content in (("child.mp4", child), ("grandchild.mp4", grandchild)):
        (tmp_path / name).write_bytes(content)
        report = read_credential(tmp_path / name, trust)
        assert report.state is CredentialState.TRUSTED
        assert "assertion.bmffHash.mismatch" in report.ingredient_failures
        assert not report.history_intact


def test_a_sound_history_is_intact(
    signed_film: Path,
    trust: TrustAnchors,
    sign_raw: Callable[..., bytes],
    opened: dict[str, Any],
    tmp_path: Path,
) -> None:
    parent = signed_film.read_bytes()
    (tmp_path / "child.mp4").write_bytes(sign_raw(opened, parent, "video/mp4", parent=parent))
    report = read_credential(tmp_path / "child.mp4", trust)
    assert report.state is CredentialState.TRUSTED
    assert report.history_intact
    assert report.actions == ("c2pa.opened",)
    assert not report.ai_generated


def test_a_remote_credential_is_named_and_never_fetched(
    still: Path, statement: TakeStatement, trust: TrustAnchors, sign_raw: Callable[..., bytes], tmp_path: Path
) -> None:
    url = "https://credentials.example.invalid/manifest.c2pa"
    content = sign_raw(build_definition(statement), still.read_bytes(), "image/png", remote_url=url)
    (tmp_path / "remote.png").write_bytes(content)
    report = read_credential(tmp_path / "remote.png", trust)
    assert report.state is CredentialState.ABSENT
    assert report.remote_url == url


@pytest.mark.parametrize("header", [struct.pack(">I4s", 16, b"free"), struct.pack(">I4sQ", 1, b"skip", 24)])
def test_content_hidden_in_padding_is_reported(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path, header: bytes
) -> None:
    padded, stuffed = tmp_path / "padded.mp4", tmp_path / "stuffed.mp4"
    padded.write_bytes(signed_film.read_bytes() + header + bytes(8))
    stuffed.write_bytes(signed_film.read_bytes() + header + b"8 bytes!")
    assert read_credential(padded, trust).uncovered_bytes == 0
    report = read_credential(stuffed, trust)
    assert report.uncovered_bytes == 8
    assert "padding" in report.note


def test_the_container_is_told_by_its_bytes_not_its_name(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path
) -> None:
    disguised = tmp_path / "picture.png"
    disguised.write_bytes(signed_film.read_bytes())
    report = read_credential(disguised, trust)
    assert report.mime_type == "video/mp4"
    assert report.state is CredentialState.TRUSTED


def test_real_unsigned_media_carries_no_credential(real_media: Path, trust: TrustAnchors) -> None:
    names = ("bigbuckbunny/bigbuckbunny.mp4", "imageio/chelsea.png", "augly-images/dfdc_1.jpg")
    for name in (*names, "augly-audio-mono/test_clip.wav"):
        report = read_credential(real_media / name, trust)
        assert report.state is CredentialState.ABSENT, name
        assert report.manifest_id is None
        assert report.mime_type


def test_matroska_cannot_carry_a_credential_and_says_so(trust: TrustAnchors, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(100))
    report = read_credential(tmp_path / "clip.mp4", trust)
    assert report.state is CredentialState.ABSENT
    assert "cannot carry credentials" in report.note


@pytest.mark.parametrize("keep_bytes", [100, 5_000, -1])
def test_a_file_cut_short_is_unreadable_with_a_reason(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path, keep_bytes: int
) -> None:
    (tmp_path / "cut.mp4").write_bytes(signed_film.read_bytes()[:keep_bytes])
    report = read_credential(tmp_path / "cut.mp4", trust)
    assert report.state is CredentialState.UNREADABLE
    assert "could not be checked" in report.note


def test_a_missing_and_an_empty_file_are_errors(trust: TrustAnchors, tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_credential(tmp_path / "absent.mp4", trust)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(FileEmpty):
        read_credential(tmp_path / "empty.mp4", trust)


def test_a_report_survives_json(signed_film: Path, trust: TrustAnchors) -> None:
    report = read_credential(signed_film, trust)
    assert CredentialReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


@pytest.mark.parametrize("data", [{"actions": 5}, {"actions": [1, "c2pa.opened"]}, {"takeId": ["x"]}])
def test_odd_assertions_of_others_do_not_break_or_mislead_the_reading(
    still: Path,
    statement: TakeStatement,
    trust: TrustAnchors,
    sign_raw: Callable[..., bytes],
    tmp_path: Path,
    data: dict[str, Any],
) -> None:
    definition = build_definition(statement)
    definition["assertions"] = [a for a in definition["assertions"] if a["label"] != "org.slate.generation"]
    definition["assertions"] += [
        {"label": label, "data": data} for label in ("com.example.x", "org.slate.generation")
    ]
    (tmp_path / "odd.png").write_bytes(sign_raw(definition, still.read_bytes(), "image/png"))
    report = read_credential(tmp_path / "odd.png", trust)
    assert report.state is CredentialState.TRUSTED
    assert report.actions == ("c2pa.created", "c2pa.watermarked.bound")
    assert report.take_id is None


def test_a_manifest_damaged_beyond_reading_is_invalid(
    signed_film: Path, trust: TrustAnchors, tmp_path: Path
) -> None:
    content = signed_film.read_bytes()
    (tmp_path / "damaged.mp4").write_bytes(content.replace(b"prompt_guided", b"\xffrompt_guided", 1))
    report = read_credential(tmp_path / "damaged.mp4", trust)
    assert report.state is CredentialState.INVALID
    assert "damaged beyond reading" in report.note
    assert "assertion.cbor.invalid" in report.failures


@pytest.mark.parametrize(
    ("binding", "read"),
    [
        ({"alg": "com.other.1", "blocks": "none"}, ()),
        ({"alg": "com.other.1"}, ()),
        ({"alg": "com.other.1", "blocks": ["x", 1, None]}, ()),
        (
            {"alg": "com.other.1", "alg-params": {"a": 1}, "blocks": [{"scope": [], "value": "AA=="}]},
            (SoftBinding("com.other.1", "AA=="),),
        ),
        (
            {
                "alg": "com.other.1",
                "blocks": [{"scope": {"timespan": {"start": "0", "end": 5}}, "value": "AA=="}],
            },
            (SoftBinding("com.other.1", "AA==", end_ms=5),),
        ),
    ],
)
def test_a_malformed_soft_binding_is_read_as_far_as_it_goes_and_never_trusted(
    still: Path,
    statement: TakeStatement,
    trust: TrustAnchors,
    sign_raw: Callable[..., bytes],
    tmp_path: Path,
    binding: dict[str, Any],
    read: tuple[SoftBinding, ...],
) -> None:
    definition = build_definition(statement)
    own = [entry for entry in definition["assertions"] if entry["label"] != "c2pa.soft-binding"]
    actions = own[0]["data"]
    actions["actions"] = [a for a in actions["actions"] if a["action"] == "c2pa.created"]
    definition["assertions"] = [*own, {"label": "c2pa.soft-binding", "created": True, "data": binding}]
    content = sign_raw(definition, still.read_bytes(), "image/png", is_checked=False)
    (tmp_path / "other.png").write_bytes(content)
    report = read_credential(tmp_path / "other.png", trust)
    assert report.state is CredentialState.INVALID
    assert report.soft_bindings == read
