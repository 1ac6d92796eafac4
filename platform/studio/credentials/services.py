"""The installation's signing authority, its trust anchors and watermark keys, and summaries for people."""

import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from provenance.errors import ProvenanceError
from provenance.manifest.pki import RENEW_WITHIN, Authority
from provenance.manifest.pki import ensure_authority as ensure_authority_files
from provenance.manifest.selftest import self_test
from provenance.manifest.trust import TrustAnchors
from provenance.watermark import WatermarkKey
from studio.errors import SlateError
from studio.takes.models import Take
from studio.tenancy.models import Studio
from studio.tenancy.secrets import studio_secret, watermark_key_id

_lock = threading.Lock()
_loaded: Authority | None = None


def ensure_authority() -> Authority:
    """The signing authority, made at first use; its leaf is renewed before it ends. Raises SlateError.

    A long-running process looks at the files again once its leaf is near its end. Where the root key is kept
    offline nothing can be renewed, and the leaf is used to its last day.
    """
    global _loaded
    with _lock:
        if _loaded is None or _loaded.expires_at - timezone.now() < RENEW_WITHIN:
            try:
                _loaded = ensure_authority_files(settings.SLATE_TRUST_DIR, settings.SLATE_ORGANISATION)
            except ProvenanceError as error:
                raise SlateError.of(error) from error
        return _loaded


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


def public_model_name(model: str) -> str:
    """A checkpoint's name without the place where it lies: nobody outside learns a path of this machine."""
    return Path(model).name if Path(model).is_absolute() or model.startswith((".", "~")) else model


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
