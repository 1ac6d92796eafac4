"""The search inside PostgreSQL answers the same, by the same statement, where the table lies in shards by reference."""

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from django.conf import settings

from provenance.fingerprint.contents import ClipFingerprint, FrameFingerprint
from provenance.fingerprint.index import Hits, merged
from studio.references.indexes.inside_postgres import PostgresIndex, search_parameters, search_sql
from studio.references.indexes.sources import frames
from studio.references.models import Work
from studio.references.services import get_or_create_bank
from studio.references.standing import withdraw_work
from studio.references.storing import store_fingerprints
from tests.provenance.fingerprint.hashes_for_search import (
    Hashes,
    assert_same,
    clustered_hashes,
    flipped,
    random_hashes,
)
from tests.studio import factories
from tests.studio.references.own_database import NAME, own_database

__all__ = ["own_database"]

SHARDS = 3
RNG = np.random.default_rng(8)
# As `create_distributed_table` lays it out: rows by the hash of the reference, and the index on every shard.
SHARD = """
CREATE SCHEMA shard_{n};
CREATE TABLE shard_{n}.references_fingerprint (LIKE public.references_fingerprint INCLUDING ALL);
INSERT INTO shard_{n}.references_fingerprint
    SELECT * FROM public.references_fingerprint
    WHERE mod(hashtext(coalesce(work_id, take_id)::text) & 2147483647, {shards}) = {n};
"""
PARTITIONED = """
CREATE SCHEMA partitioned;
CREATE TABLE partitioned.references_fingerprint (LIKE public.references_fingerprint) PARTITION BY HASH (work_id);
CREATE INDEX ON partitioned.references_fingerprint
    USING gin (slate_pdq_keys(pdq)) WITH (fastupdate = off) WHERE quality >= 50;
"""
PARTITION = """
CREATE TABLE partitioned.part_{n} PARTITION OF partitioned.references_fingerprint
    FOR VALUES WITH (MODULUS {shards}, REMAINDER {n});
"""


@pytest.fixture(scope="module")
def works(own_database: None) -> list[Work]:
    bank = get_or_create_bank(factories.make_studio("sharded"), "Films")
    made = []
    for number in range(12):
        hashes = np.concatenate([clustered_hashes(RNG, 40), random_hashes(RNG, 10)])
        shown = tuple(
            FrameFingerprint(n, n / 4, one.tobytes(), bytes(8), 100 if n % 9 else 30)
            for n, one in enumerate(hashes)
        )
        made.append(factories.make_work(bank, f"Film {number}"))
        store_fingerprints(ClipFingerprint(frames=shown), work=made[-1])
    withdraw_work(made[0], "Sold.")
    return made


@pytest.fixture(scope="module")
def database(works: list[Work]) -> Iterator["psycopg.Connection[tuple[int, ...]]"]:
    """The same rows in three shards and in three partitions, beside the table as it is."""
    dsn = settings.EMBEDDED_SERVER.superuser_dsn(NAME)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PARTITIONED)
        for n in range(SHARDS):
            connection.execute(SHARD.format(n=n, shards=SHARDS))
            connection.execute(PARTITION.format(n=n, shards=SHARDS))
        connection.execute(
            "INSERT INTO partitioned.references_fingerprint SELECT * FROM public.references_fingerprint"
        )
        yield connection


def answer(database: "psycopg.Connection[tuple[int, ...]]", schema: str, asked: Hashes, radius: int) -> Hits:
    """What the one statement answers where `schema` holds the fingerprints; works are everywhere."""
    database.execute(f"SET search_path TO {schema}, public")
    rows = database.execute(search_sql(frames(0)), search_parameters(asked, radius)).fetchall()
    found = np.array(rows, np.int64).reshape(-1, 3)
    return Hits.of(found[:, 0].astype(np.int32), found[:, 1].copy(), found[:, 2].astype(np.uint8))


@pytest.mark.parametrize("radius", [0, 15, 31, 40])
def test_shards_and_partitions_answer_as_the_whole_does(
    database: "psycopg.Connection[tuple[int, ...]]", works: list[Work], radius: int
) -> None:
    stored = np.frombuffer(
        b"".join(row for work in works for row in work.fingerprints.values_list("pdq", flat=True)), np.uint8
    ).reshape(-1, 32)
    asked = np.stack(
        [
            flipped(stored[at], RNG.permutation(256)[: RNG.integers(0, radius + 4)])
            for at in range(0, len(stored), 4)
        ]
    )
    whole = PostgresIndex(frames(0)).search(asked, radius)
    per_shard = [answer(database, f"shard_{n}", asked, radius) for n in range(SHARDS)]
    assert len(whole) > 20
    assert sum(len(part) > 0 for part in per_shard) > 1, "more than one shard has a share of the answer"
    assert_same(merged(per_shard), whole)
    assert_same(answer(database, "partitioned", asked, radius), whole)


def test_every_partition_looks_its_keys_up(database: "psycopg.Connection[tuple[int, ...]]") -> None:
    database.execute("SET search_path TO partitioned, public")
    database.execute("ANALYZE partitioned.references_fingerprint")
    parameters = search_parameters(random_hashes(RNG, 5), 31)
    plan = "\n".join(
        str(line) for (line,) in database.execute(f"EXPLAIN {search_sql(frames(0))}", parameters)
    )
    assert all(f"part_{n}_slate_pdq_keys_idx" in plan for n in range(SHARDS))
    assert "Seq Scan on part" not in plan
