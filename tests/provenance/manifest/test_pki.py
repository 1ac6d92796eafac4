"""An authority is whole, private, fits together, and can be renewed; or it says what is wrong with it."""

import multiprocessing
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.manifest import errors, pki
from provenance.manifest.certificates import CLAIM_SIGNING_EKU


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    directory = tmp_path / "authority"
    pki.create_authority(directory, "Test Studio")
    return directory


def leaf_of(authority: pki.Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.chain_pem.encode())


def test_leaf_follows_the_claim_signing_profile(folder: Path) -> None:
    authority = pki.load_authority(folder)
    leaf = leaf_of(authority)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == {ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING_EKU}
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=366)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert {attribute.oid for attribute in leaf.subject} == {
        NameOID.COUNTRY_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.COMMON_NAME,
    }
    root = x509.load_pem_x509_certificate(authority.root_pem.encode())
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert (
        leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == identifier
    )
    assert isinstance(root.public_key().curve, ec.SECP384R1)
    assert authority.leaf_serial == str(leaf.serial_number)


def test_signature_verifies_with_the_leaf(folder: Path) -> None:
    authority = pki.load_authority(folder)
    leaf_of(authority).public_key().verify(authority.sign(b"claim"), b"claim", ec.ECDSA(hashes.SHA256()))


def test_private_keys_are_for_the_owner_only(folder: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {pki.ROOT_FILE: 0o644, pki.ROOT_KEY_FILE: 0o600, pki.SIGNER_FILE: 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_key_is_not_in_the_representation(folder: Path) -> None:
    assert "_key" not in repr(pki.load_authority(folder))


def test_an_authority_is_never_overwritten(folder: Path) -> None:
    before = pki.load_authority(folder).leaf_serial
    with pytest.raises(errors.AuthorityExists):
        pki.create_authority(folder, "Another")
    assert pki.load_authority(folder).leaf_serial == before


def test_a_crash_before_the_rename_leaves_no_authority_and_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    leftover = tmp_path / ".authority.new"
    leftover.mkdir()
    (leftover / pki.ROOT_KEY_FILE).write_text("half a key")
    with pytest.raises(errors.AuthorityMissing):
        pki.load_authority(directory)
    pki.create_authority(directory, "Test Studio")
    assert not leftover.exists()
    assert pki.load_authority(directory).organisation == "Test Studio"


def _ensure(directory: str, queue: "multiprocessing.Queue[str]") -> None:
    queue.put(pki.ensure_authority(Path(directory), "Test Studio").leaf_serial)


def test_processes_that_start_together_share_one_authority(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str] = context.Queue()
    workers = [context.Process(target=_ensure, args=(str(tmp_path / "authority"), queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    serials = {queue.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert serials == {pki.load_authority(tmp_path / "authority").leaf_serial}


def test_an_expired_signer_is_refused_and_can_be_renewed_under_the_same_root(folder: Path) -> None:
    before = pki.load_authority(folder)
    later = datetime.now(UTC) + timedelta(days=400)
    with pytest.raises(errors.AuthorityExpired) as caught:
        pki.load_authority(folder, now=later)
    assert "valid from" in caught.value.message
    renewed = pki.renew(folder, now=later)
    assert renewed.leaf_serial != before.leaf_serial
    assert renewed.root_pem == before.root_pem
    assert renewed.expires_at > later


def test_ensure_renews_a_signer_that_is_about_to_end_and_no_other(folder: Path) -> None:
    before = pki.load_authority(folder)
    assert pki.ensure_authority(folder, "Test Studio").leaf_serial == before.leaf_serial
    soon = before.expires_at - timedelta(days=10)
    assert pki.ensure_authority(folder, "Test Studio", now=soon).leaf_serial != before.leaf_serial


def test_renewal_needs_the_root_key_but_signing_does_not(folder: Path) -> None:
    (folder / pki.ROOT_KEY_FILE).unlink()
    assert pki.load_authority(folder).sign(b"claim")
    with pytest.raises(errors.RootKeyAbsent):
        pki.renew(folder)
    ending = pki.load_authority(folder).expires_at - timedelta(days=1)
    assert (
        pki.ensure_authority(folder, "Test Studio", now=ending).leaf_serial
        == pki.load_authority(folder).leaf_serial
    )


def test_a_signer_not_yet_valid_is_refused(folder: Path) -> None:
    with pytest.raises(errors.AuthorityExpired):
        pki.load_authority(folder, now=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize(("name", "mode"), [(pki.SIGNER_FILE, 0o640), (pki.SIGNER_FILE, 0o604), ("", 0o770)])
def test_a_key_others_can_reach_is_refused(folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(errors.KeyPermissionsOpen) as caught:
        pki.load_authority(folder)
    assert f"{mode:04o}" in caught.value.message


def test_a_key_of_another_certificate_is_refused(folder: Path) -> None:
    key, certificate = (folder / pki.SIGNER_FILE).read_text().split("-----BEGIN CERTIFICATE")
    pki.renew(folder)
    fresh_key, _ = (folder / pki.SIGNER_FILE).read_text().split("-----BEGIN CERTIFICATE")
    assert fresh_key != key
    (folder / pki.SIGNER_FILE).write_text(fresh_key + "-----BEGIN CERTIFICATE" + certificate)
    with pytest.raises(errors.KeyMismatch):
        pki.load_authority(folder)


def test_a_signer_of_another_root_is_refused(folder: Path, tmp_path: Path) -> None:
    pki.create_authority(tmp_path / "other", "Test Studio")
    shutil.copy(tmp_path / "other" / pki.SIGNER_FILE, folder / pki.SIGNER_FILE)
    with pytest.raises(errors.AuthorityUnreadable, match="not issued by the root"):
        pki.load_authority(folder)


@pytest.mark.parametrize("name", [pki.ROOT_FILE, pki.SIGNER_FILE])
@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_missing_and_malformed_files_are_named(folder: Path, name: str, content: bytes | None) -> None:
    os.unlink(folder / name)
    if content is not None:
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    with pytest.raises(errors.AuthorityUnreadable) as caught:
        pki.load_authority(folder)
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("organisation", ["", "   ", "x" * 41])
def test_an_organisation_that_fits_no_certificate_is_refused(tmp_path: Path, organisation: str) -> None:
    with pytest.raises(errors.AuthorityUnreadable):
        pki.create_authority(tmp_path / "authority", organisation)
    assert list(tmp_path.iterdir()) == []
