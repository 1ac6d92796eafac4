"""The conversation with the child: one JSON request on its stdin, one JSON line per finding on its stdout.

The first line about a part is final. The credential is written before any codec runs, so that a file which
takes over a codec cannot change what was already said about its signature.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.inspect.limits import InspectionLimits

if TYPE_CHECKING:
    from provenance.watermark import WatermarkKey

END = "end"
FATAL = "fatal"
ERRORS = "errors"


@dataclass(frozen=True)
class Request:
    """What the child is asked; `keys` are pairs of key id and secret, never shown in its representation."""

    path: str
    want: tuple[str, ...]
    keys: tuple[tuple[str, bytes], ...]
    trust_pem: str
    limits: InspectionLimits

    def __repr__(self) -> str:
        return f"Request(path={self.path!r}, want={self.want!r}, keys={[name for name, _ in self.keys]!r})"

    def to_bytes(self) -> bytes:
        """The request as JSON; secrets travel in hex, and only here."""
        return json.dumps(
            {
                "path": self.path,
                "want": self.want,
                "keys": [[name, secret.hex()] for name, secret in self.keys],
                "trust_pem": self.trust_pem,
                "limits": self.limits.as_dict(),
            }
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Request":
        """The request that `to_bytes` wrote."""
        wire = json.loads(data)
        return cls(
            path=wire["path"],
            want=tuple(wire["want"]),
            keys=tuple((name, bytes.fromhex(secret)) for name, secret in wire["keys"]),
            trust_pem=wire["trust_pem"],
            limits=InspectionLimits.from_dict(wire["limits"]),
        )


def request_for(
    path: str, keys: Sequence["WatermarkKey"], trust_pem: str, limits: InspectionLimits, want: Sequence[str]
) -> Request:
    """The request for these arguments."""
    return Request(path, tuple(want), tuple((key.key_id, key.secret) for key in keys), trust_pem, limits)


def encode_part(part: str, value: object) -> bytes:
    """One line that says `value` about `part`."""
    return json.dumps({"part": part, "value": value}, allow_nan=False).encode() + b"\n"


def decode_parts(output: bytes) -> Mapping[str, Any] | None:
    """The value of each part, the first line about it counting; None unless all lines are whole up to the end."""
    parts: dict[str, Any] = {}
    for line in output.splitlines():
        try:
            entry = json.loads(line)
            parts.setdefault(entry["part"], entry["value"])
        except (ValueError, TypeError, KeyError):
            return None
    return parts if END in parts or FATAL in parts else None
