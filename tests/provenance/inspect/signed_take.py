"""What the tests of inspections know about the take they inspect."""

from dataclasses import dataclass
from pathlib import Path

from provenance.manifest.pki import Authority
from provenance.watermark import Payload, WatermarkKey


@dataclass(frozen=True)
class SignedTake:
    """Where the take lies, unsigned and signed, and what went into it."""

    unsigned: Path
    signed: Path
    payload: Payload
    key: WatermarkKey
    authority: Authority
    take_id: str
