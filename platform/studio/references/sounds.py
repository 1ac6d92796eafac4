"""Finds the works and takes whose sound a clip shares, through an index over the keys of their codes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Func, IntegerField, QuerySet, Sum

from provenance.fingerprint.contents import SoundTrack
from provenance.fingerprint.sound.codes import query_keys
from provenance.fingerprint.sound.matching import MAX_PROBABILITY, SoundSegment, align_sound
from studio.references.models import SoundPrint, Work

CODE_BYTES = 4
# Key by key, each through the index: of many at once the planner supposes that every row has one.
SHARING = """
SELECT DISTINCT kept.id
FROM unnest(%s::int[]) AS asked(key)
CROSS JOIN LATERAL (
    SELECT id FROM references_soundprint
    WHERE slate_sound_keys(search_keys) @> ARRAY[asked.key]
    OFFSET 0
) AS kept
"""
_READ_AT_ONCE = 50


@dataclass(frozen=True)
class FoundSound:
    """One work or take whose sound the asked clip shares, with the stretches on both sides."""

    subject_id: UUID
    segments: tuple[SoundSegment, ...]

    @property
    def probability(self) -> float:
        """That chance alone would give the surest segment anywhere among what was searched."""
        return min(segment.probability for segment in self.segments)


def sounds_of_works(studio_ids: Iterable[UUID]) -> QuerySet[SoundPrint]:
    """The sounds of every work that may be found in the banks these studios own or may read."""
    works = Work.objects.readable_in(list(studio_ids)).searchable()
    return SoundPrint.objects.filter(work__in=works.values("pk"))


def sounds_of_takes() -> QuerySet[SoundPrint]:
    """The sounds of all takes of this installation."""
    return SoundPrint.objects.filter(take__isnull=False)


def find_sounds(
    tracks: Sequence[SoundTrack], scope: QuerySet[SoundPrint], *, max_probability: float = MAX_PROBABILITY
) -> list[FoundSound]:
    """What in `scope` shares a stretch of its sound with the clip, the surest first.

    tracks: one per speed the clip may be played at, as `sounds_of` gives them; none where it has no sound. Left out
    is what chance would give more often than `max_probability` in a search of this size.
    """
    keys = sorted({key for track in tracks for key in query_keys(track.codes)})
    if not keys:
        return []
    searched_codes = _codes_in(scope)
    found = []
    for row in scope.filter(pk__in=_sharing(keys)).defer("search_keys").iterator(_READ_AT_ONCE):
        segments = align_sound(
            tracks, track_of(row), searched_codes=searched_codes, max_probability=max_probability
        )
        if segments:
            found.append(FoundSound(row.work_id or row.take_id, tuple(segments)))
    return sorted(found, key=lambda one: one.probability)


def track_of(row: SoundPrint) -> SoundTrack:
    """The track a row keeps."""
    return SoundTrack(row.start_s, row.interval_s, np.frombuffer(bytes(row.codes), "<u4").astype(np.uint32))


def _sharing(keys: list[int]) -> list[int]:
    """Rows that keep one of the keys, whatever their scope: within one the planner reads the keys of all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(SHARING, [keys])
        return [pk for (pk,) in cursor.fetchall()]


def _codes_in(scope: QuerySet[SoundPrint]) -> int:
    size = Func("codes", function="octet_length", output_field=IntegerField())
    total: int = scope.aggregate(total=Sum(size))["total"] or 0
    return total // CODE_BYTES
