"""A copy's credential is its own, names the released take as its parent, and conforms; nothing half-made remains."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provenance.errors import FileMissing
from provenance.manifest.copies import CopyStatement, sign_copy
from provenance.manifest.errors import AlreadySigned
from provenance.manifest.pki import Authority
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialState
from provenance.manifest.statement import Generator
from provenance.manifest.trust import TrustAnchors


@pytest.fixture
def copy_statement() -> CopyStatement:
    return CopyStatement(
        title="Copy 7",
        take_id="take-1",
        copy_id="copy-7",
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        generator=Generator("Slate", "0.1.0", "2.4.0"),
    )


def test_the_copy_is_trusted_and_leads_to_its_parent(
    film: Path,
    signed_film: Path,
    copy_statement: CopyStatement,
    authority: Authority,
    trust: TrustAnchors,
    tmp_path: Path,
) -> None:
    signed = sign_copy(film, tmp_path / "copy.mp4", copy_statement, signed_film, authority)
    report = read_credential(tmp_path / "copy.mp4", trust)
    assert report.state is CredentialState.TRUSTED
    assert report.history_intact
    assert report.ai_generated
    assert report.actions == ("c2pa.opened", "c2pa.transcoded")
    assert report.parent_manifest_id == read_credential(signed_film, trust).manifest_id
    assert report.manifest_id == signed.manifest_id != report.parent_manifest_id
    assert signed.sha256 == hashlib.sha256((tmp_path / "copy.mp4").read_bytes()).hexdigest()
    assert read_credential(signed_film, trust).parent_manifest_id is None


def test_a_parent_that_was_changed_shows_in_the_history_of_the_copy(
    film: Path,
    signed_film: Path,
    copy_statement: CopyStatement,
    authority: Authority,
    trust: TrustAnchors,
    tmp_path: Path,
) -> None:
    content = bytearray(signed_film.read_bytes())
    content[content.index(b"mdat") + 20_000] ^= 1
    (tmp_path / "changed.mp4").write_bytes(content)
    sign_copy(film, tmp_path / "copy.mp4", copy_statement, tmp_path / "changed.mp4", authority)
    assert not read_credential(tmp_path / "copy.mp4", trust).history_intact


def test_what_cannot_be_signed_leaves_nothing(
    film: Path, signed_film: Path, copy_statement: CopyStatement, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(AlreadySigned):
        sign_copy(signed_film, tmp_path / "copy.mp4", copy_statement, signed_film, authority)
    with pytest.raises(FileMissing, match=r"gone\.mp4"):
        sign_copy(film, tmp_path / "copy.mp4", copy_statement, tmp_path / "gone.mp4", authority)
    assert list(tmp_path.iterdir()) == []
