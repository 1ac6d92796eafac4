"""Finds every stored frame within a Hamming radius of the asked ones, exactly, inside PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from provenance.fingerprint import FrameFingerprint, Hit, Segment, align, probe_keys
from studio.references.fields import bits_of

# 272 index probes per frame: batches keep one statement's parameters to a few hundred kilobytes.
BATCH_FRAMES = 64

SEARCH = """
SELECT q.number, f.{subject}_id, f.time_s, bit_count(f.pdq # q.pdq) AS distance
FROM unnest(%(numbers)s::int[], %(hashes)s::text[], %(keys)s::text[]) AS given(number, hash, keys)
CROSS JOIN LATERAL (
    SELECT given.number, given.hash::bit(256) AS pdq, given.keys::int[] AS keys
) AS q
CROSS JOIN LATERAL (
    SELECT candidate.* FROM references_fingerprint candidate
    WHERE slate_pdq_keys(candidate.pdq) && q.keys
      AND candidate.quality >= 50
      AND candidate.{subject}_id IS NOT NULL
      AND bit_count(candidate.pdq # q.pdq) <= %(radius)s
    OFFSET 0
) AS f
{scope}
"""
WORKS_OF_STUDIO = """
JOIN references_work w ON w.id = f.work_id
JOIN references_bank b ON b.id = w.bank_id AND b.studio_id = ANY(%(studios)s::uuid[])
"""


@dataclass(frozen=True)
class Found:
    """One work or take that shares a stretch with the asked clip."""

    subject_id: UUID
    segments: tuple[Segment, ...]

    @property
    def score(self) -> float:
        return sum(segment.score for segment in self.segments)


def find_works(frames: Sequence[FrameFingerprint], studio_ids: Iterable[UUID]) -> list[Found]:
    """Works in the banks of these studios that share a stretch with the clip, the surest first."""
    return _find(frames, "work", WORKS_OF_STUDIO, [str(studio_id) for studio_id in studio_ids])


def find_takes(frames: Sequence[FrameFingerprint]) -> list[Found]:
    """Takes of this installation that share a stretch with the clip, the surest first."""
    return _find(frames, "take", "", [])


def _find(frames: Sequence[FrameFingerprint], subject: str, scope: str, studios: list[str]) -> list[Found]:
    asked = [frame for frame in frames if frame.is_searchable]
    hits: dict[UUID, list[Hit]] = defaultdict(list)
    for start in range(0, len(asked), BATCH_FRAMES):
        batch = asked[start : start + BATCH_FRAMES]
        for number, subject_id, time_s, distance in _rows(batch, subject, scope, studios):
            frame = batch[number]
            hits[subject_id].append(
                Hit(
                    query_index=frame.frame_index,
                    query_time_s=frame.time_s,
                    reference_time_s=time_s,
                    distance=distance,
                )
            )
    found = [
        Found(subject_id, tuple(align(its_hits, query_frames=len(asked))))
        for subject_id, its_hits in hits.items()
    ]
    return sorted((one for one in found if one.segments), key=lambda one: -one.score)


def _rows(
    batch: Sequence[FrameFingerprint], subject: str, scope: str, studios: list[str]
) -> list[tuple[int, UUID, float, int]]:
    numbers = list(range(len(batch)))
    with connection.cursor() as cursor:
        cursor.execute(
            SEARCH.format(subject=subject, scope=scope),
            {
                "numbers": numbers,
                "hashes": [bits_of(frame.pdq) for frame in batch],
                "keys": ["{" + ",".join(map(str, probe_keys(frame.pdq))) + "}" for frame in batch],
                "radius": settings.SLATE_MATCH_RADIUS,
                "studios": studios,
            },
        )
        return list(cursor.fetchall())
