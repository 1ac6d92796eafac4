"""What was found out about a file's credential, as plain values that survive a trip through JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

AI_SOURCE_TYPES = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"})


class CredentialState(StrEnum):
    """How much a credential can be relied on.

    TRUSTED: intact, signed under our trust list. VALID_UNTRUSTED: intact, but the signer is not on it.
    INVALID: the file or its manifest was changed, or the certificate was not valid. UNREADABLE: it could not
    be checked.
    """

    ABSENT = "absent"
    TRUSTED = "trusted"
    VALID_UNTRUSTED = "valid_untrusted"
    INVALID = "invalid"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class SoftBinding:
    """A mark or fingerprint the manifest says is in the content; `value` is base64, as in the manifest.

    `start_ms` and `end_ms` tell the timespan it covers, where the manifest does; `parameters` are the algorithm's.
    """

    algorithm: str
    value: str
    start_ms: int | None = None
    end_ms: int | None = None
    parameters: str | None = None


@dataclass(frozen=True)
class CredentialReport:
    """The answer of `read_credential`. Everything but `state` is what the manifest says and holds only if it
    holds.

    `signed_at` comes from a time-stamp authority and is None without one; `claimed_at` is what the signer
    wrote. `ingredient_failures` are validation failures of earlier versions of the file: the library calls a
    file trusted in spite of them. `parent_manifest_id` is the manifest of the file this one was made from.
    `uncovered_bytes` counts content in padding boxes, which no signature
    covers.
    """

    state: CredentialState
    note: str = ""
    mime_type: str | None = None
    manifest_id: str | None = None
    claim_generator: str | None = None
    signer_name: str | None = None
    signer_organisation: str | None = None
    signer_serial: str | None = None
    signed_at: str | None = None
    claimed_at: str | None = None
    title: str | None = None
    actions: tuple[str, ...] = ()
    digital_source_type: str | None = None
    soft_bindings: tuple[SoftBinding, ...] = ()
    generation: Mapping[str, Any] | None = None
    successes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    ingredient_failures: tuple[str, ...] = ()
    trust_list_uri: str | None = None
    parent_manifest_id: str | None = None
    remote_url: str | None = None
    uncovered_bytes: int = 0
    ai_generated: bool = field(init=False)

    def __post_init__(self) -> None:
        kind = (self.digital_source_type or "").rsplit("/", 1)[-1]
        object.__setattr__(self, "ai_generated", kind in AI_SOURCE_TYPES)

    @property
    def history_intact(self) -> bool:
        """Whether no earlier version of the file failed for another reason than an unknown signer."""
        return all(code == "signingCredential.untrusted" for code in self.ingredient_failures)

    @property
    def take_id(self) -> str | None:
        """The take the generation record names, if there is one."""
        value = (self.generation or {}).get("takeId")
        return value if isinstance(value, str) else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back."""
        return {**asdict(self), "state": self.state.value, "history_intact": self.history_intact}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "CredentialReport":
        """The report that `as_dict` wrote; derived values are computed again."""
        names = {f.name for f in fields(cls) if f.init}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in data.items()
            if name in names
        }
        values["state"] = CredentialState(data["state"])
        values["soft_bindings"] = tuple(SoftBinding(**binding) for binding in data.get("soft_bindings", ()))
        return cls(**values)
