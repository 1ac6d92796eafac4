"""What an inspection found, layer by layer, and how each finding crosses from the child to its parent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from provenance.manifest.report import CredentialReport

if TYPE_CHECKING:
    from provenance.fingerprint import ClipFingerprint, FrameFingerprint
    from provenance.watermark import Detection, Payload
    from provenance.watermark.audio import AudioDetection

CREDENTIAL, WATERMARK, FINGERPRINT = "credential", "watermark", "fingerprint"
LAYERS = (CREDENTIAL, WATERMARK, FINGERPRINT)
MEDIA, SOUND = "media", "sound"


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
    without an entry in `errors` has answered: a credential in state "absent" and no watermarks are answers too.
    `fingerprint` is None where that layer was not asked or could not answer. Watermarks come best first, each
    without its soft bits; `sound_watermarks` is None where the file has no sound that could be searched.
    """

    sha256: str
    size_bytes: int
    media: Mapping[str, Any] | None = None
    credential: CredentialReport | None = None
    watermarks: tuple["Detection", ...] = ()
    sound_watermarks: "tuple[AudioDetection, ...] | None" = None
    fingerprint: "ClipFingerprint | None" = None
    errors: Mapping[str, LayerError] = field(default_factory=dict)

    @property
    def fingerprints(self) -> tuple["FrameFingerprint", ...]:
        """The hashed frames; none without a fingerprint."""
        return () if self.fingerprint is None else self.fingerprint.frames


def detections_to_wire(detections: "Sequence[Detection | AudioDetection]") -> list[dict[str, Any]]:
    """Detections as JSON-able values; a payload becomes hex, and soft bits stay behind."""
    return [{name: _to_wire(value) for name, value in _shown(found)} for found in detections]


def _shown(found: "Detection | AudioDetection") -> Iterator[tuple[str, Any]]:
    return ((entry.name, getattr(found, entry.name)) for entry in fields(found) if entry.repr)


def _to_wire(value: Any) -> Any:
    from provenance.watermark import Payload

    if isinstance(value, tuple):
        return [_numbers(entry) for entry in value]
    if isinstance(value, Payload):
        return value.to_bytes().hex()
    return _numbers(value) if is_dataclass(value) else _plain(value)


def detections_from_wire(wire: Sequence[Mapping[str, Any]]) -> tuple["Detection", ...]:
    """The picture's detections that `detections_to_wire` wrote."""
    from provenance.watermark import Detection, Geometry, Span

    return tuple(
        Detection(
            **{
                **entry,
                "payload": _payload(entry["payload"]),
                "geometry": Geometry(**entry["geometry"]),
                "spans": tuple(Span(**span) for span in entry["spans"]),
            }
        )
        for entry in wire
    )


def sound_detections_from_wire(wire: Sequence[Mapping[str, Any]]) -> tuple["AudioDetection", ...]:
    """The sound's detections that `detections_to_wire` wrote."""
    from provenance.watermark.audio import AudioDetection, AudioSpan

    return tuple(
        AudioDetection(
            **{
                **entry,
                "payload": _payload(entry["payload"]),
                "spans": tuple(AudioSpan(**span) for span in entry["spans"]),
            }
        )
        for entry in wire
    )


def _payload(digits: str | None) -> "Payload | None":
    from provenance.watermark import Payload

    return None if digits is None else Payload.from_bytes(bytes.fromhex(digits))


def _numbers(record: Any) -> dict[str, Any]:
    """The fields of a flat dataclass by name."""
    return {entry.name: _plain(getattr(record, entry.name)) for entry in fields(record)}


def _plain(value: Any) -> Any:
    """A NumPy number as the Python number it stands for, which JSON can hold; anything else as it is."""
    return value.item() if hasattr(value, "item") else value
