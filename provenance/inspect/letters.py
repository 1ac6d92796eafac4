"""Reads the letters of a copy from an untrusted file, at a geometry a mark was found with, in a confined child."""

from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import FileMissing
from provenance.inspect import protocol
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.run import DEFAULT_TIMEOUT_S, converse, parts_of
from provenance.inspect.sandbox import child_command

if TYPE_CHECKING:
    from provenance.watermark import Geometry, WatermarkKey
    from provenance.watermark.copies import Reading


def read_letters(
    path: Path | str,
    key: "WatermarkKey",
    geometry: "Geometry",
    *,
    limits: InspectionLimits | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> "tuple[Reading, ...]":
    """What each quarter second of the file spells, in the file's own time.

    Raises FileMissing, any error of `provenance.media`, InspectionTimedOut after `timeout_s`, and
    InspectionCrashed when the child ends without an answer.
    """
    from provenance.watermark.copies import Reading

    path, limits = Path(path).resolve(), limits or InspectionLimits()
    if not path.is_file():
        raise FileMissing(f"There is no file called {path.name}.", "Give the path of an ordinary file.")
    command, inside = child_command(path)
    request = protocol.LettersRequest(inside, (key.key_id, key.secret), astuple(geometry), limits)
    parts = parts_of(converse(command, request.to_bytes(), limits, timeout_s))
    return tuple(Reading(*entry) for entry in parts[protocol.LETTERS])
