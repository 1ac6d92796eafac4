"""What a registration says: where and when the suspect lies in the take, and the pairs of frames that show it."""

from dataclasses import asdict, dataclass
from typing import Any

from provenance.registration.clip import Rgb
from provenance.registration.evening import Mask
from provenance.registration.maps import IDENTITY, Affine
from provenance.registration.timing import Clock


@dataclass(frozen=True)
class Pair:
    """One frame of the suspect drawn into the take's frame, and the frames of the take around the one it shows.

    suspect: (h, w, 3) uint8. inside: (h, w), where the suspect has a picture. takes: one to three successive
    frames of the take, (h, w, 3) each; the one shown is number `middle`. likeness: -1 to 1. weight: how much there
    is to compare, near 0 for a black or flat frame.
    """

    suspect_time_s: float
    take_time_s: float
    suspect: Rgb
    inside: Mask
    takes: tuple[Rgb, ...]
    middle: int
    likeness: float
    weight: float

    @property
    def take(self) -> Rgb:
        """The frame of the take that the suspect shows."""
        return self.takes[self.middle]


@dataclass(frozen=True)
class Registration:
    """How a suspect clip lies over a take; maps and pairs mean something only where `is_registered`.

    reason: a sentence. take_to_suspect: take pixels to suspect pixels, in continuous coordinates. on_lattice:
    whether the content lies where the mark's geometry says, None without a geometry. clock: seconds of the
    take for seconds of the suspect. likeness: -1 to 1, over all pairs by weight. points: how many followed points agree
    on the map; spread_px: their median distance from it, in pixels of the take.
    """

    is_registered: bool
    reason: str
    take_size: tuple[int, int]
    suspect_size: tuple[int, int]
    clock: Clock
    take_to_suspect: Affine = IDENTITY
    on_lattice: bool | None = None
    likeness: float = 0.0
    points: int = 0
    spread_px: float = 0.0
    pairs: tuple[Pair, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the pairs; scale, rotation and mirror image are those of the suspect against the take."""
        place = self.take_to_suspect
        return {
            "is_registered": self.is_registered,
            "reason": self.reason,
            "take_size": list(self.take_size),
            "suspect_size": list(self.suspect_size),
            "clock": asdict(self.clock),
            "take_to_suspect": asdict(place),
            "scale": place.scale,
            "rotation_deg": place.rotation_deg,
            "is_mirrored": place.is_mirrored,
            "on_lattice": self.on_lattice,
            "likeness": self.likeness,
            "points": self.points,
            "spread_px": self.spread_px,
        }
