"""Where the segments of a source lie for the connected database, and whether they may be searched."""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from provenance.errors import SegmentCorrupt
from provenance.fingerprint.index import FrameIndex, Manifest, SegmentStore
from studio.references.indexes.horizon import NOTHING_SEEN, Horizon
from studio.references.indexes.sources import Source
from studio.references.indexes.tail import Tail

logger = logging.getLogger(__name__)

DAMAGED_SUFFIX = ".damaged"
REST_S = 20.0
# A cluster's identifier and a database's number: a copy of either elsewhere must not find the other's files.
WHERE = """
SELECT system_identifier::text || '-' || (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""


def store_directory(cursor: Any, source: Source) -> Path:
    """The folder of the source's segments for the database that `cursor` speaks to."""
    cursor.execute(WHERE)
    (place,) = cursor.fetchone()
    return Path(settings.SEARCH_DIR) / str(place) / source.name


def damage_mark(directory: Path, manifest: Manifest) -> Path:
    """The file whose presence says that a manifest's segments are damaged and must be built anew."""
    return directory / f"{manifest.identity}{DAMAGED_SUFFIX}"


class LiveSegments:
    """The segments of one source as this process sees them: opened once, followed as they are replaced."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = Lock()
        self._stores: dict[tuple[Any, ...], _Followed] = {}

    def parts(self) -> list[FrameIndex] | None:
        """Indexes that together hold every row as of now; None where segments cannot give the answer at present."""
        with self._lock, connection.cursor() as cursor:
            key = (connection.alias, connection.settings_dict["HOST"], connection.settings_dict["NAME"])
            if key not in self._stores:
                self._stores[key] = _Followed(self._source, store_directory(cursor, self._source))
            return self._stores[key].parts(cursor)


class _Followed:
    def __init__(self, source: Source, directory: Path) -> None:
        self._source = source
        self._store = SegmentStore(directory)
        self._stamp: tuple[int, ...] | None = None
        self._index: FrameIndex | None = None
        self._tail = Tail(source, None, NOTHING_SEEN)
        self._rests_until = 0.0

    def parts(self, cursor: Any) -> list[FrameIndex] | None:
        stamp = self._stamp_of_manifest()
        if stamp != self._stamp:
            self._open()
            self._stamp, self._rests_until = stamp, 0.0
        if (self._index is None and self._source.is_probed) or time.monotonic() < self._rests_until:
            return None
        tail = self._tail.read(cursor)
        if tail is None:
            # A tail too long is long to read as well, and does not shrink before the next build.
            self._rests_until = time.monotonic() + REST_S
            return None
        return [*([self._index] if self._index is not None else []), *tail]

    def _stamp_of_manifest(self) -> tuple[int, ...] | None:
        """Changes whenever a builder replaces the manifest."""
        try:
            found = os.stat(self._store.directory / "manifest.json")
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _open(self) -> None:
        self._index, self._tail = None, Tail(self._source, None, NOTHING_SEEN)
        manifest = None
        try:
            manifest = self._store.manifest()
            if manifest is None or damage_mark(self._store.directory, manifest).exists():
                return
            self._index = self._store.open(manifest)
        except SegmentCorrupt as error:
            logger.error("%s %s", error.message, error.hint)
            if manifest is not None:
                with suppress(OSError):
                    damage_mark(self._store.directory, manifest).touch()
            return
        self._tail = Tail(self._source, UUID(manifest.identity), Horizon.parse(manifest.state))
