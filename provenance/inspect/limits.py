"""Bounds on one inspection, kept by the operating system where it can and by the parent where it cannot."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from provenance.media.limits import Limits


@dataclass(frozen=True)
class InspectionLimits:
    """What a child may use. `memory_bytes` bounds address space, which native libraries reserve generously.

    `detection_s` is how long marks are searched for once the frames are read; rarer edits are tried last.
    `written_bytes` bounds each file a child may write, of those that are asked to write any.
    """

    cpu_s: int = 900
    memory_bytes: int = 6 * 1024**3
    open_files: int = 64
    result_bytes: int = 128 * 1024**2
    threads: int = 2
    detection_s: float = 60.0
    written_bytes: int = 0
    media: Limits = field(default_factory=Limits)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "InspectionLimits":
        """The limits that `as_dict` wrote."""
        return cls(**{**data, "media": Limits(**data["media"])})
