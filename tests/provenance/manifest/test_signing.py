"""A signed file appears complete and verified and says what was stated, or does not appear at all."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from c2pa import Context, Reader

from provenance.errors import FileEmpty, FileMissing
from provenance.manifest import errors
from provenance.manifest.definition import build_definition
from provenance.manifest.pki import Authority
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialReport, CredentialState
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import Generator, TakeStatement
from provenance.manifest.trust import MERKLE_FROM_BYTES, TrustAnchors, reading_settings, signing_settings


def test_a_signed_film_says_what_was_stated(
    film: Path, statement: TakeStatement, authority: Authority, trust: TrustAnchors, tmp_path: Path
) -> None:
    dest = tmp_path / "take.mp4"
    signed = sign_file(film, dest, statement, authority)
    report = read_credential(dest, trust)
    assert report.state is CredentialState.TRUSTED
    assert signed.manifest_id == report.manifest_id
    assert signed.manifest_id.startswith("urn:c2pa:")
    assert signed.signer_serial == report.signer_serial == authority.leaf_serial
    assert signed.sha256 == hashlib.sha256(dest.read_bytes()).hexdigest()
    assert signed.size_bytes == dest.stat().st_size
    assert report.actions == ("c2pa.created", "c2pa.watermarked.bound")
    assert report.ai_generated
    assert report.claimed_at == "2026-11-22T10:00:00Z"
    assert report.claim_generator == "Slate 0.1.0"
    assert report.signer_organisation == "Test Studio"
    assert report.take_id == statement.take_id
    assert report.generation is not None
    assert report.generation["promptHash"] == statement.commitments.prompt
    assert report.generation["fps"] == "25/1"


def test_the_returned_manifest_is_the_embedded_one(
    film: Path, statement: TakeStatement, authority: Authority, trust: TrustAnchors, tmp_path: Path
) -> None:
    signed = sign_file(film, tmp_path / "take.mp4", statement, authority)
    assert signed.manifest_bytes in (tmp_path / "take.mp4").read_bytes()


def test_the_signed_file_is_as_readable_as_its_source(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes(film.read_bytes())
    source.chmod(0o644)
    sign_file(source, tmp_path / "take.mp4", statement, authority)
    assert (tmp_path / "take.mp4").stat().st_mode & 0o777 == 0o644


def test_every_statement_of_ours_is_created_and_none_gathered(
    film: Path,
    real_media: Path,
    statement: TakeStatement,
    authority: Authority,
    trust: TrustAnchors,
    tmp_path: Path,
) -> None:
    poster = (real_media / "bigbuckbunny" / "bbb-480p-30s-poster.jpg").read_bytes()
    dest = tmp_path / "take.mp4"
    sign_file(film, dest, statement, authority, thumbnail=poster)
    with dest.open("rb") as stream, Context.from_dict(reading_settings(trust)) as context:
        claim = json.loads(Reader("video/mp4", stream, context=context).crjson())["manifests"][0]["claim.v2"]
    labels = {entry["url"].rsplit("/", 1)[-1] for entry in claim["created_assertions"]}
    assert {
        "c2pa.actions.v2",
        "c2pa.soft-binding",
        "c2pa.soft-binding__1",
        "c2pa.ai-disclosure",
        "c2pa.thumbnail.claim",
        "org.slate.generation",
        "c2pa.hash.bmff.v3",
    } == labels
    assert claim["gathered_assertions"] == []
    assert poster in dest.read_bytes()


def test_nothing_private_is_in_the_file(
    film: Path, statement: TakeStatement, authority: Authority, prompt: str, tmp_path: Path
) -> None:
    signed = sign_file(film, tmp_path / "take.mp4", statement, authority)
    for private in (prompt.encode(), b"lighthouse", b"918273645546", str(tmp_path).encode(), b"PRIVATE KEY"):
        assert private not in signed.manifest_bytes


def test_a_still_can_be_signed(
    still: Path, statement: TakeStatement, authority: Authority, trust: TrustAnchors, tmp_path: Path
) -> None:
    signed = sign_file(still, tmp_path / "still.png", statement, authority)
    assert signed.mime_type == "image/png"
    assert read_credential(tmp_path / "still.png", trust).state is CredentialState.TRUSTED


def test_a_credential_binds_mark_and_fingerprint_to_the_timespans_they_cover(
    signed_film: Path, authority: Authority
) -> None:
    report = read_credential(signed_film, TrustAnchors(authority.root_pem))
    bound = [(b.algorithm, base64.b64decode(b.value), b.start_ms, b.end_ms) for b in report.soft_bindings]
    assert bound == [
        ("org.slate.tilemark.1", bytes(range(9)), 0, 5280),
        ("org.slate.pdq-256.1", b"\1" * 32, 0, 2640),
        ("org.slate.pdq-256.1", b"\2" * 32, 2640, 5280),
    ]
    assert report.soft_bindings[0].parameters == "profile=robust;layout=1"
    assert CredentialReport.from_dict(report.as_dict()) == report


def test_every_soft_binding_has_the_fields_the_schema_requires(statement: TakeStatement) -> None:
    bindings = [
        entry["data"]
        for entry in build_definition(statement)["assertions"]
        if entry["label"] == "c2pa.soft-binding"
    ]
    assert len(bindings) == 2
    for binding in bindings:
        assert {"alg", "blocks", "pad"} <= set(binding)
        assert binding["pad"] == [], "the reader of the reference implementation takes it for no bytes"
        assert binding["alg"].rsplit(".", 1)[1].isdigit(), "a private name ends in its major version"
        for block in binding["blocks"]:
            assert set(block) == {"scope", "value"}
            assert block["scope"]["timespan"]["start"] < block["scope"]["timespan"]["end"]


def test_a_signed_file_is_not_signed_again_as_new(
    signed_film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(errors.AlreadySigned) as caught:
        sign_file(signed_film, tmp_path / "again.mp4", statement, authority)
    assert "urn:c2pa:" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_tampered_signed_file_is_not_laundered_either(
    signed_film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    tampered = tmp_path / "tampered.mp4"
    content = bytearray(signed_film.read_bytes())
    content[len(content) // 2] ^= 1
    tampered.write_bytes(content)
    with pytest.raises(errors.AlreadySigned):
        sign_file(tampered, tmp_path / "again.mp4", statement, authority)
    assert [path.name for path in tmp_path.iterdir()] == ["tampered.mp4"]


class BrokenKeyService:
    """A signer whose key service answers with an error, or with the signature of another key."""

    def __init__(self, authority: Authority, answer: Callable[[bytes], bytes]) -> None:
        self.root_pem = authority.root_pem
        self.chain_pem = authority.chain_pem
        self.sign = answer


def refuse(data: bytes) -> bytes:
    raise ConnectionError("the key service is down")


def test_a_failing_key_service_leaves_no_file_and_its_reason(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(errors.SigningFailed, match="the key service is down") as caught:
        sign_file(film, tmp_path / "take.mp4", statement, BrokenKeyService(authority, refuse))
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert list(tmp_path.iterdir()) == []


def test_a_signature_of_another_key_leaves_no_file(
    film: Path, statement: TakeStatement, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    with pytest.raises(errors.SigningFailed):
        sign_file(film, tmp_path / "take.mp4", statement, BrokenKeyService(authority, stranger.sign))
    assert list(tmp_path.iterdir()) == []


def test_a_chain_that_does_not_lead_to_the_root_leaves_no_file(
    film: Path, statement: TakeStatement, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    signer = BrokenKeyService(stranger, stranger.sign)
    signer.root_pem = authority.root_pem
    with pytest.raises(errors.SigningFailed, match="valid_untrusted"):
        sign_file(film, tmp_path / "take.mp4", statement, signer)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_time_stamp_authority_leaves_no_file(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(errors.SigningFailed):
        sign_file(film, tmp_path / "take.mp4", statement, authority, timestamp_url="http://127.0.0.1:9/")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_signing_keeps_what_was_at_the_destination(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    dest = tmp_path / "take.mp4"
    dest.write_bytes(b"the earlier version")
    with pytest.raises(errors.SigningFailed):
        sign_file(film, dest, statement, BrokenKeyService(authority, refuse))
    assert dest.read_bytes() == b"the earlier version"
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]


def test_sources_that_cannot_be_signed_are_refused_with_a_reason(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "film.mkv").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(100))
    (tmp_path / "notes.mp4").write_text("these are only notes, whatever the name says")
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:-1000])
    for name, expected in (
        ("absent.mp4", FileMissing),
        ("empty.mp4", FileEmpty),
        ("film.mkv", errors.FormatNotSignable),
        ("notes.mp4", errors.FormatNotSignable),
        ("cut.mp4", errors.SigningFailed),
    ):
        with pytest.raises(expected) as caught:
            sign_file(tmp_path / name, tmp_path / "out.mp4", statement, authority)
        assert caught.value.hint
    assert not (tmp_path / "out.mp4").exists()


def test_a_thumbnail_that_is_no_jpeg_and_a_missing_folder_are_refused(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(errors.SigningFailed, match="not a JPEG"):
        sign_file(film, tmp_path / "take.mp4", statement, authority, thumbnail=b"GIF89a")
    with pytest.raises(errors.SigningFailed, match="Nothing can be written"):
        sign_file(film, tmp_path / "absent" / "take.mp4", statement, authority)


def test_the_specification_version_is_the_one_stated(
    film: Path,
    changed: Callable[..., TakeStatement],
    authority: Authority,
    trust: TrustAnchors,
    tmp_path: Path,
) -> None:
    sign_file(film, tmp_path / "take.mp4", changed(generator=Generator("Slate", "9", "2.5.0")), authority)
    with (tmp_path / "take.mp4").open("rb") as stream, Context.from_dict(reading_settings(trust)) as context:
        claim = json.loads(Reader("video/mp4", stream, context=context).crjson())["manifests"][0]["claim.v2"]
    assert claim["claim_generator_info"]["specVersion"] == "2.5.0"


def test_only_large_files_are_hashed_in_chunks(trust: TrustAnchors) -> None:
    small = signing_settings(trust, size_bytes=MERKLE_FROM_BYTES - 1)
    large = signing_settings(trust, size_bytes=MERKLE_FROM_BYTES)
    assert "merkle_tree_chunk_size_in_kb" not in small["core"]
    assert large["core"]["merkle_tree_chunk_size_in_kb"] == 1024
