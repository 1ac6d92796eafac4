"""The installation's signing authority, its trust anchors and watermark keys, and summaries for people."""

import threading
from typing import Any

from django.conf import settings
from django.utils import timezone

from provenance.errors import ProvenanceError
from provenance.manifest.pki import Authority, renew
from provenance.manifest.pki import ensure_authority as ensure_authority_files
from provenance.manifest.selftest import self_test
from provenance.manifest.trust import TrustAnchors
from provenance.watermark import WatermarkKey
from studio.errors import SlateError
from studio.takes.models import Take
from studio.tenancy.models import Studio
from studio.tenancy.secrets import studio_secret, watermark_key_id

# A leaf that ends sooner than this is replaced: every take must outlive the reading of its signature.
RENEW_BEFORE_DAYS = 30

_lock = threading.Lock()
_loaded: Authority | None = None


def ensure_authority() -> Authority:
    """The signing authority, made at first use; its leaf is renewed before it ends. Raises SlateError."""
    global _loaded
    with _lock:
        if _loaded is None or _days_left(_loaded) < RENEW_BEFORE_DAYS:
            try:
                authority = ensure_authority_files(settings.SLATE_TRUST_DIR, settings.SLATE_ORGANISATION)
                if _days_left(authority) < RENEW_BEFORE_DAYS:
                    authority = renew(settings.SLATE_TRUST_DIR)
            except ProvenanceError as error:
                raise SlateError.of(error) from error
            _loaded = authority
        return _loaded


def _days_left(authority: Authority) -> float:
    return (authority.expires_at - timezone.now()).total_seconds() / 86_400


def root_certificate_pem() -> str:
    return ensure_authority().root_pem


def trust_anchors() -> TrustAnchors:
    return TrustAnchors(pem=root_certificate_pem())


def trust_self_test() -> None:
    """Sign and read a small file; raises SlateError unless good reads trusted and bad does not."""
    try:
        self_test(ensure_authority())
    except ProvenanceError as error:
        raise SlateError.of(error) from error


def watermark_key(studio: Studio) -> WatermarkKey:
    return WatermarkKey(watermark_key_id(studio), studio_secret(studio, "watermark"))


def all_watermark_keys() -> list[WatermarkKey]:
    """The keys of every studio, for verification: whose mark it is, is the question."""
    return [watermark_key(studio) for studio in Studio.objects.order_by("created_at")]


def credential_summary(take: Take) -> dict[str, Any]:
    """What the credential panel shows first; `state` is what the gate read back from the finished file."""
    master = take.master
    layer = master.gate.layers["credential"]
    return {
        "state": layer["state"],
        "label": "AI-generated" if layer["ai_generated"] else "",
        "signed_by": layer["signer_name"],
        "issued_by": layer["signer_organisation"],
        "claim_generator": layer["claim_generator"],
        "signed_at": master.credential.signed_at,
        "actions": layer["actions"],
        "manifest_id": master.credential.manifest_id,
    }
