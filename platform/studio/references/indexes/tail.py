"""The rows that no segment holds yet, read again as far as they may have changed since, and compared one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.index import LinearIndex
from studio.references.indexes.horizon import Horizon
from studio.references.indexes.rows import UNSEEN, Rows, packed_rows, unpacked, unseen
from studio.references.indexes.sources import Source

# 0.06 to 0.2 ms per asked hash to compare, 16 MB per process: beyond, the database is asked instead.
MOST_HASHES = 200_000
# Of rows with many hashes each, where there may be as few as one.
MOST_ROWS = 10_000

# Snapshot, own transaction, validity of the segments and rows come from one statement, and so from one moment.
READ = """
SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text,
       %(identity)s::uuid IS NULL OR EXISTS (
           SELECT FROM references_indexbuild build
           WHERE build.identity = %(identity)s::uuid AND build.table_oid = '{table}'::regclass::oid::bigint),
       packed.*
FROM ({packed}) AS packed
"""


@dataclass
class Tail:
    """What is known of the rows beyond `base`, where the segments end.

    identity: of the segments' manifest, None where there are no segments. The rows that were settled when they were
    last read are kept; only those beyond are read again.
    """

    source: Source
    identity: UUID | None
    base: Horizon
    _seen: Horizon = field(init=False)
    _rows: NDArray[np.int64] = field(init=False)
    _hashes: NDArray[np.uint8] = field(init=False)
    _kept: LinearIndex | None = None

    def __post_init__(self) -> None:
        self._seen = self.base
        self._rows, self._hashes = np.zeros(0, np.int64), np.zeros((0, 32), np.uint8)

    def read(self, cursor: Any) -> Sequence[LinearIndex] | None:
        """The tail as of now; None where the segments are not of this database, or the tail has grown too long."""
        limit = max(MOST_HASHES // self.source.per_row, MOST_ROWS) + 1
        packed = packed_rows(self.source, UNSEEN, f"LIMIT {limit}")
        cursor.execute(
            READ.format(table=self.source.table, packed=packed),
            {"identity": self.identity, **unseen(self._seen)},
        )
        snapshot, own, is_known, *values = cursor.fetchone()
        rows = unpacked(self.source, values)
        if not is_known or rows.table_rows == limit or len(self._rows) + len(rows) > MOST_HASHES:
            return None
        now = Horizon.of_snapshot(snapshot, None if own is None else int(own))
        unsettled = self._keep(rows, now) if now.end >= self._seen.end else rows
        parts = [self._kept] if self._kept is not None else []
        if len(unsettled):
            parts.append(LinearIndex(unsettled.rows, unsettled.hashes))
        return parts

    def _keep(self, rows: Rows, now: Horizon) -> Rows:
        """Keeps the rows settled by `now`; the others."""
        settled = now.settled(rows.written_by)
        if settled.any():
            self._rows = np.concatenate([self._rows, rows.rows[settled]])
            self._hashes = np.concatenate([self._hashes, rows.hashes[settled]])
            self._kept = LinearIndex(self._rows, self._hashes)
        self._seen = now
        open_still = ~settled
        return Rows(
            rows.rows[open_still],
            rows.hashes[open_still],
            rows.written_by[open_still],
            rows.last_id,
            rows.table_rows,
        )
