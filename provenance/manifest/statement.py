"""What a credential says about a take, checked to say neither too little nor anything private."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from provenance.manifest.errors import StatementInvalid

MAX_TEXT_LENGTH = 200
# The names, in a manifest, of the mark of `provenance.watermark` and of PDQ hashes (Facebook, 2019) of single
# frames. Both are private: neither is entered in the C2PA list of soft binding algorithms, which the specification
# permits (a listed name is recommended).
TILEMARK_ALGORITHM = "org.slate.tilemark.1"
PDQ_ALGORITHM = "org.slate.pdq-256.1"
WATERMARK_PAYLOAD_BYTES = 9
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_REVERSE_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9_-]+)+")
_PARAMETER = re.compile(r"[a-z][a-z0-9-]*")
_SPEC_VERSION = re.compile(r"\d+\.\d+\.\d+")
_PATH_LIKE = re.compile(r"^[/~.]|\\|:/|\.\./")


class SourceType(StrEnum):
    """The IPTC digital source types a take can honestly have."""

    TRAINED_ALGORITHMIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    COMPOSITE_WITH_TRAINED = (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )


class Oversight(StrEnum):
    """How far a person was involved (C2PA 2.4, section 18.28)."""

    FULLY_AUTONOMOUS = "fully_autonomous"
    PROMPT_GUIDED = "prompt_guided"
    HUMAN_VALIDATED = "human_validated"


@dataclass(frozen=True)
class Generator:
    """The product that makes the claim; `spec_version` is the C2PA version it follows, such as "2.4.0"."""

    name: str
    version: str
    spec_version: str


@dataclass(frozen=True)
class Model:
    """The model that made the pictures: public name, SHA-256 of its weights, and pipeline class."""

    name: str
    digest: str
    pipeline_class: str


@dataclass(frozen=True)
class WatermarkBinding:
    """The invisible mark in the picture; `payload` is the 9 bytes (72 bits) a detector recovers from it.

    `algorithm` is a reverse-domain name that ends in a major version. `profile` and `layout` (of the payload's
    bits) are its published parameters; nothing here tells which key the mark was made with.
    """

    algorithm: str
    payload: bytes
    duration_ms: int
    profile: str = "clean"
    layout: int = 0

    @property
    def parameters(self) -> str:
        """The parameters as they stand in the manifest."""
        return f"profile={self.profile};layout={self.layout}"


@dataclass(frozen=True)
class FrameHash:
    """The perceptual hash of the frame that begins a timespan of the take, in milliseconds."""

    start_ms: int
    end_ms: int
    value: bytes


@dataclass(frozen=True)
class FingerprintBinding:
    """What the picture looks like, by the hashes of some of its frames; it finds copies that lost the mark, and
    tells a copied mark from the take it was copied from."""

    algorithm: str
    frames: tuple[FrameHash, ...]


@dataclass(frozen=True)
class Commitments:
    """Salted hashes of what made the take (see `provenance.manifest.commitment`), as 64 lowercase hex digits.

    `inputs` maps the role of an input (such as "start_image") to the commitment to its bytes.
    """

    recipe: str
    prompt: str
    seed: str
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TakeStatement:
    """Everything a take's credential says; raises StatementInvalid when it cannot be said that way.

    Sizes are in pixels, the duration in milliseconds, `created_at` carries its time zone. There is no place
    for a prompt, a person or a path: what must be provable later is committed to by salted hashes.
    """

    title: str
    take_id: str
    created_at: datetime
    generator: Generator
    model: Model
    commitments: Commitments
    width: int
    height: int
    fps: Fraction
    duration_ms: int
    watermark: WatermarkBinding | None = None
    fingerprint: FingerprintBinding | None = None
    source_type: SourceType = SourceType.TRAINED_ALGORITHMIC
    oversight: Oversight = Oversight.PROMPT_GUIDED

    def __post_init__(self) -> None:
        for name, text in (
            ("title", self.title),
            ("take_id", self.take_id),
            ("generator name", self.generator.name),
            ("generator version", self.generator.version),
            ("model name", self.model.name),
            ("pipeline class", self.model.pipeline_class),
        ):
            _require_text(name, text)
        if not _SPEC_VERSION.fullmatch(self.generator.spec_version):
            raise StatementInvalid(
                f"The specification version {self.generator.spec_version!r} is not of the form 2.4.0.",
                "Give major, minor and patch.",
            )
        if self.created_at.tzinfo is None:
            raise StatementInvalid("The time of creation has no time zone.", "Give an aware datetime in UTC.")
        if min(self.width, self.height, self.duration_ms) <= 0 or self.fps <= 0:
            raise StatementInvalid(
                f"A take of {self.width}x{self.height} pixels, {self.duration_ms} ms, {self.fps} fps: empty.",
                "Every one of these is above zero.",
            )
        self._require_hashes()
        self._require_watermark()
        self._require_fingerprint()

    def _require_hashes(self) -> None:
        hashes = {
            "model digest": self.model.digest,
            "recipe": self.commitments.recipe,
            "prompt": self.commitments.prompt,
            "seed": self.commitments.seed,
            **{f"input {role!r}": value for role, value in self.commitments.inputs.items()},
        }
        for name, value in hashes.items():
            if not _SHA256_HEX.fullmatch(value):
                raise StatementInvalid(
                    f"The {name} is not a hash, and nothing but a hash of it may be published.",
                    "Give 64 lowercase hexadecimal digits.",
                )
        for role in self.commitments.inputs:
            _require_text("role of an input", role)

    def _require_watermark(self) -> None:
        mark = self.watermark
        if mark is None:
            return
        _require_algorithm("watermark", mark.algorithm)
        if len(mark.payload) != WATERMARK_PAYLOAD_BYTES or mark.duration_ms <= 0:
            raise StatementInvalid(
                f"A watermark of {len(mark.payload)} bytes over {mark.duration_ms} ms cannot bind a take.",
                f"The payload has {WATERMARK_PAYLOAD_BYTES} bytes and lasts longer than zero.",
            )
        if not _PARAMETER.fullmatch(mark.profile) or mark.layout < 0:
            raise StatementInvalid(
                f"The watermark profile {mark.profile!r}, layout {mark.layout}, cannot be published as parameters.",
                "A profile is one lowercase word, a layout a number from 0.",
            )

    def _require_fingerprint(self) -> None:
        found = self.fingerprint
        if found is None:
            return
        _require_algorithm("fingerprint", found.algorithm)
        if not found.frames:
            raise StatementInvalid("The fingerprint has no frames.", "Give at least one, or no fingerprint.")
        for frame in found.frames:
            if not frame.value or not 0 <= frame.start_ms < frame.end_ms:
                raise StatementInvalid(
                    f"A hash of {len(frame.value)} bytes from {frame.start_ms} to {frame.end_ms} ms binds nothing.",
                    "A hash has at least one byte, and its timespan ends after it starts.",
                )


def _require_algorithm(what: str, name: str) -> None:
    if not _REVERSE_DOMAIN.fullmatch(name):
        raise StatementInvalid(
            f"The {what} algorithm {name!r} is not a reverse-domain name.",
            f"Use a name such as {TILEMARK_ALGORITHM}.",
        )


def _require_text(name: str, text: str) -> None:
    if not 0 < len(text) <= MAX_TEXT_LENGTH or not text.isprintable():
        raise StatementInvalid(
            f"The {name} is empty, too long or holds control characters.",
            f"Give 1 to {MAX_TEXT_LENGTH} printable characters.",
        )
    if _PATH_LIKE.search(text):
        raise StatementInvalid(
            f"The {name} {text!r} looks like a path on a machine.",
            "Publish a name, not where something lies.",
        )
