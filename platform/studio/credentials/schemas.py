"""What the API says of a verified file."""

from typing import Any
from uuid import UUID

from ninja import Schema


class LayerOut(Schema):
    state: str
    summary: str
    details: dict[str, Any]


class ReasonOut(Schema):
    """One sentence, and the layer it rests on: file, credential, watermark or fingerprint."""

    layer: str
    sentence: str


class HowOut(Schema):
    """How a stretch was found, by `method`: frames (whole pictures), features (parts of pictures) or sound.

    `probability`: that a clip which is no copy would match as well.
    """

    method: str
    is_mirrored: bool
    probability: float


class SegmentOut(Schema):
    """A stretch of the file (query) that shows a stretch of something known (reference); seconds.

    `id` and `how` are null for a take of a studio you are not in.
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
    how: HowOut | None


class SpanOut(Schema):
    """Half a second of a file and how strongly its mark is in it, in standard deviations above chance."""

    start_s: float
    end_s: float
    z: float
    is_marked: bool


class TakeWatermarkOut(Schema):
    """The mark of a take's released file. `certificate` is what was measured of it while the take was rendered:
    `psnr_db`, `ssim` and `vmaf` (null without a VMAF at hand) of the marked picture against the unmarked one, and
    whether the mark was read (`proxy_reads_message`, at strength `proxy_z`) from a copy encoded at `proxy_crf`;
    empty for takes made before that was measured. `strip` is the mark's strength over the file."""

    take_id: UUID
    algorithm: str
    number: str
    profile: str
    key_epoch: int
    z: float
    p_false_positive: float
    certificate: dict[str, Any]
    strip: list[SpanOut]


class VerificationOut(Schema):
    """`outcome`: recognised, altered, contradictory or not_recognised. `take` only for its studio's members.

    `layers.watermark.state` is found, not_found, inconclusive (a mark is there and cannot be read) or unreadable.
    For members of the studio whose mark it is, its `details.marks` hold strength, bounds on chance, place in the
    picture, place in the take, and what came of laying the file over the take; for anybody else they are empty.
    """

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
