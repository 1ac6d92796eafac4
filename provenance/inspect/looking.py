"""Looks for shared parts of pictures in two files in this very process; runs in the child only."""

from pathlib import Path
from typing import Any

import cv2

from provenance.fingerprint.matching.clip import candidate_overlays, part_segments
from provenance.fingerprint.matching.features import Look
from provenance.fingerprint.matching.looking import FileLook, PreviewLook
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.wire import clip_from_wire
from provenance.inspect.protocol import PartsRequest


def look_for_parts(request: PartsRequest) -> list[dict[str, Any]]:
    """The segments, as dictionaries. Raises what reading either file raises."""
    limits = request.limits
    cv2.setNumThreads(limits.threads)
    query, reference = clip_from_wire(request.query_clip), clip_from_wire(request.reference_clip)
    pairs = ((query.keyframes[own], reference.keyframes[other]) for own, other in request.pairs)
    overlays = candidate_overlays(pairs, [Segment.from_dict(one) for one in request.known])
    in_reference: Look = PreviewLook(reference.keyframes)
    if request.reference:
        in_reference = FileLook(Path(request.reference), threads=limits.threads)
    path = Path(request.path)
    segments = part_segments(
        overlays,
        FileLook(path, limits.media, threads=limits.threads),
        FileLook(path, limits.media, is_mirrored=True, threads=limits.threads),
        in_reference,
        query.duration_s,
        reference.duration_s,
    )
    return [segment.as_dict() for segment in segments]
