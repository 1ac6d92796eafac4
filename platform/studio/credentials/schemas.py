"""What the API says of a verified file."""

from typing import Any

from ninja import Schema


class LayerOut(Schema):
    state: str
    summary: str
    details: dict[str, Any]


class ReasonOut(Schema):
    """One sentence, and the layer it rests on: file, credential, watermark or fingerprint."""

    layer: str
    sentence: str


class SegmentOut(Schema):
    """A stretch of the file (query) that shows a stretch of something known (reference); seconds.

    `id` is null for a take of a studio you are not in.
    """

    kind: str
    id: str | None
    name: str
    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    distance: float
    hits: int


class VerificationOut(Schema):
    """`outcome`: recognised, altered, contradictory or not_recognised. `take` only for its studio's members."""

    file: str
    sha256: str
    outcome: str
    headline: str
    reasons: list[ReasonOut]
    exit_status: int
    take: str | None
    studio: str | None
    layers: dict[str, LayerOut]
    segments: list[SegmentOut]
    media: dict[str, Any]
