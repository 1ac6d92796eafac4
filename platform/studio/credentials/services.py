"""The installation's signing authority, its trust anchors and watermark keys, and summaries for people."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from provenance.errors import ProvenanceError
from provenance.manifest.pki import RENEW_WITHIN, Authority
from provenance.manifest.pki import ensure_authority as ensure_authority_files
from provenance.manifest.selftest import self_test
from provenance.manifest.statement import Generator
from provenance.manifest.trust import TrustAnchors
from provenance.watermark import Payload, WatermarkKey
from studio.credentials.models import WatermarkRecord
from studio.errors import SlateError
from studio.takes.models import Take
from studio.tenancy.models import Studio
from studio.tenancy.secrets import watermark_epoch_of, watermark_key_id, watermark_secret
from studio.version import VERSION

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


def watermark_key(studio: Studio, epoch: int | None = None) -> WatermarkKey:
    """The studio's key of an epoch; without one, the key that takes begun now are marked with."""
    return WatermarkKey(watermark_key_id(studio, epoch), watermark_secret(studio, epoch))


def all_watermark_keys() -> list[WatermarkKey]:
    """The keys of every studio and epoch, for verification: whose mark it is, is the question.

    New keys come first: most clips that are asked about are recent.
    """
    ages = [
        (studio.watermark_epoch - epoch, studio, epoch)
        for studio in Studio.objects.order_by("created_at")
        for epoch in studio.watermark_epochs
    ]
    return [watermark_key(studio, epoch) for _, studio, epoch in sorted(ages, key=lambda entry: entry[0])]


def issued_marks(keys: Iterable[WatermarkKey]) -> dict[str, list[Payload]]:
    """By key id, the numbers that takes marked with these keys carry: the list by which a faint mark is told."""
    issued: dict[str, list[Payload]] = defaultdict(list)
    records = WatermarkRecord.objects.filter(key_id__in=[key.key_id for key in keys])
    for key_id, payload in records.values_list("key_id", "payload"):
        issued[key_id].append(Payload.from_bytes(bytes(payload)))
    return dict(issued)


def studio_of_key(key_id: str) -> Studio | None:
    """The studio whose key has this name."""
    studio_id, _ = watermark_epoch_of(key_id)
    return Studio.objects.filter(pk=studio_id).first()


def this_generator() -> Generator:
    """How this installation names itself in the credentials it issues."""
    return Generator("Slate", VERSION, settings.SLATE_C2PA_SPEC_VERSION)


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
