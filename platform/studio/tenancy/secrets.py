"""Derives every secret of a studio from the installation's one root secret (HKDF, RFC 5869)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from studio.keyfile import read_or_create_secret
from studio.tenancy.models import Studio

# Raised when keys are rotated; older epochs stay readable for detection.
WATERMARK_EPOCH = 1


def studio_secret(studio: Studio, purpose: str, epoch: int = 1) -> bytes:
    """32 bytes that depend on the root secret, the studio, the purpose and the epoch, and reveal none."""
    root = read_or_create_secret(settings.KEY_DIR / "root-secret")
    info = f"slate/{purpose}/{studio.pk}/{epoch}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(root)


def watermark_key_id(studio: Studio, epoch: int = WATERMARK_EPOCH) -> str:
    return f"{studio.pk}/{epoch}"
