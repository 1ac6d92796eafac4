"""Searches inside PostgreSQL: a GIN index over the sixteen chunks of every hash, in plain SQL.

Every chunk of every asked hash is an index scan of its own. One scan for all 272 keys of a hash compares each
candidate with every key, and takes twice as long. The keys come from a join and not as constants, so that the plan
does not depend on them: with constants PostgreSQL expects to find half the table and reads all of it. No statement
names a place, and all of it is about rows of one table, so that it runs unchanged on a table distributed by
reference.
"""

from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from provenance.fingerprint.index import Hits, LinearIndex, merged
from provenance.fingerprint.index.chunks import MOST_PROBED_RADIUS, probes_for
from provenance.fingerprint.index.contract import require_question
from studio.references.fields import bits_of
from studio.references.indexes.rows import all_rows, confirmed
from studio.references.indexes.sources import Source

# 16 index scans per hash: a statement has at most a thousand, and some hundred kilobytes of parameters.
BATCH_HASHES = 64

SEARCH = """
SELECT DISTINCT asked.number, t.id, bit_count(t.pdq # asked.hash)
FROM unnest(%(numbers)s::int[], %(hashes)s::bit(256)[], %(keys)s::text[]) AS asked(number, hash, keys)
JOIN {table} t
  ON slate_pdq_keys(t.pdq) && asked.keys::int[]
 AND {is_searched}
 AND bit_count(t.pdq # asked.hash) <= %(radius)s
WHERE {is_living}
"""


class PostgresIndex:
    """The engine inside the database, for a source with an index over chunks: up to 47 bits by it, a scan beyond."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        if radius > MOST_PROBED_RADIUS:
            return StreamedIndex(self._source).search(hashes, radius)
        return merged([self._batch(hashes, start, radius) for start in range(0, len(hashes), BATCH_HASHES)])

    def _batch(self, hashes: NDArray[np.uint8], start: int, radius: int) -> Hits:
        asked = hashes[start : start + BATCH_HASHES]
        # Compiling a plan that ends in milliseconds takes longer than running it.
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
            cursor.execute(search_sql(self._source), search_parameters(asked, radius))
            found = np.array(cursor.fetchall(), np.int64).reshape(-1, 3)
        return Hits.of(
            (found[:, 0] + start).astype(np.int32), found[:, 1].copy(), found[:, 2].astype(np.uint8)
        )


def search_sql(source: Source) -> str:
    """The statement that answers a batch: (number, id, distance) of every living row within the radius, once each."""
    return SEARCH.format(table=source.table, is_searched=source.is_searched, is_living=source.is_living)


def search_parameters(asked: NDArray[np.uint8], radius: int) -> dict[str, Any]:
    """The parameters of `search_sql` for (q, 32) uint8 hashes and a radius up to 47.

    Sorted by the chunk's own key, so that neighbouring scans touch neighbouring pages of the index.
    """
    scans = sorted(
        (listed[0], number, "{" + ",".join(map(str, listed)) + "}")
        for keys in probes_for(asked, radius)
        for number, listed in enumerate(keys.tolist())
    )
    texts = [bits_of(one.tobytes()) for one in asked]
    return {
        "numbers": [number for _, number, _ in scans],
        "hashes": [texts[number] for _, number, _ in scans],
        "keys": [keys for _, _, keys in scans],
        "radius": radius,
    }


class StreamedIndex:
    """Reads a source from one end to the other and compares every hash: for what no index answers. Constant memory."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        if not len(hashes):
            return Hits.none()
        with connection.cursor() as cursor:
            parts = [
                LinearIndex(rows.rows, rows.hashes).search(hashes, radius)
                for rows in all_rows(cursor, self._source)
            ]
            return confirmed(cursor, self._source, merged(parts), hashes, radius)
