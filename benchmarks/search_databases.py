"""The engines of the search benchmark that live in a database: Slate's own installation, and pgvector."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_material import RADIUS, Pairs, Ready, pairs_of

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def _installation(scratch: str) -> Iterator[None]:
    """A database of Slate's own in `scratch`, migrated, with one work."""
    os.environ["SLATE_VAR"] = str(Path(scratch) / "var")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    from studio.installation import migrate

    settings.EMBEDDED_SERVER.ensure_running()
    try:
        migrate()
        yield
    finally:
        connections.close_all()
        settings.EMBEDDED_SERVER.stop()


def _lines(hashes: NDArray[np.uint8], start: str = "") -> Iterator[bytes]:
    for first in range(0, len(hashes), 10_000):
        part = np.unpackbits(hashes[first : first + 10_000], axis=1) + ord("0")
        yield "".join(f"{start}{one.tobytes().decode()}\n" for one in part).encode()


@contextmanager
def _filled(hashes: NDArray[np.uint8]) -> Iterator[tuple[Any, int, float]]:
    """An installation with one work of all these frames: the owner's cursor, the first id, seconds for the index."""
    with tempfile.TemporaryDirectory() as scratch, _installation(scratch):
        from django.db import connection, connections

        from studio.references.models import Algorithm, Work
        from studio.references.services import get_or_create_bank
        from studio.tenancy.services import create_studio

        bank = get_or_create_bank(create_studio("Bench", "bench"), "Bench")
        work = Work.objects.create(bank=bank, title="All", sha256="0" * 64, duration_seconds=1.0)
        algorithm, _ = Algorithm.objects.get_or_create(names=["pdq-256"])
        owner = connections["owner"].cursor()
        owner.execute("SELECT pg_get_indexdef('references_fingerprint_pdq_keys'::regclass)")
        (definition,) = owner.fetchone()
        owner.execute("DROP INDEX references_fingerprint_pdq_keys")
        columns = "work_id, frame_index, time_s, duration_s, quality, is_shot_start, algorithm_id, phash, pdq"
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY references_fingerprint ({columns}) FROM STDIN") as copy,
        ):
            start = f"{work.pk}\t0\t0\t0.25\t100\tf\t{algorithm.pk}\t{'0' * 64}\t"
            for lines in _lines(hashes, start):
                copy.write(lines)
        started = time.perf_counter()
        owner.execute(definition)
        index_s = time.perf_counter() - started
        owner.execute("VACUUM ANALYZE references_fingerprint")
        owner.execute("SELECT min(id) FROM references_fingerprint")
        yield owner, owner.fetchone()[0], index_s


@contextmanager
def inside_postgres(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
    """Slate's engine in plain SQL."""
    with _filled(hashes) as (owner, first, index_s):
        from studio.references.indexes.inside_postgres import PostgresIndex
        from studio.references.indexes.sources import frames

        owner.execute(
            "SELECT pg_relation_size('references_fingerprint_pdq_keys'),"
            " pg_total_relation_size('references_fingerprint')"
        )
        index_bytes, total_bytes = owner.fetchone()
        index = PostgresIndex(frames(0))

        def ask(asked: NDArray[np.uint8]) -> Pairs:
            hits = index.search(asked, RADIUS)
            return pairs_of(hits.query, hits.row - first)

        yield Ready(ask, index_bytes, index_s, {"database_bytes_per_row": total_bytes / len(hashes)})


@contextmanager
def as_served(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
    """Segments built from the database, searched with the newest rows, and every hit confirmed by the database."""
    with _filled(hashes) as (_, first, _index_s):
        from django.conf import settings

        from studio.references.indexes.building import build
        from studio.references.indexes.sources import frames
        from studio.references.indexing import ChosenIndex

        source = frames(1)
        started = time.perf_counter()
        build(source)
        build_s = time.perf_counter() - started
        kept = sum(path.stat().st_size for path in Path(settings.SEARCH_DIR).rglob("*.segment"))
        index = ChosenIndex(source)

        def ask(asked: NDArray[np.uint8]) -> Pairs:
            hits = index.search(asked, RADIUS)
            return pairs_of(hits.query, hits.row - first)

        yield Ready(ask, kept, build_s)


@contextmanager
def pgvector_hnsw(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
    """m 16, ef_construction 64, ef_search 1000, the most it allows; the nearest hundred, of which those within 31."""
    import psycopg

    sys.path[:0] = [str(ROOT / "platform")]
    from studio.embedded import EmbeddedServer

    with tempfile.TemporaryDirectory() as scratch:
        server = EmbeddedServer(Path(scratch))
        server.ensure_running()
        try:
            with psycopg.connect(server.superuser_dsn(), autocommit=True) as database:
                database.execute("CREATE EXTENSION vector")
                database.execute("CREATE TABLE frame (id int, pdq bit(256))")
                database.execute("SET max_parallel_maintenance_workers = 0")
                database.execute("SET maintenance_work_mem = '1GB'")
                with database.cursor() as cursor, cursor.copy("COPY frame (pdq) FROM STDIN") as copy:
                    for lines in _lines(hashes):
                        copy.write(lines)
                database.execute("CREATE SEQUENCE numbers MINVALUE 0")
                database.execute("UPDATE frame SET id = nextval('numbers')")
                started = time.perf_counter()
                database.execute("CREATE INDEX frame_hnsw ON frame USING hnsw (pdq bit_hamming_ops)")
                index_s = time.perf_counter() - started
                database.execute("VACUUM ANALYZE frame")
                database.execute("SET hnsw.ef_search = 1000")
                size = database.execute("SELECT pg_relation_size('frame_hnsw')").fetchone()

                def ask(asked: NDArray[np.uint8]) -> Pairs:
                    pairs = []
                    for query, one in enumerate(asked):
                        text = "".join(map(str, np.unpackbits(one)))
                        found = database.execute(
                            "SELECT id, pdq <~> %(q)s::bit(256) AS distance FROM frame"
                            " ORDER BY pdq <~> %(q)s::bit(256) LIMIT 100",
                            {"q": text},
                        )
                        pairs += [(query, row) for row, distance in found if distance <= RADIUS]
                    return pairs

                yield Ready(ask, size[0] if size else 0, index_s)
        finally:
            server.stop()
