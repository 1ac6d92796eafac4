"""Finds which part of an untrusted file's picture shows a part of a reference's, in a confined child."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import FileMissing
from provenance.inspect import protocol
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.run import DEFAULT_TIMEOUT_S, converse, parts_of
from provenance.inspect.sandbox import child_command_for

if TYPE_CHECKING:
    from provenance.fingerprint.contents import ClipFingerprint
    from provenance.fingerprint.matching.segment import Segment


def find_parts(
    path: Path | str,
    reference_path: Path | str | None,
    query: "ClipFingerprint",
    reference: "ClipFingerprint",
    pairs: Sequence[tuple[int, int]],
    known: "Sequence[Segment]" = (),
    *,
    limits: InspectionLimits | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> "list[Segment]":
    """The segments of method "features" between the file at `path` and a reference.

    query, reference: their fingerprints, of which only length and key frames are used. pairs: numbers of the key frames
    that share features. known: segments already found; what they explain is left out. Without a `reference_path` the
    previews of the reference's key frames are looked at. Raises FileMissing, any error of `provenance.media`,
    InspectionTimedOut after `timeout_s`, and InspectionCrashed when the child ends without an answer.
    """
    from provenance.fingerprint.contents import ClipFingerprint
    from provenance.fingerprint.matching.segment import Segment
    from provenance.fingerprint.wire import clip_to_wire

    files = [Path(one).resolve() for one in (path, reference_path) if one is not None]
    for file in files:
        if not file.is_file():
            raise FileMissing(f"There is no file called {file.name}.", "Give the path of an ordinary file.")
    limits = limits or InspectionLimits()
    command, insides = child_command_for(files)
    request = protocol.PartsRequest(
        path=insides[0],
        reference=insides[1] if reference_path is not None else "",
        query_clip=clip_to_wire(ClipFingerprint(duration_s=query.duration_s, keyframes=query.keyframes)),
        reference_clip=clip_to_wire(
            ClipFingerprint(duration_s=reference.duration_s, keyframes=reference.keyframes)
        ),
        pairs=tuple(pairs),
        known=tuple(segment.as_dict() for segment in known),
        limits=limits,
    )
    answer = parts_of(converse(command, request.to_bytes(), limits, timeout_s))[protocol.PARTS]
    return [Segment.from_dict(one) for one in answer]
