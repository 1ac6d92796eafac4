"""The installation signs as one authority: made once, renewed in time, refused when it cannot be trusted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from provenance.manifest.pki import RENEW_WITHIN, ROOT_KEY_FILE, SIGNER_FILE, create_authority
from studio.credentials import services
from studio.errors import SlateError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for an authority of the test's own; the process forgets the one it has loaded, for the while."""
    settings.SLATE_TRUST_DIR = tmp_path / "authority"
    monkeypatch.setattr(services, "_loaded", None)
    return settings.SLATE_TRUST_DIR  # type: ignore[no-any-return]


def start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a restart of the process does to what it has loaded."""
    monkeypatch.setattr(services, "_loaded", None)


def made_days_before_its_leaf_ends(folder: Path, days: float) -> str:
    """An authority whose leaf ends in `days`; returns the leaf's serial number."""
    lifetime = create_authority(folder.with_name("probe"), "Probe").expires_at - datetime.now(UTC)
    return create_authority(
        folder, "Test Studio", now=datetime.now(UTC) - lifetime + timedelta(days=days)
    ).leaf_serial


def test_it_is_made_at_first_use_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = services.ensure_authority()
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / SIGNER_FILE).stat().st_mode & 0o777 == 0o600
    start_again(monkeypatch)
    again = services.ensure_authority()
    assert (again.root_pem, again.leaf_serial) == (first.root_pem, first.leaf_serial)


def test_what_it_prints_is_a_root_and_no_key(folder: Path) -> None:
    pem = services.root_certificate_pem()
    assert "PRIVATE" not in pem
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(certificate)


def test_a_leaf_near_its_end_is_renewed_under_the_same_root(folder: Path) -> None:
    old = made_days_before_its_leaf_ends(folder, 10)
    root = (folder / "root.pem").read_text()
    authority = services.ensure_authority()
    assert authority.leaf_serial != old
    assert authority.expires_at - datetime.now(UTC) > RENEW_WITHIN
    assert authority.root_pem == root


def test_a_leaf_with_time_left_is_kept(folder: Path) -> None:
    serial = made_days_before_its_leaf_ends(folder, 40)
    assert services.ensure_authority().leaf_serial == serial


def test_without_the_root_key_a_leaf_is_used_to_its_last_day(folder: Path) -> None:
    serial = made_days_before_its_leaf_ends(folder, 10)
    (folder / ROOT_KEY_FILE).rename(folder.with_name("offline.pem"))
    assert services.ensure_authority().leaf_serial == serial


def test_an_expired_leaf_that_cannot_be_renewed_stops_signing(folder: Path) -> None:
    made_days_before_its_leaf_ends(folder, -1)
    (folder / ROOT_KEY_FILE).rename(folder.with_name("offline.pem"))
    with pytest.raises(SlateError) as refusal:
        services.ensure_authority()
    assert "valid from" in refusal.value.message
    assert "Renew" in refusal.value.hint


def test_a_running_process_notices_that_its_leaf_has_come_near_its_end(folder: Path) -> None:
    made_days_before_its_leaf_ends(folder, 10)
    (folder / ROOT_KEY_FILE).rename(folder.with_name("offline.pem"))
    old = services.ensure_authority().leaf_serial
    folder.with_name("offline.pem").rename(folder / ROOT_KEY_FILE)
    assert services.ensure_authority().leaf_serial != old


def test_a_key_that_others_can_read_stops_signing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services.ensure_authority()
    (folder / SIGNER_FILE).chmod(0o644)
    start_again(monkeypatch)
    with pytest.raises(SlateError) as refusal:
        services.ensure_authority()
    assert "0644" in refusal.value.message
    assert "chmod" in refusal.value.hint


def test_the_self_test_passes_on_a_sound_authority(folder: Path) -> None:
    services.trust_self_test()


def test_the_self_test_fails_when_a_key_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services.ensure_authority()
    signer = folder / SIGNER_FILE
    signer.write_text(signer.read_text()[:100])
    start_again(monkeypatch)
    with pytest.raises(SlateError) as refusal:
        services.trust_self_test()
    assert refusal.value.hint
