"""What the marks found in a clip mean: whose they are, which take they name, and what that take's people may read.

A mark belongs to the studio whose key made it. Strangers are told whether there is one; how strong it is, where it
lies and how sure the detector is would help them to remove it, so only members of that studio read it.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from provenance.inspect import Comparison
from provenance.verdict import MarkMatch
from provenance.watermark import Detection, canonical_scale
from provenance.watermark.audio import AudioDetection
from studio.credentials.services import studio_of_key
from studio.takes.models import Rendition, Take
from studio.tenancy.models import Studio
from studio.tenancy.secrets import watermark_epoch_of

FOUND, INCONCLUSIVE, NOT_FOUND = "found", "inconclusive", "not_found"
SENTENCES = {
    FOUND: "A Slate watermark was found.",
    INCONCLUSIVE: "A Slate watermark is there, but what it says cannot be read.",
    NOT_FOUND: "No Slate watermark was found.",
}
SOUND_SENTENCES = {
    FOUND: "A Slate watermark was found in the sound.",
    INCONCLUSIVE: "A Slate watermark is in the sound, but what it says cannot be read.",
    NOT_FOUND: "No Slate watermark was found in the sound.",
}


@dataclass(frozen=True)
class SeenMark:
    """One mark: the studio that made it, the take it names, and what came of laying the clip over that take.

    `take` is None where the message could not be read or names no take of that studio.
    """

    detection: Detection | AudioDetection
    studio: Studio | None
    take: Take | None
    comparison: Comparison | None = None

    @property
    def is_read(self) -> bool:
        return self.detection.payload is not None

    def compared(self, comparison: Comparison | None) -> "SeenMark":
        return replace(self, comparison=comparison)


def seen_marks(detections: Iterable[Detection | AudioDetection]) -> list[SeenMark]:
    """The marks with their studios and takes, in the order given."""
    return [_seen(detection) for detection in detections]


def _seen(detection: Detection | AudioDetection) -> SeenMark:
    studio = studio_of_key(detection.key_id)
    if studio is None or detection.payload is None:
        return SeenMark(detection, studio, None)
    # Of that studio only: otherwise the holder of one key could name the takes of another studio.
    takes = Take.objects.in_studio(studio).select_related("shot__sequence__production__studio")
    return SeenMark(detection, studio, takes.filter(mark_id=f"{detection.payload.asset_id:016x}").first())


def mark_state(marks: Sequence[SeenMark]) -> str:
    """What anybody may know of the marks."""
    if any(mark.is_read for mark in marks):
        return FOUND
    return INCONCLUSIVE if marks else NOT_FOUND


def mark_matches(marks: Sequence[SeenMark]) -> tuple[MarkMatch, ...]:
    """The marks that were read, as the verdict weighs them."""
    return tuple(
        MarkMatch(
            str(mark.take.pk) if mark.take else None,
            mark.comparison.is_same if mark.comparison is not None else None,
        )
        for mark in marks
        if mark.is_read
    )


def strip_of(detection: Detection | AudioDetection) -> list[dict[str, Any]]:
    """The mark's strength over the clip, half second by half second, as it is kept and drawn."""
    return [
        {
            "start_s": round(span.start_s, 3),
            "end_s": round(span.end_s, 3),
            "z": round(span.z, 2),
            "is_marked": span.is_marked,
        }
        for span in detection.spans
    ]


def mark_details(mark: SeenMark) -> dict[str, Any]:
    """Everything the detector said of a mark; for members of the studio whose mark it is.

    Of a mark in the sound there is no `geometry`, and where in the take it lies is not known.
    """
    found = mark.detection
    source_start_s = found.source_start_s if isinstance(found, Detection) else None
    length_s = (found.end_s - found.start_s) * found.speed
    return {
        "take": str(mark.take.pk) if mark.take else None,
        "name": str(mark.take) if mark.take else None,
        "key_epoch": watermark_epoch_of(found.key_id)[1],
        "is_read": mark.is_read,
        "is_recognised": isinstance(found, Detection) and found.is_recognised,
        "z": found.z,
        "p_presence": found.p_presence,
        "p_message": found.p_message if mark.is_read else None,
        "p_false_positive": found.p_false_positive,
        "start_s": found.start_s,
        "end_s": found.end_s,
        "speed": found.speed,
        "source_start_s": source_start_s,
        "source_end_s": None if source_start_s is None else source_start_s + length_s,
        "geometry": _geometry(mark, found) if isinstance(found, Detection) else None,
        "strip": strip_of(found),
        "content": comparison_details(mark.comparison) if mark.comparison is not None else None,
    }


def comparison_details(comparison: Comparison) -> dict[str, Any]:
    """What came of laying the clip over the take; the picture of what differs as a data address, or None."""
    picture = base64.b64encode(comparison.picture).decode()
    return {
        "is_same": comparison.is_same,
        "similarity": comparison.similarity,
        "reason": comparison.reason,
        "is_registered": comparison.place is not None,
        "regions": [dict(region) for region in comparison.regions],
        "picture": f"data:image/jpeg;base64,{picture}" if picture else None,
    }


def _geometry(mark: SeenMark, found: Detection) -> dict[str, Any]:
    """How the picture lies over the take's; `crop` (shares of the take's picture) is known once it was laid over it.

    `scale` is against the take's own size where the take is known, else against the size marks are made for.
    """
    lies = found.geometry
    master = mark.take.renditions.filter(kind=Rendition.Kind.MASTER).first() if mark.take else None
    own_scale = canonical_scale(master.width, master.height) if master is not None else 1.0
    place = mark.comparison.place if mark.comparison is not None else None
    return {
        "scale": lies.scale / own_scale,
        "scale_x": lies.scale_x / own_scale,
        "scale_y": lies.scale_y / own_scale,
        "rotation_deg": lies.rotation_deg,
        "is_mirrored": lies.is_mirrored,
        "crop": {side: asdict(place)[side] for side in ("left", "top", "right", "bottom")} if place else None,
    }
