"""Reads hashes out of a source in few, large answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index import Hits
from studio.references.indexes.horizon import Horizon
from studio.references.indexes.sources import HASH_BYTES, Source

HASHES_AT_ONCE = 100_000

# One answer of four long values instead of thousands of rows: an order of magnitude less to parse.
PACKED = """
SELECT string_agg(int8send(one.id), ''::bytea),
       string_agg(int8send(one.written_by::text::bigint), ''::bytea),
       string_agg(int4send(length(one.hashes)), ''::bytea),
       string_agg(one.hashes, ''::bytea)
FROM (
    SELECT t.id, t.written_by, {hashes} AS hashes FROM {table} t
    WHERE {is_searched} AND ({where}) ORDER BY t.id {limit}
) one
"""
UNSEEN = "t.written_by >= %(end)s::xid8 OR t.written_by = ANY(%(open)s::text[]::xid8[])"
CONFIRM = """
SELECT string_agg(int8send(wanted.row), ''::bytea), string_agg({one_hash}, ''::bytea)
FROM (SELECT row, row / {per_row} AS id, mod(row, {per_row})::int AS number FROM unnest(%s::bigint[]) row) wanted
JOIN {table} t ON t.id = wanted.id
WHERE {is_searched} AND {is_living} AND length({one_hash}) = {bytes}
"""
_CONFIRMED_AT_ONCE = 20_000


@dataclass(frozen=True)
class Rows:
    """rows: (n,) int64, rising. hashes: (n, 32) uint8. written_by: (n,) int64.

    last_id, table_rows: the last table row's key, 0 without any, and how many table rows these are the hashes of.
    """

    rows: NDArray[np.int64]
    hashes: NDArray[np.uint8]
    written_by: NDArray[np.int64]
    last_id: int
    table_rows: int

    def __len__(self) -> int:
        return len(self.rows)


def packed_rows(source: Source, where: str, limit: str = "") -> str:
    """The SQL for rows of `source` in the form that `unpacked` takes."""
    return PACKED.format(
        hashes=source.hashes,
        table=source.table,
        is_searched=source.is_searched,
        where=where,
        limit=limit,
    )


def unpacked(source: Source, values: Any) -> Rows:
    """Rows from the four values of an answer."""
    ids, written_by, lengths, hashes = (bytes(value or b"") for value in values)
    id_of = np.frombuffer(ids, ">i8").astype(np.int64)
    counts = np.frombuffer(lengths, ">i4").astype(np.int64) // HASH_BYTES
    first = np.repeat(np.cumsum(counts) - counts, counts)
    number = np.arange(len(first), dtype=np.int64) - first
    return Rows(
        np.repeat(id_of, counts) * source.per_row + number,
        np.frombuffer(hashes, np.uint8).reshape(-1, HASH_BYTES),
        np.repeat(np.frombuffer(written_by, ">i8").astype(np.int64), counts),
        int(id_of[-1]) if len(id_of) else 0,
        len(id_of),
    )


def all_rows(cursor: Any, source: Source, where: str = "TRUE", parameters: Any = None) -> Iterator[Rows]:
    """All searched rows for which `where` holds, in parts of about 100,000 hashes, by rising key."""
    limit = max(1, HASHES_AT_ONCE // source.per_row)
    sql = packed_rows(source, f"({where}) AND t.id > %(after)s", f"LIMIT {limit}")
    after = 0
    while True:
        cursor.execute(sql, {**(parameters or {}), "after": after})
        rows = unpacked(source, cursor.fetchone())
        if not rows.last_id:
            return
        yield rows
        after = rows.last_id


def unseen(horizon: Horizon) -> dict[str, Any]:
    """The parameters of `UNSEEN`."""
    return {"end": str(horizon.end), "open": [str(one) for one in sorted(horizon.open)]}


def confirmed(cursor: Any, source: Source, hits: Hits, asked: NDArray[np.uint8], radius: int) -> Hits:
    """Those hits whose rows the database holds, living and with such a hash; the database has the last word."""
    if not len(hits):
        return hits
    sql = CONFIRM.format(
        one_hash=source.one_hash,
        per_row=source.per_row,
        table=source.table,
        is_searched=source.is_searched,
        is_living=source.is_living,
        bytes=HASH_BYTES,
    )
    wanted = np.unique(hits.row)
    found: list[NDArray[np.int64]] = []
    hashes: list[NDArray[np.uint8]] = []
    for start in range(0, len(wanted), _CONFIRMED_AT_ONCE):
        cursor.execute(sql, [wanted[start : start + _CONFIRMED_AT_ONCE].tolist()])
        rows_text, hashes_text = (bytes(value or b"") for value in cursor.fetchone())
        found.append(np.frombuffer(rows_text, ">i8").astype(np.int64))
        hashes.append(np.frombuffer(hashes_text, np.uint8).reshape(-1, HASH_BYTES))
    rows, stored = np.concatenate(found), np.concatenate(hashes)
    order = np.argsort(rows)
    rows, stored = rows[order], stored[order]
    present = hits.only(np.isin(hits.row, rows))
    differing = stored[np.searchsorted(rows, present.row)] ^ asked[present.query]
    distance = np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
    near = distance <= radius
    return Hits.of(present.query[near], present.row[near], distance[near].astype(np.uint8))
