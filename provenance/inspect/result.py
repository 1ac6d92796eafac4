"""What an inspection found, layer by layer, and how each finding crosses from the child to its parent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.manifest.report import CredentialReport

if TYPE_CHECKING:
    from provenance.fingerprint import FrameFingerprint
    from provenance.watermark import Detection

CREDENTIAL, WATERMARK, FINGERPRINT = "credential", "watermark", "fingerprint"
LAYERS = (CREDENTIAL, WATERMARK, FINGERPRINT)
MEDIA = "media"


@dataclass(frozen=True)
class LayerError:
    """Why a layer has no answer, or (for "media") where the picture broke off so that answers rest on its beginning."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Inspection:
    """The answers of the layers that were asked.

    `media` is `MediaInfo.as_dict()`, or None where the file has no picture that can be opened. A layer
    without an entry in `errors` has answered: a credential in state "absent", no watermark and no
    fingerprints are answers too.
    """

    sha256: str
    size_bytes: int
    media: Mapping[str, Any] | None = None
    credential: CredentialReport | None = None
    watermark: "Detection | None" = None
    fingerprints: tuple["FrameFingerprint", ...] = ()
    errors: Mapping[str, LayerError] = field(default_factory=dict)


def detection_to_wire(detection: "Detection | None") -> dict[str, Any] | None:
    """A detection as JSON-able values; the payload becomes hex."""
    if detection is None:
        return None
    return {**asdict(detection), "payload": detection.payload.to_bytes().hex()}


def detection_from_wire(wire: Mapping[str, Any] | None) -> "Detection | None":
    """The detection that `detection_to_wire` wrote."""
    if wire is None:
        return None
    from provenance.watermark import Detection, Geometry, Payload

    geometry = Geometry(**{**wire["geometry"], "shift": tuple(wire["geometry"]["shift"])})
    payload = Payload.from_bytes(bytes.fromhex(wire["payload"]))
    return Detection(**{**wire, "payload": payload, "geometry": geometry})


def fingerprints_to_wire(fingerprints: Sequence["FrameFingerprint"]) -> list[list[Any]]:
    """One row per frame: index, seconds, PDQ hex, pHash hex, quality."""
    return [[f.frame_index, f.time_s, f.pdq.hex(), f.phash.hex(), f.quality] for f in fingerprints]


def fingerprints_from_wire(rows: Sequence[Sequence[Any]]) -> tuple["FrameFingerprint", ...]:
    """The fingerprints that `fingerprints_to_wire` wrote."""
    from provenance.fingerprint import FrameFingerprint

    return tuple(
        FrameFingerprint(index, time_s, bytes.fromhex(pdq), bytes.fromhex(phash), quality)
        for index, time_s, pdq, phash, quality in rows
    )
