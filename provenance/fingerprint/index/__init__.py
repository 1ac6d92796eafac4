"""Exact search for hashes within a radius, in one interface whatever holds them."""

from provenance.fingerprint.index.chunks import EXACT_RADIUS, chunk_keys, probe_keys
from provenance.fingerprint.index.contract import FrameIndex, Hits, merged
from provenance.fingerprint.index.linear import LinearIndex, words_of
from provenance.fingerprint.index.manifest import Entry, Manifest
from provenance.fingerprint.index.merging import to_merge
from provenance.fingerprint.index.segment import MAX_SEGMENT_ROWS, IndexSegment, open_segment, write_segment
from provenance.fingerprint.index.store import SegmentedIndex, SegmentStore

__all__ = [
    "EXACT_RADIUS",
    "MAX_SEGMENT_ROWS",
    "Entry",
    "FrameIndex",
    "Hits",
    "IndexSegment",
    "LinearIndex",
    "Manifest",
    "SegmentStore",
    "SegmentedIndex",
    "chunk_keys",
    "merged",
    "open_segment",
    "probe_keys",
    "to_merge",
    "words_of",
    "write_segment",
]
