"""How often the exact message comes back from attacked clips, what the mark costs, and how rivals do on the same clips.

    python benchmarks/watermark.py [--quick] [--jobs 2] [--clips bunny,pan*] [--rows crop*,jpeg*]
        [--only attacks cost chance averaging rivals] [--json FILE]

Detection is blind: the key and nothing else. Clips, marked masters, attacked files and results are kept in
var/bench/watermark under digests of the code that made them, so an interrupted run goes on where it was and
a changed detector repeats the detections only. Exit status 1 when a row misses its target.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
# Every worker is one process with one thread; set before numpy reads it, and inherited.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from benchmarks import watermark_chance as chance  # noqa: E402 (needs the path above)
from benchmarks import watermark_cost as cost  # noqa: E402
from benchmarks import watermark_rivals as rivals  # noqa: E402
from benchmarks import watermark_security as security  # noqa: E402
from benchmarks import watermark_tables as tables  # noqa: E402
from benchmarks.watermark_clips import BY_NAME, CLIPS, FIXTURES, QUICK_CLIPS, Clip  # noqa: E402
from benchmarks.watermark_rows import QUICK_ROWS, ROWS, Row  # noqa: E402
from benchmarks.watermark_trials import Trial, carry_out, master, quiet, source, strength_of  # noqa: E402
from provenance.watermark.profiles import PROFILES  # noqa: E402

PROGRESS_EVERY_S = 10
_CLIPS_OF_OTHER_PROFILES = 6
QUICK_SECTIONS = ("attacks", "cost", "chance", "rivals")
SECTIONS = ("attacks", "cost", "chance", "averaging", "rivals")


def main() -> int:
    """Parses the command line, runs what it asks for, prints the tables."""
    options = parse()
    clips = chosen(CLIPS, options.clips, QUICK_CLIPS if options.quick else None)
    rows = chosen(ROWS, options.rows, QUICK_ROWS if options.quick else None)
    if options.list:
        print(tables.show_clips(clips), *(row.name for row in rows), sep="\n")
        return 0
    if not FIXTURES.is_dir():
        raise SystemExit(f"The clips are cut from real media: {FIXTURES} does not exist; set SLATE_FIXTURES")
    report: dict[str, Any] = {
        "command": command_of(options),
        "machine": tables.machine(),
        "clips": [tables.describe(clip) for clip in clips],
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pool = ProcessPoolExecutor(
        options.jobs, mp_context=multiprocessing.get_context("spawn"), initializer=quiet
    )
    try:
        for section in options.only:
            report[section] = MEASURES[section](pool, clips, rows, options)
            print(f"\n## {section}\n\n{tables.show(section, report)}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(report) + "\n")
            if options.page:
                options.page.write_text(tables.page(report))
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
    missed = [line["row"] for line in report.get("attacks", {}).get("rows", []) if line["is_met"] is False]
    return int(bool(missed))


def command_of(options: argparse.Namespace) -> str:
    """The command that measures the same again."""
    words = ["python benchmarks/watermark.py"]
    words += ["--quick"] if options.quick else []
    words += [f"--clips '{options.clips}'"] if options.clips else []
    words += [f"--rows '{options.rows}'"] if options.rows else []
    words += ["--only", *options.only] if tuple(options.only) not in (SECTIONS, QUICK_SECTIONS) else []
    return " ".join(words)


def measure_attacks(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """The table of attacks, and every trial behind it."""
    trials = run_trials(pool, clips, rows, options)
    return {"rows": tables.summarise(trials), "trials": trials}


def measure_cost(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], _rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """Quality and bitrate of every clip; times and memory on a few, while nothing else of ours runs."""
    names = [clip.name for clip in clips][: 2 if options.quick else None]
    prepare(pool, {(name, 5.0, "clean") for name in names})
    others = () if options.quick else names[:_CLIPS_OF_OTHER_PROFILES]
    tasks = [(name, "clean") for name in names]
    tasks += [(name, profile) for profile in PROFILES if profile != "clean" for name in others]
    qualities = together(pool, "quality", cost.quality_of, tasks)
    report = {"quality": cost.summarise(qualities), "quality_by_clip": qualities}
    report["speed"] = cost.speeds(names[: 1 if options.quick else 8])
    report["memory_mib"] = {} if options.quick else cost.memory(names[0])
    return report


def measure_chance(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], _rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """False findings with random keys on contents that hold no mark of theirs."""
    names = [clip.name for clip in clips]
    prepare(pool, {(name, 5.0, "clean") for name in names})
    contents = chance.contents(names)
    keys = chance.KEYS_PER_CONTENT
    if options.quick:
        contents, keys = contents[:1], 10
    return chance.summarise(together(pool, "chance", chance.chance_trial, [(*one, keys) for one in contents]))


def measure_averaging(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], _rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """What averaging one clip tells about the tile."""
    names = [clip.name for clip in clips][: 2 if options.quick else None]
    prepare(pool, {(name, 5.0, "clean") for name in names})
    trials = together(pool, "averaging", security.averaging_trial, [(name,) for name in names])
    return {"summary": security.summarise(trials), "trials": trials}


def measure_rivals(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """What others recover from the same attacks on the same clips."""
    names = [clip.name for clip in clips][: 1 if options.quick else None]
    together(pool, "clips", make_source, [(name, 5.0) for name in names])
    measured: dict[str, Any] = {}
    for rival in rivals.RIVALS:
        if rival.missing or (options.quick and rival.is_slow):
            measured[rival.method] = {
                "missing": rival.missing or f"{rival.method} is left out of a quick run: slow"
            }
            continue
        trials = rivals.trials_of(rival, names, [row.name for row in rows])
        needed = dict.fromkeys((trial.clip, rival.method) for trial in trials)
        masters = together(pool, f"{rival.method} clips", rivals.rival_master, needed)
        results = together(
            pool, rival.method, rivals.rival_trial, [(trial, rival.method) for trial in trials]
        )
        measured[rival.method] = rivals.summarise(rival, masters, results)
    return measured


MEASURES = {
    "attacks": measure_attacks,
    "cost": measure_cost,
    "chance": measure_chance,
    "averaging": measure_averaging,
    "rivals": measure_rivals,
}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a few clips and rows: under five minutes on two cores"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--clips", default="", help="names or patterns, separated by commas")
    parser.add_argument("--rows", default="", help="names or patterns, separated by commas")
    parser.add_argument("--again", action="store_true", help="detect anew even where a result is known")
    parser.add_argument("--json", type=Path, help="keep the tables and every trial in this file")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--page", type=Path, help="write everything as a Markdown page")
    parser.add_argument("--list", action="store_true", help="show the clips and rows chosen, and stop")
    options = parser.parse_args()
    options.only = options.only or (QUICK_SECTIONS if options.quick else SECTIONS)
    return options


def chosen(known: Sequence[Any], patterns: str, default: Sequence[str] | None) -> list[Any]:
    """The clips or rows that match one of the patterns; without patterns the default, or all."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    if not wanted:
        return [one for one in known if default is None or one.name in default]
    for pattern in wanted:
        if not any(fnmatch(one.name, pattern) for one in known):
            raise SystemExit(f"{pattern} matches none of: {', '.join(one.name for one in known)}")
    return [one for one in known if any(fnmatch(one.name, pattern) for pattern in wanted)]


def run_trials(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], rows: Sequence[Row], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Makes the masters that are missing, then carries out every trial."""
    pairs = [(clip, row) for row in rows for clip in clips if row.seconds <= max(clip.longest_s, 5.0)]
    prepare(pool, {(clip.name, row.seconds, row.profile) for clip, row in pairs})
    trials = {
        (Trial(clip.name, row.name, part), options.again): None
        for clip, row in pairs
        for part in (row.parts if not options.quick else row.parts[:1])
    }
    return together(pool, "trials", carry_out_trial, trials)


def prepare(pool: ProcessPoolExecutor, masters: set[tuple[str, float, str]]) -> None:
    """Makes clips, then marked masters, each by one process only. `masters`: (clip, seconds, profile)."""
    # The strength is chosen on the 5 s of a clip also where more of it is marked.
    lengths = {(name, seconds) for name, seconds, _ in masters} | {(name, 5.0) for name, *_ in masters}
    together(pool, "clips", make_source, sorted(lengths))
    together(pool, "strengths", make_strength, sorted({(name, profile) for name, _, profile in masters}))
    together(pool, "masters", make_master, sorted(masters))


def make_source(name: str, seconds: float) -> dict[str, Any]:
    """In a worker: the clip."""
    return {"path": str(source(BY_NAME[name], seconds))}


def make_strength(name: str, profile: str) -> dict[str, Any]:
    """In a worker: how strongly the clip is marked."""
    return {"strength": strength_of(BY_NAME[name], profile)}


def make_master(name: str, seconds: float, profile: str) -> dict[str, Any]:
    """In a worker: the marked clip."""
    return {"path": str(master(BY_NAME[name], seconds, profile))}


def carry_out_trial(trial: Trial, is_repeated: bool) -> dict[str, Any]:
    """In a worker: one trial."""
    return carry_out(trial, is_repeated=is_repeated)


def together(
    pool: ProcessPoolExecutor, what: str, work: Callable[..., dict[str, Any]], tasks: Any
) -> list[dict[str, Any]]:
    """The results of all tasks in their order, with the progress on the error stream."""
    started = told = time.monotonic()
    waiting = {pool.submit(work, *task): task for task in tasks}
    for done, future in enumerate(as_completed(waiting), 1):
        if error := future.exception():
            error.add_note(f"in {what}: {waiting[future]}")
            raise error
        now = time.monotonic()
        if now - told > PROGRESS_EVERY_S or done == len(waiting):
            told = now
            left_s = (now - started) / done * (len(waiting) - done)
            print(f"{what} {done}/{len(waiting)}, {left_s:.0f} s to go", file=sys.stderr, flush=True)
    return [future.result() for future in waiting]


if __name__ == "__main__":
    sys.exit(main())
