"""The door to exact search: one index of frames and one of features, answered by whichever engine is fit.

PostgreSQL holds the truth. Where segments have been built and are fresh they answer, together with the newest rows;
otherwise, and always in small installations, PostgreSQL answers by itself. Either way a row is found from the moment
its transaction commits, and one that is deleted or of a withdrawn work never is.
"""

from functools import cache

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from provenance.fingerprint.index import FrameIndex, Hits, merged
from provenance.fingerprint.index.contract import require_question
from studio.references.indexes.inside_postgres import PostgresIndex, StreamedIndex
from studio.references.indexes.rows import confirmed
from studio.references.indexes.segments import LiveSegments
from studio.references.indexes.sources import FEATURES_PER_KEYFRAME, Source, features, frames

__all__ = ["FEATURES_PER_KEYFRAME", "ChosenIndex", "feature_index", "frame_index", "sources"]

# A process keeps the tail of a source without segments in memory: 16 MB, 0.25 ms per asked descriptor.
FEATURE_SEGMENTS_FROM = 100_000


@cache
def frame_index() -> FrameIndex:
    """All frames of works and takes that are good enough to search; a row is a `Fingerprint`'s primary key."""
    return ChosenIndex(frames(settings.SLATE_SEGMENTS_FROM_FRAMES))


@cache
def feature_index() -> FrameIndex:
    """All ORB descriptors of key frames; a row is a `Keyframe`'s primary key x 128 + the descriptor's number."""
    return ChosenIndex(features(FEATURE_SEGMENTS_FROM))


def sources() -> tuple[Source, ...]:
    """Everything that segments are built of."""
    return frames(settings.SLATE_SEGMENTS_FROM_FRAMES), features(FEATURE_SEGMENTS_FROM)


class ChosenIndex:
    """A source answered by segments where they are fresh, and by the database where they are not."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._segments = LiveSegments(source)
        self._fallback: FrameIndex = PostgresIndex(source) if source.is_probed else StreamedIndex(source)

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        if not len(hashes):
            return Hits.none()
        parts = self._segments.parts()
        if parts is None:
            return self._fallback.search(hashes, radius)
        hits = merged([part.search(hashes, radius) for part in parts])
        with connection.cursor() as cursor:
            return confirmed(cursor, self._source, hits, hashes, radius)
