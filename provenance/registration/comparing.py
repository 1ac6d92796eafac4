"""Says in one call all that can be said about a suspect and the take it is said to be."""

from dataclasses import dataclass
from typing import Any

from provenance.registration.agreement import ContentAgreement, content_agreement
from provenance.registration.clip import Clip
from provenance.registration.drawing import draw_tamper_map
from provenance.registration.mapping import TamperMap, tamper_map
from provenance.registration.registering import register
from provenance.registration.result import Registration
from provenance.watermark import Detection

_LEAST_STRETCH_S = 1.0


@dataclass(frozen=True)
class Comparison:
    """Registration, agreement and map of one suspect; picture: the map as JPEG, None where nothing was registered."""

    registration: Registration
    agreement: ContentAgreement
    tamper: TamperMap
    picture: bytes | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; the picture goes apart."""
        return {
            "registration": self.registration.as_dict(),
            "agreement": self.agreement.as_dict(),
            "tamper": self.tamper.as_dict(),
        }


def compare(
    suspect: Clip,
    reference: Clip,
    detection: Detection | None = None,
    *,
    source_start_s: float | None = None,
    slack_s: float = 1.5,
    master_size: tuple[int, int] | None = None,
) -> Comparison:
    """Lays a suspect over a rendition of the take it is said to be, and decides whether it shows the same.

    detection: the mark that named the take. Without one, `source_start_s` is where the suspect begins in the take
    as far as its fingerprints tell. master_size: of the take that was marked, where the rendition is smaller.
    Raises what reading the clips raises.
    """
    if detection is None:
        registration = register(
            suspect, reference, source_start_s=source_start_s, slack_s=slack_s, master_size=master_size
        )
    else:
        # A shorter stretch says that the mark is faint in the rest, not that the rest is something else.
        is_stretch_told = detection.end_s - detection.start_s >= _LEAST_STRETCH_S
        span = (detection.start_s, detection.end_s) if is_stretch_told else None
        registration = register(
            suspect,
            reference,
            geometry=detection.geometry,
            span=span,
            source_start_s=detection.source_start_s if source_start_s is None else source_start_s,
            speed=detection.speed,
            slack_s=slack_s,
            master_size=master_size,
        )
    tamper = tamper_map(registration)
    picture = draw_tamper_map(tamper, registration) if registration.is_registered else None
    return Comparison(registration, content_agreement(registration, tamper), tamper, picture)
