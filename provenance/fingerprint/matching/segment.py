"""What a match is: a stretch of a query that shows a stretch of a reference, and the evidence for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Box:
    """A part of a picture; sides as shares of its width and height, right and bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Share of the picture."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)


@dataclass(frozen=True)
class Evidence:
    """One pair of frames: when each is shown, and how many of 256 bits (or which share of features) they differ in."""

    query_time_s: float
    reference_time_s: float
    distance: float


@dataclass(frozen=True)
class Segment:
    """A stretch of the query that shows a stretch of the reference; ends are exclusive.

    speed: reference seconds per query second. method: "frames" (hashes of whole pictures), "features" (parts of
    pictures) or "sound". frames: how many pairs of frames were compared. mean_distance: bits of 256 between them,
    over the boxes where there are any. motion: -1 to 1, how far the same things change at the same moments; None
    where nothing moves enough to tell. query_box: where in the query the reference is seen, reference_box: which
    part of the reference that is; None for whole pictures. Where `is_mirrored` the query's box lies in its mirrored
    picture. score: see `provenance.fingerprint.judging`. false_match:
    the probability of chance where the method states its own (sound), else None.
    """

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    method: str
    frames: int
    mean_distance: float
    motion: float | None
    score: float
    is_mirrored: bool = False
    query_box: Box | None = None
    reference_box: Box | None = None
    evidence: tuple[Evidence, ...] = ()
    false_match: float | None = None

    @property
    def duration_s(self) -> float:
        """Seconds of the query."""
        return self.query_end_s - self.query_start_s

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back to an equal segment."""
        return {**asdict(self), "evidence": [asdict(one) for one in self.evidence]}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Segment":
        """The segment that `as_dict` wrote."""
        boxes = {name: Box(**value[name]) if value[name] else None for name in ("query_box", "reference_box")}
        evidence = tuple(Evidence(**one) for one in value["evidence"])
        return cls(**{**value, **boxes, "evidence": evidence})
