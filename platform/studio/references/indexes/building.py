"""Builds the segments of a source from the database: first all of it, then the newest rows, merged as they grow."""

import logging
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from provenance.errors import SegmentCorrupt
from provenance.fingerprint.index import MAX_SEGMENT_ROWS, Entry, Manifest, SegmentStore, to_merge, words_of
from studio.references.indexes.horizon import NOTHING_SEEN, Horizon
from studio.references.indexes.rows import UNSEEN, all_rows, unseen
from studio.references.indexes.segments import DAMAGED_SUFFIX, damage_mark, store_directory
from studio.references.indexes.sources import Source
from studio.references.models import IndexBuild

logger = logging.getLogger(__name__)

# 0.03 ms per asked hash to compare one by one; a file for fewer is not worth its name.
SEGMENT_FROM_HASHES = 20_000
_LIVING_AT_ONCE = 100_000
_FORGOTTEN_AFTER = timedelta(days=1)

Progress = Callable[[str, int, int], None]

COUNT = """
SELECT coalesce(sum(length({hashes}) / 32), 0)
FROM (SELECT t.* FROM {table} t WHERE {is_searched} AND ({where}) {limit}) t
"""
# Rows restored from elsewhere carry numbers of transactions still to come here: read as new for ever.
ADOPT = """
UPDATE {table} t SET written_by = pg_current_xact_id()
WHERE t.written_by >= pg_snapshot_xmax(pg_current_snapshot())
"""
LIVING = "SELECT string_agg(int8send(t.id), ''::bytea) FROM {table} t WHERE t.id = ANY(%s) AND {is_searched}"


@dataclass(frozen=True)
class Built:
    """What a build did: hashes added, all hashes in segments now, and in how many segments."""

    added: int
    rows: int
    segments: int


def needs_build(source: Source) -> bool:
    """Whether `build` would do anything now; cheap enough to ask every minute."""
    with connection.cursor() as cursor:
        store = SegmentStore(store_directory(cursor, source))
        manifest = _usable(cursor, source, store)
        horizon = Horizon.parse(manifest.state) if manifest else NOTHING_SEEN
        least = SEGMENT_FROM_HASHES if manifest else source.segments_from
        return _count(cursor, source, horizon, at_most=least) >= least


def build(source: Source, *, rebuild: bool = False, on_progress: Progress = lambda *_: None) -> Built | None:
    """Put every row not yet in a segment into one, and merge small segments; None while another builder is at work.

    rebuild: begin anew, whatever is there and however little. on_progress is called with a word, hashes done and
    hashes in all. Killed at any moment, the segments that were live before stay so.
    """
    with connection.cursor() as cursor:
        store = SegmentStore(store_directory(cursor, source))
        with _only_one(cursor, store.directory) as is_mine:
            if not is_mine:
                return None
            cursor.execute(ADOPT.format(table=source.table))
            if rebuild:
                return _build(cursor, source, store, None, 1, on_progress)
            before = _usable(cursor, source, store)
            if before is None:
                return _build(cursor, source, store, None, source.segments_from, on_progress)
            try:
                return _build(cursor, source, store, before, SEGMENT_FROM_HASHES, on_progress)
            except SegmentCorrupt as error:
                logger.warning("%s", error.message)
                return _build(cursor, source, store, None, source.segments_from, on_progress)


def _build(
    cursor: Any,
    source: Source,
    store: SegmentStore,
    before: Manifest | None,
    least: int,
    on_progress: Progress,
) -> Built:
    """Goes on from the manifest `before`, or begins anew, where at least so many hashes are in no segment yet."""
    known = before.segments if before else ()
    with transaction.atomic():
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        base = Horizon.parse(before.state) if before else NOTHING_SEEN
        count = _count(cursor, source, base)
        if count < least:
            return Built(0, sum(entry.rows for entry in known), len(known))
        added = tuple(_new_segments(cursor, source, store, base, count, on_progress))
        cursor.execute("SELECT pg_current_snapshot()::text")
        now = Horizon.of_snapshot(*cursor.fetchone())
        after = Manifest.new(str(now), _merged(cursor, source, store, [*known, *added], on_progress))
        _register(cursor, source, after, before, store.directory)
    # Registered first: a manifest that the database does not know would never be used.
    store.commit(after)
    _clear(store, after)
    return Built(sum(entry.rows for entry in added), after.rows, len(after.segments))


def _merged(
    cursor: Any, source: Source, store: SegmentStore, entries: list[Entry], on_progress: Progress
) -> tuple[Entry, ...]:
    """The segments after all merging that is due."""
    while chosen := to_merge([entry.rows for entry in entries]):
        parts = tuple(entries[number] for number in chosen)
        on_progress("merging", 0, sum(part.rows for part in parts))
        merged = store.merge(parts, lambda rows: _are_living(cursor, source, rows))
        entries = [entry for number, entry in enumerate(entries) if number not in chosen] + [merged]
    return tuple(entries)


def _new_segments(
    cursor: Any, source: Source, store: SegmentStore, base: Horizon, count: int, on_progress: Progress
) -> Iterator[Entry]:
    """Writes the rows beyond `base` into as many segments as they need; memory for one at a time."""
    parts = -(-count // MAX_SEGMENT_ROWS)
    room = -(-count // parts) if parts > 1 else count
    rows = np.empty(min(room + source.per_row, MAX_SEGMENT_ROWS), np.int64)
    words = np.empty((len(rows), 4), np.uint64)
    filled = done = 0
    for read in all_rows(cursor, source, UNSEEN, unseen(base)):
        taken = 0
        while taken < len(read):
            take = min(len(read) - taken, len(rows) - filled)
            rows[filled : filled + take] = read.rows[taken : taken + take]
            words[filled : filled + take] = words_of(read.hashes[taken : taken + take])
            filled, taken = filled + take, taken + take
            if filled == len(rows):
                yield store.add(rows[:filled], words[:filled])
                filled = 0
        done += len(read)
        on_progress("reading", done, count)
    if filled:
        on_progress("writing", done, count)
        yield store.add(rows[:filled], words[:filled])


@contextmanager
def _only_one(cursor: Any, directory: Path) -> Iterator[bool]:
    """True for one builder of a folder at a time; the lock ends with its connection."""
    key = zlib.crc32(f"slate search {directory}".encode())
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
    (is_mine,) = cursor.fetchone()
    try:
        yield bool(is_mine)
    finally:
        if is_mine:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _usable(cursor: Any, source: Source, store: SegmentStore) -> Manifest | None:
    """The live manifest if its segments are of this database and whole as far as anyone knows."""
    try:
        manifest = store.manifest()
    except SegmentCorrupt as error:
        logger.warning("%s", error.message)
        return None
    if manifest is None or damage_mark(store.directory, manifest).exists():
        return None
    if not all((store.directory / entry.name).exists() for entry in manifest.segments):
        return None
    known = IndexBuild.objects.filter(identity=manifest.identity, table_oid=_table_oid(cursor, source))
    return manifest if known.exists() else None


def _count(cursor: Any, source: Source, beyond: Horizon, at_most: int | None = None) -> int:
    """How many hashes lie beyond a horizon; counted no further than to about `at_most`."""
    limit = "" if at_most is None else f"LIMIT {at_most}"
    sql = COUNT.format(
        hashes=source.hashes, table=source.table, is_searched=source.is_searched, where=UNSEEN, limit=limit
    )
    cursor.execute(sql, unseen(beyond))
    return int(cursor.fetchone()[0])


def _are_living(cursor: Any, source: Source, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows still exist in the table."""
    ids = np.unique(rows // source.per_row)
    found = [np.zeros(0, np.int64)]
    sql = LIVING.format(table=source.table, is_searched=source.is_searched)
    for start in range(0, len(ids), _LIVING_AT_ONCE):
        cursor.execute(sql, [ids[start : start + _LIVING_AT_ONCE].tolist()])
        found.append(np.frombuffer(bytes(cursor.fetchone()[0] or b""), ">i8").astype(np.int64))
    return np.isin(rows // source.per_row, np.concatenate(found))


def _table_oid(cursor: Any, source: Source) -> int:
    cursor.execute("SELECT %s::regclass::oid::bigint", [source.table])
    return int(cursor.fetchone()[0])


def _register(cursor: Any, source: Source, after: Manifest, before: Manifest | None, directory: Path) -> None:
    """Lets the database know the manifest to come, and forget those of this place that nobody reads any more."""
    place = f"{socket.gethostname()}:{directory}"
    forgotten = IndexBuild.objects.filter(
        source=source.name, place=place, built_at__lt=timezone.now() - _FORGOTTEN_AFTER
    )
    forgotten.exclude(identity=before.identity if before else None).delete()
    IndexBuild.objects.create(
        identity=after.identity,
        source=source.name,
        place=place,
        table_oid=_table_oid(cursor, source),
        rows=after.rows,
    )


def _clear(store: SegmentStore, live: Manifest) -> None:
    store.sweep()
    for mark in store.directory.glob(f"*{DAMAGED_SUFFIX}"):
        if mark != damage_mark(store.directory, live):
            mark.unlink(missing_ok=True)
