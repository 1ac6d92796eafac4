"""A folder of segments that is searched as one index: opened, added to, merged, and swept of what no manifest names."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index.contract import Hits, merged, require_question
from provenance.fingerprint.index.manifest import Entry, Manifest, read_manifest, write_manifest
from provenance.fingerprint.index.segment import IndexSegment, open_segment, write_segment

Alive = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
_SUFFIX = ".segment"
# A file no manifest names may be about to be named by a builder at work.
_LEFTOVER_AFTER_S = 6 * 3600.0


class SegmentedIndex:
    """Several segments searched as one."""

    def __init__(self, segments: tuple[IndexSegment, ...]) -> None:
        self._segments = segments

    def __len__(self) -> int:
        return sum(len(segment) for segment in self._segments)

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        return merged([segment.search(hashes, radius) for segment in self._segments])


class SegmentStore:
    """The segments in `directory`. Any number of processes may read; only one at a time may write.

    Opened segments are kept for the life of the process, as long as a manifest names them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._opened: dict[str, IndexSegment] = {}
        self._lock = Lock()

    def manifest(self) -> Manifest | None:
        """The live manifest, None before the first build. Raises SegmentCorrupt."""
        return read_manifest(self.directory)

    def open(self, manifest: Manifest) -> SegmentedIndex:
        """The segments of `manifest`, each checked when this process first opens it. Raises SegmentCorrupt."""
        segments = self._segments(manifest.segments)
        with self._lock:
            self._opened = {segment.name: segment for segment in segments}
        return SegmentedIndex(segments)

    def add(self, rows: NDArray[np.int64], words: NDArray[np.uint64]) -> Entry:
        """Writes one more segment of rows (n,), rising, with their words (n, 4); live once a manifest names it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{uuid4()}{_SUFFIX}"
        return Entry(name, write_segment(self.directory / name, rows, words), len(rows))

    def merge(self, entries: tuple[Entry, ...], alive: Alive) -> Entry:
        """One segment of those rows of several for which `alive` is true, each row once. Raises SegmentCorrupt.

        Where several segments hold a row, the last one's hash is kept.
        """
        segments = self._segments(entries)
        rows = np.concatenate([segment.rows for segment in reversed(segments)])
        words = np.concatenate([segment.words for segment in reversed(segments)])
        # The first of equal rows is the latest segment's, because they stand in reverse.
        once, first = np.unique(rows, return_index=True)
        keep = alive(once)
        return self.add(once[keep], words[first[keep]])

    def commit(self, manifest: Manifest) -> None:
        """Makes `manifest` the live one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_manifest(self.directory, manifest)

    def sweep(self) -> int:
        """Removes files that the live manifest does not name; returns how many.

        Processes that have mapped them go on with them. A file younger than six hours stays: it may belong to a
        manifest still to come.
        """
        manifest = self.manifest()
        live = {entry.name for entry in manifest.segments} if manifest else set()
        removed = 0
        for path in self.directory.glob(f"*{_SUFFIX}*"):
            if path.name not in live and time.time() - path.stat().st_mtime > _LEFTOVER_AFTER_S:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _segments(self, entries: tuple[Entry, ...]) -> tuple[IndexSegment, ...]:
        with self._lock:
            for entry in entries:
                if entry.name not in self._opened:
                    self._opened[entry.name] = open_segment(self.directory / entry.name, entry.digest)
            return tuple(self._opened[entry.name] for entry in entries)
