"""Names the live segments of a store; replaced whole, so that a process killed at any moment leaves a valid one."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from provenance.errors import SegmentCorrupt
from provenance.fingerprint.index.segment import sync_directory

FILE_NAME = "manifest.json"
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """A live segment: its file's name, digest and number of rows."""

    name: str
    digest: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """The live segments, and in `state` what their builder must know to go on from there.

    `identity` is drawn anew for every manifest.
    """

    identity: str
    state: str
    segments: tuple[Entry, ...]

    @classmethod
    def new(cls, state: str, segments: tuple[Entry, ...]) -> "Manifest":
        """A manifest with an identity of its own."""
        return cls(str(uuid4()), state, segments)

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.segments)


def read_manifest(directory: Path) -> Manifest | None:
    """The store's manifest, None where there is none. Raises SegmentCorrupt."""
    path = directory / FILE_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        content = json.loads(text)
        if content["version"] != _VERSION or content["sha256"] != _checksum(content["manifest"]):
            raise ValueError
        fields = content["manifest"]
        segments = tuple(Entry(**entry) for entry in fields["segments"])
        return Manifest(fields["identity"], fields["state"], segments)
    except (ValueError, KeyError, TypeError) as error:
        raise SegmentCorrupt(
            f"The manifest {path} of the search segments cannot be read.",
            "They are built again from the database by `manage.py search_index --rebuild`.",
        ) from error


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Makes `manifest` the store's: from one moment to the next, and lasting."""
    fields = json.loads(json.dumps(asdict(manifest)))
    content = {"version": _VERSION, "sha256": _checksum(fields), "manifest": fields}
    temporary = directory / f"{FILE_NAME}.{os.getpid()}.new"
    try:
        with temporary.open("w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(directory / FILE_NAME)
        sync_directory(directory)
    finally:
        temporary.unlink(missing_ok=True)


def _checksum(fields: object) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
