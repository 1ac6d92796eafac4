"""Compares a query with one reference, by whole pictures first and by parts of them for what is left unexplained."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import ClipFingerprint, Keyframe
from provenance.fingerprint.matching.features import Look, Overlay, confirm, meetings_of, overlays_of
from provenance.fingerprint.matching.frames import match_frames
from provenance.fingerprint.matching.lines import TimedHits
from provenance.fingerprint.matching.motion import SURE_AGREEMENT
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.matching.tracks import Timeline

OVERLAYS_TRIED = 2
_SURE_BITS = 40.0
_SURE_STILL_BITS = 20.0
_SURE_MOTION = 0.5
_EXPLAINED = 0.8


class Shown(Protocol):
    """A picture and how long it stands."""

    @property
    def time_s(self) -> float:
        """When it appears, in seconds."""

    @property
    def duration_s(self) -> float:
        """For how many seconds."""


def timed_hits(
    query: Sequence[Shown],
    reference: Sequence[Shown],
    distance: NDArray[np.integer],
    subjects_met: NDArray[np.integer] | None = None,
) -> TimedHits:
    """Hits from the pictures of either side, row by row, and their distances in bits.

    subjects_met: how many works or takes the row's query picture meets in all: what appears in many says little.
    """
    own = np.array([(picture.time_s, picture.duration_s) for picture in query]).reshape(-1, 2)
    others = np.array([(picture.time_s, picture.duration_s) for picture in reference]).reshape(-1, 2)
    met = np.ones(len(own)) if subjects_met is None else np.maximum(subjects_met, 1).astype(np.float64)
    return TimedHits(
        query_start_s=own[:, 0],
        query_span_s=own[:, 1],
        reference_start_s=others[:, 0],
        reference_span_s=others[:, 1],
        distance=distance.astype(np.float64),
        rarity=1.0 / (1.0 + np.log2(met)),
    )


def whole_picture_segments(
    query: ClipFingerprint, reference: ClipFingerprint, plain: TimedHits, mirrored: TimedHits
) -> list[Segment]:
    """Segments from hits of the query's own hashes and of its mirrored ones; each moment is explained once."""
    there = Timeline(reference.track, reference.duration_s)
    if len(there) == 0:
        return []
    found: list[Segment] = []
    if len(plain):
        found += match_frames(Timeline(query.track, query.duration_s), there, plain)
    if len(mirrored) and query.track.mirrored is not None:
        turned = replace(query.track, hashes=query.track.mirrored)
        found += match_frames(Timeline(turned, query.duration_s), there, mirrored, is_mirrored=True)
    return surest(found)


def candidate_overlays(pairs: Iterable[tuple[Keyframe, Keyframe]], known: Sequence[Segment]) -> list[Overlay]:
    """How one reference may lie in the query where no known segment explains it, best first.

    pairs: key frames of the query, mirrored ones too, with those of the reference that they share features with.
    """
    left = [(own, other) for own, other in pairs if not _is_explained(own.time_s, known)]
    overlays: list[Overlay] = []
    for is_mirrored in (False, True):
        meetings = meetings_of((own, other) for own, other in left if own.is_mirrored == is_mirrored)
        overlays += overlays_of(meetings, is_mirrored=is_mirrored)[:OVERLAYS_TRIED]
    return sorted(overlays, key=lambda one: -one.features)[:OVERLAYS_TRIED]


def part_segments(
    overlays: Sequence[Overlay],
    in_query: Look,
    in_mirrored_query: Look,
    in_reference: Look,
    query_duration_s: float,
    reference_duration_s: float,
) -> list[Segment]:
    """The segments that a second look into both files makes of the overlays; each moment is explained once."""
    found: list[Segment] = []
    for overlay in overlays:
        if found and _is_enough(found):
            break
        look = in_mirrored_query if overlay.is_mirrored else in_query
        found += confirm(overlay, look, in_reference, query_duration_s, reference_duration_s)
    return surest(found)


def _is_enough(found: Sequence[Segment]) -> bool:
    """Whether a weaker overlay need not be looked into: what was found moves as the reference does."""
    return any(one.motion is not None and one.motion >= _SURE_MOTION for one in found)


def surest(segments: Sequence[Segment]) -> list[Segment]:
    """The segments that agree best, without those whose moments of the query are mostly explained by better ones."""
    kept: list[Segment] = []
    for segment in sorted(segments, key=_badness):
        shared_s = sum(_shared_s(segment, other) for other in kept)
        if shared_s <= (1 - _EXPLAINED) * segment.duration_s:
            kept.append(segment)
    return sorted(kept, key=lambda one: (one.query_start_s, one.reference_start_s))


def unexplained_share(query: ClipFingerprint, known: Sequence[Segment]) -> float:
    """Share of the query's seconds that no known segment explains."""
    explained_s = sum(one.duration_s for one in known if _explains(one))
    return max(0.0, 1.0 - explained_s / query.duration_s) if query.duration_s else 1.0


def _badness(segment: Segment) -> float:
    motion = 0.0 if segment.motion is None else segment.motion
    return -segment.duration_s * (64.0 - segment.mean_distance) * (1.0 + max(0.0, motion))


def _shared_s(one: Segment, other: Segment) -> float:
    return max(0.0, min(one.query_end_s, other.query_end_s) - max(one.query_start_s, other.query_start_s))


def _is_explained(time_s: float, known: Sequence[Segment]) -> bool:
    return any(one.query_start_s <= time_s < one.query_end_s and _explains(one) for one in known)


def _explains(segment: Segment) -> bool:
    """Whether the segment leaves nothing to look for: another take of the same scene does not."""
    if segment.motion is None:
        return segment.mean_distance <= _SURE_STILL_BITS
    return segment.mean_distance <= _SURE_BITS and segment.motion >= SURE_AGREEMENT
