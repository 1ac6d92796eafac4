"""Reads which neural models an operator declared, and lets none run whose bytes or licence are not as declared."""

import hashlib
import io
import tomllib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.watermark.engines.errors import EngineUnavailable, WeightsUnusable

if TYPE_CHECKING:
    import torch

_DIGEST_CHARACTERS = 64
_TEXTS = ("path", "sha256", "licence", "source")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Weights:
    """One table of weights.toml: a TorchScript file, what it must hash to, and on which terms it may be used.

    licence_accepted_by: the person who accepted the licence; nobody else can. device: a torch device.
    """

    path: Path
    sha256: str
    licence: str
    source: str
    licence_accepted_by: str
    device: str = "cpu"

    def why_not(self) -> str:
        """The reason why these weights may not be used, or "" when they may. Reads the file when it changed."""
        if not self.licence_accepted_by:
            return (
                f"Nobody has accepted the licence {self.licence} of these weights: "
                "set licence_accepted_by to who did."
            )
        if not self.path.is_file():
            return f"There is no file {self.path}. Slate downloads no weights; put it there (source: {self.source})."
        try:
            status = self.path.stat()
            found = _digest(self.path, status.st_mtime_ns, status.st_size)
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}."
        return self._device_missing() if found == self.sha256 else self._differs(found)

    def _device_missing(self) -> str:
        if self.device == "cpu":
            return ""
        import torch

        try:
            torch.empty(1, device=self.device)
        except (RuntimeError, AssertionError) as error:
            return f"The device {self.device!r} cannot be used here: {_first_line(error)}"
        return ""

    def _differs(self, found: str) -> str:
        return f"{self.path.name} has the SHA-256 {found}, but {self.sha256} is declared."

    def load(self) -> "torch.jit.ScriptModule":
        """The model, ready to run, made of exactly the bytes whose digest was compared.

        TorchScript is never unpickled by Python, but it is a program all the same: what vouches for it is the digest.
        Raises EngineUnavailable where `why_not` has a reason, WeightsUnusable where the bytes are no TorchScript.
        """
        reason = self.why_not()
        if reason:
            raise EngineUnavailable(reason, "See weights.toml.")
        data = self.path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise EngineUnavailable(self._differs(found), "See weights.toml.")
        import torch

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                model = torch.jit.load(io.BytesIO(data), map_location=self.device)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise WeightsUnusable(
                f"{self.path.name} is not a TorchScript model that this torch can load: {_first_line(error)}",
                "Export the model with torch.jit.script or torch.jit.trace_module.",
            ) from error
        ready: torch.jit.ScriptModule = model.eval()
        return ready


def read_weights_file(path: Path | None) -> tuple[dict[str, Weights], dict[str, str]]:
    """(weights by engine, reason by engine) of a weights.toml; an engine whose table is wrong has a reason only.

    Raises nothing: where the file itself is missing or unreadable, the reason stands under "".
    """
    if path is None:
        return {}, {"": "No weights file is set."}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, {"": f"There is no weights file {path}."}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, {"": f"The weights file {path} cannot be read: {_first_line(error)}."}
    usable: dict[str, Weights] = {}
    reasons: dict[str, str] = {}
    for name, table in tables.items():
        reason = _why_wrong(table)
        if reason:
            reasons[name] = f"[{name}] in {path.name}: {reason}"
        else:
            usable[name] = _weights(table, path.parent)
    listed = ", ".join(tables) or "no engine"
    return usable, {"": f"{path.name} lists {listed}.", **reasons}


def _why_wrong(table: Any) -> str:
    if not isinstance(table, dict):
        return "it must be a table."
    for name in _TEXTS:
        if not isinstance(table.get(name), str) or not table[name]:
            return f"{name} is missing, or no text."
    digest = table["sha256"].lower()
    if len(digest) != _DIGEST_CHARACTERS or not set(digest) <= set("0123456789abcdef"):
        return f"sha256 must be {_DIGEST_CHARACTERS} hexadecimal digits."
    for name in ("licence_accepted_by", "device"):
        if not isinstance(table.get(name, ""), str):
            return f"{name} must be text."
    unknown = sorted(set(table) - {*_TEXTS, "licence_accepted_by", "device"})
    return f"{', '.join(unknown)} is not a setting." if unknown else ""


def _weights(table: dict[str, str], folder: Path) -> Weights:
    return Weights(
        folder / table["path"],
        table["sha256"].lower(),
        table["licence"],
        table["source"],
        table.get("licence_accepted_by", "").strip(),
        table.get("device", "") or "cpu",
    )


@lru_cache(maxsize=16)
def _digest(path: Path, _mtime_ns: int, _size: int) -> str:
    """SHA-256 of a file, computed again only when it changed."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
