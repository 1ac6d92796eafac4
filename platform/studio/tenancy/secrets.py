"""Derives every secret of a studio from the installation's one root secret (HKDF, RFC 5869).

The root secret lies in a file outside the database: whoever copies the database alone can neither make nor
find a mark.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from studio.keyfile import read_or_create_secret
from studio.tenancy.models import Studio

WATERMARK = "watermark"


def studio_secret(studio: Studio, purpose: str, epoch: int = 1) -> bytes:
    """32 bytes that depend on the root secret, the studio, the purpose and the epoch, and reveal none."""
    root = read_or_create_secret(settings.KEY_DIR / "root-secret")
    info = f"slate/{purpose}/{studio.pk}/{epoch}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(root)


def watermark_secret(studio: Studio, epoch: int | None = None) -> bytes:
    """The secret of one of the studio's watermark keys; without an epoch, of the one that new takes use."""
    return studio_secret(studio, WATERMARK, epoch or studio.watermark_epoch)


def watermark_key_id(studio: Studio, epoch: int | None = None) -> str:
    """The name of that key: the studio and the epoch, and nothing of the secret."""
    return f"{studio.pk}/{epoch or studio.watermark_epoch}"


def watermark_epoch_of(key_id: str) -> tuple[str, int]:
    """The studio's id and the epoch that `watermark_key_id` wrote into a name."""
    studio_id, epoch = key_id.rsplit("/", 1)
    return studio_id, int(epoch)
