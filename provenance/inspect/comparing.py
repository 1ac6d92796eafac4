"""Lays an untrusted file over a file of ours in a confined child, and says whether both show the same."""

import base64
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import FileMissing
from provenance.inspect import protocol
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.run import DEFAULT_TIMEOUT_S, converse, parts_of
from provenance.inspect.sandbox import child_command_for

if TYPE_CHECKING:
    from provenance.watermark import Geometry


@dataclass(frozen=True)
class Placement:
    """How the picture of the file lies over the reference's.

    scale: its pixels per pixel of the reference. rotation_deg: clockwise. left, top, right, bottom: the part of
    the reference that is seen, as shares of its width and height.
    """

    scale: float
    rotation_deg: float
    is_mirrored: bool
    left: float
    top: float
    right: float
    bottom: float

    @property
    def is_cropped(self) -> bool:
        """Whether more than a hundredth of the reference is missing at some edge."""
        return max(self.left, self.top, 1 - self.right, 1 - self.bottom) > 0.01


@dataclass(frozen=True)
class Comparison:
    """Whether a file shows the same content as a reference, and where not.

    similarity: 0 to 1. reason: a sentence. place: None where the file could not be laid over the reference;
    then there are no `regions` (what differs: box as shares of the reference's picture, seconds of the
    reference) and no `picture` (a JPEG that shows them).
    """

    is_same: bool
    similarity: float
    reason: str
    place: Placement | None = None
    regions: tuple[Mapping[str, Any], ...] = ()
    picture: bytes = b""


def compare_files(
    path: Path | str,
    reference: Path | str,
    *,
    geometry: "Geometry | None" = None,
    span: tuple[float, float] | None = None,
    source_start_s: float | None = None,
    speed: float = 1.0,
    limits: InspectionLimits | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Comparison:
    """Lays the untrusted file at `path` over `reference`, decoding both in a child process.

    geometry: how a mark says the picture lies; without it the place is sought. span: the stretch of the file in
    question, in seconds. source_start_s: where in the reference it begins, None where unknown. speed: seconds of
    the reference per second of the file. Raises FileMissing, any error of `provenance.media`,
    InspectionTimedOut after `timeout_s`, and InspectionCrashed when the child ends without an answer.
    """
    files = [Path(path).resolve(), Path(reference).resolve()]
    for file in files:
        if not file.is_file():
            raise FileMissing(f"There is no file called {file.name}.", "Give the path of an ordinary file.")
    limits = limits or InspectionLimits()
    command, (inside, reference_inside) = child_command_for(files)
    request = protocol.ComparisonRequest(
        path=inside,
        reference=reference_inside,
        geometry=astuple(geometry) if geometry is not None else None,
        span=span,
        source_start_s=source_start_s,
        speed=speed,
        limits=limits,
    )
    return _comparison(
        parts_of(converse(command, request.to_bytes(), limits, timeout_s))[protocol.COMPARISON]
    )


def _comparison(wire: Mapping[str, Any]) -> Comparison:
    place = wire.get("place")
    return Comparison(
        is_same=wire["is_same"],
        similarity=wire["similarity"],
        reason=wire["reason"],
        place=Placement(**place) if place is not None else None,
        regions=tuple(wire.get("regions", ())),
        picture=base64.b64decode(wire.get("picture", "")),
    )
