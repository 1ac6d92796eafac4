"""Names whom a reader trusts, and makes the settings under which the C2PA library works, always offline."""

from dataclasses import dataclass
from typing import Any

from cryptography import x509

from provenance.manifest.errors import TrustAnchorsInvalid

LOCAL_LIST_URI = "urn:slate:trust-list:manifest"
# A file of this size or more is hashed in chunks, so that signing needs constant memory. Below it the plain
# hash is kept, because not every independent verifier reads the chunked one.
MERKLE_FROM_BYTES = 200 * 1024 * 1024
MERKLE_CHUNK_KIB = 1024
BACKING_STORE_THRESHOLD_MIB = 1


@dataclass(frozen=True)
class TrustAnchors:
    """The root certificates (PEM) under which a claim signer is trusted; `uri` names the list they form.

    An empty `pem` trusts nobody. Raises TrustAnchorsInvalid for text that is not a list of certificates,
    because the library itself would silently trust nothing.
    """

    pem: str
    uri: str = LOCAL_LIST_URI

    def __post_init__(self) -> None:
        if not self.pem.strip():
            return
        try:
            x509.load_pem_x509_certificates(self.pem.encode())
        except ValueError as error:
            raise TrustAnchorsInvalid(
                "The trusted roots are not a list of certificates in PEM form.",
                "Concatenate -----BEGIN CERTIFICATE----- blocks.",
            ) from error


def reading_settings(trust: TrustAnchors) -> dict[str, Any]:
    """Settings for a reader: our anchors for manifests only, nothing fetched from any network."""
    settings: dict[str, Any] = {
        "version": 1,
        "verify": {
            "verify_trust": True,
            "verify_after_reading": True,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "core": {
            "backing_store_memory_threshold_in_mb": BACKING_STORE_THRESHOLD_MIB,
            "allowed_network_hosts": [],
        },
    }
    if trust.pem.strip():
        settings["trust"] = {
            "anchors": [{"trust_anchors": trust.pem, "trust_uri": trust.uri, "trust_kind": "manifest"}]
        }
    return settings


def signing_settings(trust: TrustAnchors, *, size_bytes: int) -> dict[str, Any]:
    """Settings for a builder that signs a source of `size_bytes`."""
    settings = reading_settings(trust)
    settings["verify"]["verify_after_sign"] = True
    settings["builder"] = {
        "thumbnail": {"enabled": False},
        # Base labels; without this the library files assertions that state facts of ours under "gathered".
        "created_assertion_labels": [
            "c2pa.actions",
            "c2pa.soft-binding",
            "c2pa.ai-disclosure",
            "c2pa.thumbnail.claim",
            "org.slate.generation",
        ],
    }
    if size_bytes >= MERKLE_FROM_BYTES:
        settings["core"]["merkle_tree_chunk_size_in_kb"] = MERKLE_CHUNK_KIB
    return settings
