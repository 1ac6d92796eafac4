"""The engines of the search benchmark: each is built once, then answers one question, or all, on one thread."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_databases import as_served, inside_postgres, pgvector_hnsw
from benchmarks.search_material import RADIUS, Pairs, Ready, column_wise, compared, pairs_of

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Engine:
    """`build` is a context: hashes -> Ready. most_rows: beyond, building takes too long to be run here."""

    name: str
    build: Callable[[NDArray[np.uint8]], Any]
    most_rows: int
    needs: str = ""

    @property
    def is_missing(self) -> bool:
        return bool(self.needs) and find_spec(self.needs) is None


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


@contextmanager
def numpy_columns(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
    started = time.perf_counter()
    columns = column_wise(hashes)
    build_s = time.perf_counter() - started

    def ask(asked: NDArray[np.uint8]) -> Pairs:
        return [
            (query, int(row)) for query, one in enumerate(asked) for row in compared(columns, one, RADIUS)
        ]

    yield Ready(ask, sum(column.nbytes for column in columns), build_s)


@contextmanager
def segments(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
    from provenance.fingerprint.index import open_segment, words_of, write_segment
    from provenance.fingerprint.index.layout import Layout

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "one.segment"
        # Machine code is loaded, or on a fresh machine made, before the clock runs.
        write_segment(path, np.zeros(1, np.int64), words_of(hashes[:1]), Layout((8,)))
        started = time.perf_counter()
        write_segment(path, np.arange(len(hashes), dtype=np.int64), words_of(hashes))
        build_s = time.perf_counter() - started
        started = time.perf_counter()
        segment = open_segment(path)
        opened_s = time.perf_counter() - started

        def ask(asked: NDArray[np.uint8]) -> Pairs:
            hits = segment.search(asked, RADIUS)
            return pairs_of(hits.query, hits.row)

        yield Ready(
            ask, path.stat().st_size, build_s, {"open_s": opened_s, "chunks": len(segment.layout.widths)}
        )


def _faiss(make: Callable[[Any], Any], configure: Callable[[Any], None] = lambda _: None) -> Any:
    @contextmanager
    def build(hashes: NDArray[np.uint8]) -> Iterator[Ready]:
        import faiss

        faiss.omp_set_num_threads(1)
        before, started = resident_bytes(), time.perf_counter()
        index = make(faiss)
        for start in range(0, len(hashes), 1_000_000):
            index.add(np.ascontiguousarray(hashes[start : start + 1_000_000]))
        configure(index)
        build_s = time.perf_counter() - started
        grown = resident_bytes() - before

        def ask(asked: NDArray[np.uint8]) -> Pairs:
            # FAISS answers with distances below the radius it is given.
            limits, _, rows = index.range_search(asked, RADIUS + 1)
            return pairs_of(np.repeat(np.arange(len(asked)), np.diff(limits.astype(np.int64))), rows)

        yield Ready(ask, grown, build_s)

    return build


def _one_flip(index: Any) -> None:
    index.nflip = 1


ENGINES = (
    Engine("Slate, segments", segments, 100_000_000),
    Engine("Slate, segments, confirmed by the database", as_served, 1_000_000),
    Engine("Slate, inside PostgreSQL", inside_postgres, 1_000_000),
    Engine("FAISS BinaryFlat", _faiss(lambda faiss: faiss.IndexBinaryFlat(256)), 100_000_000, "faiss"),
    Engine(
        "FAISS BinaryMultiHash 16x16, nflip 1",
        _faiss(lambda faiss: faiss.IndexBinaryMultiHash(256, 16, 16), _one_flip),
        10_000_000,
        "faiss",
    ),
    Engine("pgvector HNSW, ef 1000", pgvector_hnsw, 1_000_000),
    Engine("numpy, every hash", numpy_columns, 10_000_000),
)
BY_NAME = {engine.name: engine for engine in ENGINES}
