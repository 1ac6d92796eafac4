"""Takes out of a clip's matches what common content explains: black, bars, leaders, idents, public domain; pure."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from provenance.fingerprint.judging import probability_of, shipped
from provenance.fingerprint.matching.segment import Segment

_EXPLAINED_SHARE = 0.5
# A common picture need not move to be recognised: bars and black never do.
_SURE_ENOUGH = 1e-3


def without_common(
    segments: Mapping[UUID, Sequence[Segment]], common: Collection[UUID]
) -> dict[UUID, list[Segment]]:
    """The segments of all works that are not common, less those of which common works explain half or more."""
    explained = [
        segment
        for work_id in common
        for segment in segments.get(work_id, ())
        if probability_of(segment, shipped()) <= _SURE_ENOUGH
    ]
    kept = {
        work_id: [one for one in own if not _is_explained(one, explained)]
        for work_id, own in segments.items()
        if work_id not in common
    }
    return {work_id: own for work_id, own in kept.items() if own}


def _is_explained(segment: Segment, explained: Sequence[Segment]) -> bool:
    # Sound does not explain a picture, nor a picture a sound.
    same_kind = [one for one in explained if (one.method == "sound") == (segment.method == "sound")]
    shared_s = sum(
        max(
            0.0,
            min(segment.query_end_s, one.query_end_s) - max(segment.query_start_s, one.query_start_s),
        )
        for one in same_kind
    )
    return shared_s >= _EXPLAINED_SHARE * segment.duration_s
