"""Which edited copies of real clips are found again, where, how surely, and what is called a copy that is none.

    python benchmarks/copies.py [--quick] [--jobs 2] [--edits crop*,logo*] [--only edits scenes chance] [--json FILE]
        [--page FILE]
    python benchmarks/copies.py --calibrate

Every long real clip gives stretches of 6.5 s, each of which goes through every edit, is encoded, fingerprinted from its
file like any other, and looked up among all real clips by the functions that the platform calls. A copy counts as found
when the judgement is not "clear" and the segment lies where it was cut, to half a second. "scenes" compares different
clips of one room and camera; "chance" compares stated probabilities with how often negatives reach them, fitted on
half of the films and counted on the other. `--calibrate` fits the shipped calibration anew. Copies are kept in
var/bench/copies. Exit status 1 when a row misses its target.
"""

import argparse
import fnmatch
import json
import os
import platform
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

import cv2  # noqa: E402 (needs the environment above)
import numpy as np  # noqa: E402

from benchmarks.copies_bank import MemoryBank  # noqa: E402
from benchmarks.copies_edits import EDITS, FIXTURES, FOREIGN, FOREIGN_FOR_FOREIGN, SOURCES, Copy, make_copy  # noqa: E402
from benchmarks.copies_negatives import LEFT_OUT, ONE_ROOM, negatives  # noqa: E402
from provenance.fingerprint import ClipFingerprint, fingerprint_file  # noqa: E402
from provenance.fingerprint.judging import Outcome, shipped  # noqa: E402
from provenance.fingerprint.judging.calibration import SHIPPED, fit  # noqa: E402

CACHE = ROOT / "var" / "bench" / "copies" / "clips"
SECTIONS = ("edits", "scenes", "chance")
MIN_QUERY_S = 6.0
PLACED_WITHIN_S = 0.5
LEVELS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
QUICK_STARTS = 1


@dataclass(frozen=True)
class Row:
    """What came of one copy. Errors are in seconds but for `speed_error`, a share; None where it was not found."""

    edit: str
    source: str
    start_s: float
    is_found: bool
    probability: float
    boundary_errors_s: tuple[float, float] | None
    speed_error: float | None
    false_alarms: tuple[str, ...]


def references() -> dict[str, ClipFingerprint]:
    """The fingerprints of all real clips; of the variants of one shot the original only."""
    cv2.setNumThreads(1)
    paths = sorted(path for suffix in ("mp4", "mkv") for path in FIXTURES.rglob(f"*.{suffix}"))
    names = {str(path.relative_to(FIXTURES)): path for path in paths}
    return {
        name: fingerprint_file(path, threads=1)
        for name, path in names.items()
        if not any(part in name for part in LEFT_OUT)
    }


_bank: MemoryBank | None = None


def _prepare(clips: dict[str, ClipFingerprint]) -> None:
    global _bank
    cv2.setNumThreads(1)
    _bank = MemoryBank(clips, {name: FIXTURES / name for name in clips})


def look_up(task: tuple[str, float, str]) -> Row | None:
    """Make one copy and look it up; None for a copy that would be shorter than six seconds."""
    source, start_s, edit_name = task
    edit = next(one for one in EDITS if one.name == edit_name)
    copy = make_copy(source, start_s, edit, CACHE)
    if copy.query_end_s - copy.query_start_s < MIN_QUERY_S:
        return None
    if _bank is None:
        raise RuntimeError("the bank was not prepared")
    judged = _bank.judged(fingerprint_file(copy.path, query=True, threads=1), copy.path)
    own = judged.get(source)
    placed = [] if own is None else [one for one in own.segments if _is_placed(copy, one)]
    is_found = own is not None and own.outcome is not Outcome.CLEAR and bool(placed)
    best = max(placed, key=lambda one: one.score, default=None)
    foreign = {FOREIGN_FOR_FOREIGN if source == FOREIGN else FOREIGN} if edit.is_spliced else set()
    return Row(
        edit=edit.name,
        source=source,
        start_s=start_s,
        is_found=is_found,
        probability=1.0 if own is None else own.probability,
        boundary_errors_s=None
        if best is None
        else (abs(best.query_start_s - copy.query_start_s), abs(best.query_end_s - copy.query_end_s)),
        speed_error=None if best is None else abs(best.speed / copy.speed - 1),
        false_alarms=tuple(
            name
            for name, judgement in judged.items()
            if name not in {source, *foreign} and judgement.outcome is not Outcome.CLEAR
        ),
    )


def _is_placed(copy: Copy, segment: Any) -> bool:
    expected_s = copy.reference_start_s + (segment.query_start_s - copy.query_start_s) * copy.speed
    return (
        abs(segment.reference_start_s - expected_s) <= PLACED_WITHIN_S
        and segment.is_mirrored == copy.edit.is_mirrored
    )


def edits_section(clips: dict[str, ClipFingerprint], args: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per edit: how many of its copies were found, how sure, and how exactly placed."""
    chosen = [one.name for one in EDITS if any(fnmatch.fnmatch(one.name, p) for p in args.edits.split(","))]
    starts = {name: all_s[:QUICK_STARTS] if args.quick else all_s for name, all_s in SOURCES.items()}
    tasks = [(name, start_s, edit) for edit in chosen for name in SOURCES for start_s in starts[name]]
    with ProcessPoolExecutor(args.jobs, initializer=_prepare, initargs=(clips,)) as pool:
        rows: list[Row] = []
        for number, row in enumerate(pool.map(look_up, tasks), 1):
            rows += [row] if row is not None else []
            print(f"\rcopies {number}/{len(tasks)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    per_edit: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        per_edit[row.edit].append(row)
    return [_edit_line(edit.name, edit.share, per_edit[edit.name]) for edit in EDITS if per_edit[edit.name]]


def _edit_line(name: str, target: float, rows: list[Row]) -> dict[str, Any]:
    found = [row for row in rows if row.is_found]
    edges = [error for row in found if row.boundary_errors_s for error in row.boundary_errors_s]
    speeds = [row.speed_error for row in found if row.speed_error is not None]
    return {
        "edit": name,
        "copies": len(rows),
        "found": len(found),
        "target": target,
        "false_alarms": sum(len(row.false_alarms) for row in rows),
        "blocked": sum(row.probability <= 1e-6 for row in found),
        "median_boundary_error_s": float(np.median(edges)) if edges else None,
        "worst_boundary_error_s": max(edges, default=None),
        "median_speed_error": float(np.median(speeds)) if speeds else None,
        "worst_speed_error": max(speeds, default=None),
        "missed": [f"{Path(row.source).stem} at {row.start_s:g} s" for row in rows if not row.is_found],
        "alarms": sorted({alarm for row in rows for alarm in row.false_alarms}),
    }


def scenes_section(clips: dict[str, ClipFingerprint]) -> dict[str, Any]:
    """Different clips of one room and camera, each against each, from their files like any others."""
    room = {name: clip for name, clip in clips.items() if name.endswith(ONE_ROOM)}
    bank = MemoryBank(room, {name: FIXTURES / name for name in room})
    called: list[str] = []
    lowest = 1.0
    for name in room:
        query = fingerprint_file(FIXTURES / name, query=True, threads=1)
        for other, judgement in bank.judged(query, FIXTURES / name).items():
            if other != name:
                lowest = min(lowest, judgement.probability)
                if judgement.outcome is not Outcome.CLEAR:
                    called.append(f"{Path(name).stem} / {Path(other).stem}: {judgement.outcome}")
    pairs = sum(1 for one, other in product(room, room) if one != other)
    return {"pairs": pairs, "called": called, "lowest_probability": lowest, "target": 0.01}


def chance_section(clips: dict[str, ClipFingerprint], step_s: float) -> dict[str, Any]:
    """Stated against observed: the tail fitted on every other film, counted on the rest, and the other way round."""
    sources = sorted(clips)
    halves = (set(sources[::2]), set(sources[1::2]))
    trials: list[int] = [0, 0]
    scores: list[list[float]] = [[], []]
    unrelated, alarms = 0, 0
    shipped_alarms = dict.fromkeys(LEVELS, 0)
    for trial in negatives(clips, step_s):
        if trial.kind == "unrelated":
            unrelated += 1
            alarms += trial.score is not None and shipped().probability(trial.score) <= 1e-3
            continue
        half = 0 if trial.source in halves[0] else 1
        trials[half] += 1
        if trial.score is not None:
            scores[half].append(trial.score)
            for level in LEVELS:
                shipped_alarms[level] += shipped().probability(trial.score) <= level
    hard = sum(trials)
    lines = []
    for level in LEVELS:
        held_out = []
        for fitted, counted in ((0, 1), (1, 0)):
            own = fit(scores[fitted], trials[fitted], version="half")
            reached = sum(own.probability(score) <= level for score in scores[counted])
            held_out.append(reached / trials[counted])
        lines.append({"stated": level, "observed": shipped_alarms[level] / hard, "held_out": held_out})
    return {
        "same_scene_trials": hard,
        "unrelated_trials": unrelated,
        "unrelated_for_review": alarms,
        "levels": lines,
        "calibration": shipped().as_dict(),
    }


def calibrate(clips: dict[str, ClipFingerprint], step_s: float) -> dict[str, Any]:
    """Fits the shipped calibration to all films and writes it."""
    scores, trials = [], 0
    for trial in negatives(clips, step_s):
        if trial.kind != "unrelated":
            trials += 1
            scores += [trial.score] if trial.score is not None else []
    made = fit(
        scores, trials, version=next_version(), clips=f"{len(clips)} real clips, same scene and reversed"
    )
    SHIPPED.write_text(json.dumps(made.as_dict(), indent=2) + "\n")
    return made.as_dict()


def next_version() -> str:
    """The next version: one more than the shipped one's."""
    try:
        return str(int(json.loads(SHIPPED.read_text())["version"]) + 1)
    except (OSError, ValueError, KeyError):
        return "1"


def print_edits(lines: list[dict[str, Any]]) -> None:
    columns = f"{'found':>9}{'target':>8}{'alarms':>8}{'blocked':>9}{'edges off':>11}{'speed off':>11}"
    print(f"{'edit of a real clip':28}{columns}  missed")
    for line in lines:
        short = line["found"] < line["target"] * line["copies"]
        edge = line["median_boundary_error_s"]
        speed = line["median_speed_error"]
        print(
            f"{line['edit']:28}{line['found']:>5}/{line['copies']:<3}{'!' if short else ' '}"
            f"{line['target']:>6.0%}{line['false_alarms']:>8}{line['blocked']:>9}"
            f"{'-' if edge is None else f'{edge:.3f} s':>11}{'-' if speed is None else f'{speed:.2%}':>11}"
            f"  {', '.join(line['missed'])}"
        )


def page(report: dict[str, Any]) -> str:
    """The tables as a Markdown page."""
    lines = [
        "# Edited copies of real clips",
        "",
        f"`python benchmarks/copies.py --jobs 2` on {report['machine']}; {report['clips']} reference clips. "
        "`!` marks a missed target. *Edges off* and *speed off* are medians over the copies found; *surely* counts "
        "those with a probability of at most 1e-6, which blocks by itself.",
        "",
        "| edit | found | target | false alarms | surely | edges off | worst | speed off | missed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in report.get("edits", []):
        short = " !" if one["found"] < one["target"] * one["copies"] else ""
        lines.append(
            f"| {one['edit']} | {one['found']}/{one['copies']}{short} | {one['target']:.0%} | {one['false_alarms']} "
            f"| {one['blocked']} | {one['median_boundary_error_s'] or 0:.3f} s "
            f"| {one['worst_boundary_error_s'] or 0:.2f} s | {one['median_speed_error'] or 0:.2%} "
            f"| {', '.join(one['missed'])} |"
        )
    if "scenes" in report:
        scene = report["scenes"]
        lines += [
            "",
            "## Different clips of one room and camera",
            "",
            f"{len(scene['called'])} of {scene['pairs']} ordered pairs are called copies (target: at most "
            f"{scene['target']:.0%}); the lowest probability stated is {scene['lowest_probability']:.2g}.",
        ]
    if "chance" in report:
        chance = report["chance"]
        lines += [
            "",
            "## Stated and observed probabilities",
            "",
            f"{chance['same_scene_trials']:,} comparisons within a scene or with the clip played backwards; of "
            f"{chance['unrelated_trials']:,} comparisons of unrelated clips {chance['unrelated_for_review']} would be "
            "shown to a person. *Held out*: the tail fitted on half of the films and counted on the other half, both "
            "ways round; the films differ so much that half of them do not stand for the rest.",
            "",
            "| stated | observed | held out |",
            "|---|---|---|",
        ]
        for one in chance["levels"]:
            held = ", ".join(f"{value:.1e}" for value in one["held_out"])
            lines.append(f"| {one['stated']:.0e} | {one['observed']:.1e} | {held} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one stretch of each clip: under five minutes")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--edits", default="*", help="names or patterns, separated by commas")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION")
    parser.add_argument("--json", type=Path, help="keep the tables in this file")
    parser.add_argument("--page", type=Path, help="write the tables as a Markdown page")
    parser.add_argument("--calibrate", action="store_true", help="fit the shipped calibration anew, and stop")
    args = parser.parse_args()
    if not FIXTURES.is_dir():
        parser.error(f"there are no real clips at {FIXTURES}; set SLATE_FIXTURES")
    clips = references()
    step_s = 1.0 if args.quick else 0.1
    if args.calibrate:
        print(json.dumps(calibrate(clips, step_s), indent=2))
        return 0
    report: dict[str, Any] = {"machine": f"{os.cpu_count()} cores, {platform.machine()}", "clips": len(clips)}
    missed = False
    if "edits" in args.only:
        report["edits"] = edits_section(clips, args)
        print_edits(report["edits"])
        missed |= any(
            line["found"] < line["target"] * line["copies"] or line["false_alarms"]
            for line in report["edits"]
        )
    if "scenes" in args.only:
        report["scenes"] = scene = scenes_section(clips)
        print(
            f"\nDifferent clips of one room and camera: {len(scene['called'])} of {scene['pairs']} pairs called "
            f"copies (target at most {scene['target']:.0%}); lowest probability {scene['lowest_probability']:.2g}"
        )
        missed |= len(scene["called"]) > scene["target"] * scene["pairs"]
    if "chance" in args.only:
        report["chance"] = chance = chance_section(clips, step_s)
        print(
            f"\n{chance['same_scene_trials']} comparisons within a scene; of {chance['unrelated_trials']} unrelated "
            f"ones {chance['unrelated_for_review']} would be shown to a person"
        )
        print(f"{'stated':>10}{'observed':>12}{'held out':>24}")
        for line in chance["levels"]:
            print(
                f"{line['stated']:>10.0e}{line['observed']:>12.2e}"
                f"{'  '.join(f'{one:.2e}' for one in line['held_out']):>24}"
            )
    if args.json:
        args.json.write_text(json.dumps(report) + "\n")
    if args.page:
        args.page.write_text(page(report))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
