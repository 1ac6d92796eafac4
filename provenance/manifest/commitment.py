"""Commits to private facts by salted hashes, so that a studio can prove one of them later without publishing
any.

A commitment is HMAC-SHA256 (RFC 2104) with a random salt of 32 bytes per take as key, over a label, a zero
byte and the value. The salt stays in the studio: without it, even a guessed prompt cannot be confirmed from
the credential.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from provenance.manifest.errors import StatementInvalid
from provenance.manifest.statement import Commitments

SALT_BYTES = 32


def new_salt() -> bytes:
    """32 random bytes, to be kept with the take and never published."""
    return secrets.token_bytes(SALT_BYTES)


def commit(salt: bytes, label: str, value: bytes) -> str:
    """The commitment to `value` under `label`, as 64 hex digits; labels keep equal values apart."""
    if len(salt) != SALT_BYTES:
        raise StatementInvalid(
            f"A salt of {len(salt)} bytes hides nothing reliably.", f"Use {SALT_BYTES} random bytes."
        )
    return hmac.new(salt, label.encode() + b"\0" + value, hashlib.sha256).hexdigest()


def commit_all(
    salt: bytes, *, recipe: bytes, prompt: str, seed: int, inputs: Mapping[str, bytes] | None = None
) -> Commitments:
    """The commitments of one take; `inputs` maps the role of an input to the SHA-256 digest of its bytes."""
    hidden = {role: commit(salt, f"input:{role}", value) for role, value in (inputs or {}).items()}
    return Commitments(
        recipe=commit(salt, "recipe", recipe),
        prompt=commit(salt, "prompt", prompt.encode()),
        seed=commit(salt, "seed", str(seed).encode()),
        inputs=hidden,
    )


def opens(commitment: str, salt: bytes, label: str, value: bytes) -> bool:
    """Whether `value` is what was committed to, compared in constant time."""
    return hmac.compare_digest(commitment, commit(salt, label, value))
