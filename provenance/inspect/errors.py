"""What can go wrong with an inspection as a whole, and how errors cross from the child to its parent."""

from collections.abc import Iterator, Mapping
from typing import Any

from provenance.errors import MediaUnreadable, ProvenanceError


class InspectionCrashed(ProvenanceError):
    """The child ended without an answer; `detail` is the end of what it wrote to stderr, for the log only."""

    code = "inspection_crashed"

    def __init__(self, message: str, hint: str = "", *, detail: str = "") -> None:
        super().__init__(message, hint)
        self.detail = detail


class InspectionTimedOut(ProvenanceError):
    """The child was ended because it used up its time."""

    code = "inspection_timed_out"


class InspectionTooLarge(ProvenanceError):
    """The file needs more memory than an inspection may use."""

    code = "inspection_too_large"


def to_wire(error: ProvenanceError) -> dict[str, Any]:
    """The error as JSON-able values."""
    wire: dict[str, Any] = error.as_dict()
    if isinstance(error, MediaUnreadable):
        wire |= {"frames_read": error.frames_read, "seconds_read": error.seconds_read}
    return wire


def from_wire(wire: Mapping[str, Any]) -> ProvenanceError:
    """The error that `to_wire` wrote, of the same class; a code nobody knows becomes a plain ProvenanceError."""
    message, hint = str(wire["message"]), str(wire["hint"])
    kind = next((cls for cls in _every_error() if cls.code == wire["code"]), ProvenanceError)
    if issubclass(kind, MediaUnreadable):
        return kind(
            message, hint, frames_read=int(wire["frames_read"]), seconds_read=float(wire["seconds_read"])
        )
    return kind(message, hint)


def _every_error(root: type[ProvenanceError] = ProvenanceError) -> Iterator[type[ProvenanceError]]:
    for cls in root.__subclasses__():
        yield cls
        yield from _every_error(cls)
