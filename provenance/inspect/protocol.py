"""The conversation with the child: one JSON request on its stdin, one JSON line per finding on its stdout.

A request is an inspection of one file, a comparison of two, the search for parts that two share, the reading of a
copy's letters, or the making of a proxy.

The first line about a part is final. The credential is written before any codec runs, so that a file which
takes over a codec cannot change what was already said about its signature.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.inspect.limits import InspectionLimits

if TYPE_CHECKING:
    pass

END = "end"
FATAL = "fatal"
ERRORS = "errors"
COMPARISON = "comparison"
LETTERS = "letters"
PROXY = "proxy"
PARTS = "parts"


@dataclass(frozen=True)
class Request:
    """What the child is asked.

    keys: pairs of key id and secret, never shown in its representation. issued: pairs of key id and the payloads, in
    hex, known to have been marked with that key. query: the fingerprint is to be looked up.
    """

    path: str
    want: tuple[str, ...]
    keys: tuple[tuple[str, bytes], ...]
    trust_pem: str
    limits: InspectionLimits
    issued: tuple[tuple[str, tuple[str, ...]], ...] = ()
    query: bool = False

    def __repr__(self) -> str:
        return f"Request(path={self.path!r}, want={self.want!r}, keys={[name for name, _ in self.keys]!r})"

    def to_bytes(self) -> bytes:
        """The request as JSON; secrets travel in hex, and only here."""
        return json.dumps(
            {
                "task": "inspect",
                "path": self.path,
                "want": self.want,
                "keys": [[name, secret.hex()] for name, secret in self.keys],
                "issued": self.issued,
                "query": self.query,
                "trust_pem": self.trust_pem,
                "limits": self.limits.as_dict(),
            }
        ).encode()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Request":
        """The request that `to_bytes` wrote, once parsed."""
        return cls(
            path=wire["path"],
            want=tuple(wire["want"]),
            keys=tuple((name, bytes.fromhex(secret)) for name, secret in wire["keys"]),
            trust_pem=wire["trust_pem"],
            limits=InspectionLimits.from_dict(wire["limits"]),
            issued=tuple((name, tuple(payloads)) for name, payloads in wire["issued"]),
            query=wire["query"],
        )


@dataclass(frozen=True)
class ComparisonRequest:
    """Lay the file at `path` over the one at `reference`.

    geometry: the six numbers of a mark's geometry, or None. span, source_start_s, speed: the stretch in question,
    where it begins in the reference (None where unknown) and seconds of the reference per second of it.
    """

    path: str
    reference: str
    geometry: tuple[float, ...] | None
    span: tuple[float, float] | None
    source_start_s: float | None
    speed: float
    limits: InspectionLimits

    def to_bytes(self) -> bytes:
        """The request as JSON."""
        return json.dumps({"task": "compare", **asdict(self), "limits": self.limits.as_dict()}).encode()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "ComparisonRequest":
        """The request that `to_bytes` wrote, once parsed."""
        return cls(
            path=wire["path"],
            reference=wire["reference"],
            geometry=tuple(wire["geometry"]) if wire["geometry"] is not None else None,
            span=(wire["span"][0], wire["span"][1]) if wire["span"] is not None else None,
            source_start_s=wire["source_start_s"],
            speed=wire["speed"],
            limits=InspectionLimits.from_dict(wire["limits"]),
        )


@dataclass(frozen=True)
class LettersRequest:
    """Read the letters of a copy from the file at `path`, with a key (id and secret), at a mark's geometry."""

    path: str
    key: tuple[str, bytes] = field(repr=False)
    geometry: tuple[float, ...]
    limits: InspectionLimits

    def to_bytes(self) -> bytes:
        """The request as JSON; the secret travels in hex, and only here."""
        name, secret = self.key
        return json.dumps(
            {
                "task": "letters",
                "path": self.path,
                "key": [name, secret.hex()],
                "geometry": self.geometry,
                "limits": self.limits.as_dict(),
            }
        ).encode()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "LettersRequest":
        """The request that `to_bytes` wrote, once parsed."""
        return cls(
            path=wire["path"],
            key=(wire["key"][0], bytes.fromhex(wire["key"][1])),
            geometry=tuple(wire["geometry"]),
            limits=InspectionLimits.from_dict(wire["limits"]),
        )


@dataclass(frozen=True)
class ProxyRequest:
    """Make a small film and a still of the file at `path`, in the folder `outbox`."""

    path: str
    outbox: str
    limits: InspectionLimits

    def to_bytes(self) -> bytes:
        """The request as JSON."""
        return json.dumps({"task": "proxy", **asdict(self), "limits": self.limits.as_dict()}).encode()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "ProxyRequest":
        """The request that `to_bytes` wrote, once parsed."""
        return cls(wire["path"], wire["outbox"], InspectionLimits.from_dict(wire["limits"]))


@dataclass(frozen=True)
class PartsRequest:
    """Find which part of one file shows a part of the other, where pairs of key frames share features.

    reference: empty where only the previews of its key frames are kept. query_clip, reference_clip: from
    `clip_to_wire`, with the key frames that `pairs` numbers. known: segments found before, as dictionaries.
    """

    path: str
    reference: str
    query_clip: Mapping[str, Any]
    reference_clip: Mapping[str, Any]
    pairs: tuple[tuple[int, int], ...]
    known: tuple[Mapping[str, Any], ...]
    limits: InspectionLimits

    def to_bytes(self) -> bytes:
        """The request as JSON."""
        return json.dumps({"task": "parts", **asdict(self), "limits": self.limits.as_dict()}).encode()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "PartsRequest":
        """The request that `to_bytes` wrote, once parsed."""
        return cls(
            path=wire["path"],
            reference=wire["reference"],
            query_clip=wire["query_clip"],
            reference_clip=wire["reference_clip"],
            pairs=tuple((own, other) for own, other in wire["pairs"]),
            known=tuple(wire["known"]),
            limits=InspectionLimits.from_dict(wire["limits"]),
        )


AnyRequest = Request | ComparisonRequest | LettersRequest | ProxyRequest | PartsRequest
_TASKS: dict[str, type[AnyRequest]] = {
    "inspect": Request,
    "compare": ComparisonRequest,
    "letters": LettersRequest,
    "proxy": ProxyRequest,
    "parts": PartsRequest,
}


def parse(data: bytes) -> AnyRequest:
    """The request that came in."""
    wire = json.loads(data)
    return _TASKS[wire["task"]].from_wire(wire)


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
