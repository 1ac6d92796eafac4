"""Turns the results of the watermark benchmark into the tables that are printed and kept."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import av

from benchmarks.watermark_clips import Clip
from benchmarks.watermark_rows import ROWS

OPTIONAL = ("imageio-ffmpeg", "invisible-watermark", "onnxruntime")
TITLES = {
    "attacks": "Attacks",
    "cost": "What it costs",
    "chance": "False findings",
    "averaging": "An attacker with one marked clip",
    "rivals": "Beside others, same clips and commands",
}
_COLUMNS = (
    "`recovered`: the exact message, from the key alone. `among 100,000`: from the key and a list of 100,000 messages "
    "that were given out, as Verify has one. Targets are judged without the list."
)
_FIGURES = (("psnr_db", 1), ("ssim", 4), ("vmaf", 1), ("bitrate_ratio", 3))


def summarise(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line per row of the benchmark: recovered of total, the target, z, and what was lost."""
    by_row: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        by_row[result["row"]].append(result)
    lines = []
    for row in ROWS:
        trials = by_row.get(row.name, [])
        if not trials:
            continue
        zs = [trial["z"] for trial in trials if "z" in trial]
        lost = [trial for trial in trials if not trial["succeeded"]]
        share = 100 * (len(trials) - len(lost)) / len(trials)
        lines.append(
            {
                "group": row.group,
                "row": row.name,
                "recovered": len(trials) - len(lost),
                "total": len(trials),
                "percent": round(share, 1),
                "target_percent": row.target_percent,
                "with_issued": sum(trial["succeeded_with_issued"] for trial in trials),
                "is_met": None if row.target_percent is None else share >= row.target_percent,
                "z_median": round(median(zs), 1) if zs else None,
                "z_least": round(min(zs), 1) if zs else None,
                "seconds_median": round(median(trial["seconds"] for trial in trials), 2),
                "lost": _names(lost, has_parts=len(row.parts) > 1),
            }
        )
    return lines


def machine() -> dict[str, Any]:
    """Where and with what a run was made: figures of time mean nothing without."""
    names = ("av", "numpy", "scipy", "opencv-python-headless", *OPTIONAL)
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    encoders = {name: ".".join(map(str, numbers)) for name, numbers in av.library_versions.items()}
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": versions,
        "ffmpeg": encoders,
    }


def describe(clip: Clip) -> dict[str, Any]:
    """A clip as it goes into the report."""
    return {"clip": clip.name, "kind": clip.kind, "source": clip.origin, "licence": clip.licence,
            "size": list(clip.size), "fps": float(clip.fps)}  # fmt: skip


def page(report: dict[str, Any]) -> str:
    """The whole report as a page of the documentation."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    libraries = ", ".join(f"{name} {number}" for name, number in machine["ffmpeg"].items())
    head = ["clip", "kind", "source", "licence", "size", "fps"]
    clips = [
        [
            one["clip"],
            one["kind"],
            one["source"],
            one["licence"],
            "x".join(map(str, one["size"])),
            f"{one['fps']:.4g}",
        ]
        for one in report["clips"]
    ]
    parts = [
        "# The watermark, measured",
        f"Printed by `{report['command']}` on {machine['cores']} cores, Python {machine['python']}, {versions}; "
        f"PyAV's {libraries}. What the rows do is defined in `benchmarks/watermark_attacks.py` and "
        "`benchmarks/watermark_rows.py`; `!` marks a row below its target.",
        f"## Clips\n\n{table(head, clips)}",
    ]
    parts += [
        f"## {title}\n\n{show(section, report)}" for section, title in TITLES.items() if section in report
    ]
    return "\n\n".join(parts) + "\n"


def show(section: str, report: dict[str, Any]) -> str:
    """One section of the report as Markdown."""
    if section == "attacks":
        return f"{len(report['clips'])} clips. {_COLUMNS}\n\n{show_attacks(report['attacks']['rows'])}"
    return {"cost": show_cost, "chance": show_chance, "averaging": show_averaging, "rivals": show_rivals}[
        section
    ](report)


def show_cost(report: dict[str, Any]) -> str:
    """Quality per profile, then time and memory."""
    cost = report["cost"]
    quality = [
        [line["profile"], *(_mean_and_worst(line.get(figure), digits) for figure, digits in _FIGURES)]
        for line in cost["quality"]
    ]
    speed, memory = cost["speed"], cost["memory_mib"]
    times = [
        ["frames marked per second", f"{speed['embed_fps']:.0f}", "150 or more"],
        *(
            [f"seconds to detect, {what}", f"{speed[name][0]:.1f} (worst {speed[name][1]:.1f})", "3 or less"]
            for name, what in (
                ("detect_marked_s", "CRF 23"),
                ("detect_chain_s", "chain"),
                ("detect_unmarked_s", "unmarked"),
            )
        ),
        *(
            [f"peak MiB to {what}, {length}", f"{mib:.0f}", "bounded"]
            for what, by_length in memory.items()
            for length, mib in by_length.items()
        ),
    ]
    head = ["profile", "luma PSNR dB", "SSIM", "VMAF", "bytes at CRF 23, marked / unmarked"]
    return f"{table(head, quality)}\n\n{table(['figure', 'measured', 'target'], times)}"


def show_chance(report: dict[str, Any]) -> str:
    """How often chance passed each level against the bound."""
    chance = report["chance"]
    levels = [
        [f"z > {level['z']:g}", level["observed"], f"{level['bound']:.3g}"] for level in chance["levels"]
    ]
    return (
        f"{chance['trials']} trials of the common scales on {chance['contents']} contents, and {chance['searches']} "
        f"whole searches with 10,000 issued messages each: {chance['false_findings']} false findings, "
        f"{chance['false_messages']} false messages; pilot z median {chance['z_median']:.2f}, highest "
        f"{chance['z_highest']:.2f}\n\n{table(['level', 'trials above', 'bound'], levels)}"
    )


def show_averaging(report: dict[str, Any]) -> str:
    """Likeness of the estimate, and what subtracting it leaves."""
    summary = report["averaging"]["summary"]
    rows = [
        ["correlation with a segment's tile, whole 5 s averaged", f"{summary['whole_clip']:.2f}"],
        ["correlation with a segment's tile, that segment averaged", f"{summary['per_segment']:.2f}"],
    ]
    for gain, outcomes in summary["left_after_subtraction"].items():
        left = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        rows.append([f"left after subtracting the average at {gain} times 46 dB", left])
    return table(["an attacker with one clip", "measured"], rows)


def show_rivals(report: dict[str, Any]) -> str:
    """Every row beside what the rivals recovered of it: exact messages, and the mean share of right bits."""
    ours = {line["row"]: line for line in report.get("attacks", {}).get("rows", [])}
    measured = {name: one for name, one in report["rivals"].items() if "rows" in one}
    notes = [one["missing"] for one in report["rivals"].values() if "missing" in one]
    for name, one in measured.items():
        notes.append(
            f"{name}: {one['bits']} bits, {len(one['clips'])} clips, the first {one['seconds']:g} s of each, "
            f"majority of {one['frames_read']} frames; marks {one['embed_fps']:.2g} frames/s at "
            f"{one['psnr_db']:.1f} dB luma PSNR"
        )
    rows = []
    for row in dict.fromkeys(row for one in measured.values() for row in one["rows"]):
        cells = [f"{ours[row]['recovered']}/{ours[row]['total']}" if row in ours else ""]
        for one in measured.values():
            cell = one["rows"].get(row)
            cells.append(
                f"{cell['recovered']}/{cell['total']} ({100 * cell['right_bits']:.0f} %)" if cell else ""
            )
        rows.append([row, *cells])
    head = ["attack", "Slate, 72 bits", *(f"{name}, {one['bits']} bits" for name, one in measured.items())]
    return "\n\n".join([*notes, table(head, rows)] if rows else notes)


def show_attacks(lines: Sequence[dict[str, Any]]) -> str:
    """The table of attacks as Markdown; a row below its target is marked with an exclamation mark."""
    shown = []
    for line in lines:
        target = line["target_percent"]
        shown.append(
            [
                line["group"],
                line["row"],
                f"{line['recovered']}/{line['total']}",
                f"{line['percent']:g} %",
                f"{line['with_issued']}/{line['total']}",
                "" if target is None else f"{target:g} %{'' if line['is_met'] else ' !'}",
                _number(line["z_median"]),
                _number(line["z_least"]),
                f"{line['seconds_median']:.1f}",
                ", ".join(line["lost"]),
            ]
        )
    return table(
        [
            "group",
            "attack",
            "recovered",
            "share",
            "among 100,000",
            "target",
            "median z",
            "least z",
            "s",
            "lost",
        ],
        shown,
    )


def _names(trials: Iterable[dict[str, Any]], *, has_parts: bool) -> list[str]:
    """Clips, each once, with the moments that were lost."""
    moments: dict[str, list[str]] = defaultdict(list)
    for trial in trials:
        moments[trial["clip"]].append(f"{trial['part']:g}")
    return [f"{clip} at {' '.join(parts)}" if has_parts else clip for clip, parts in moments.items()]


def show_clips(clips: Iterable[Clip]) -> str:
    """What the clips are, as Markdown."""
    rows = [
        [clip.name, clip.kind, clip.origin, clip.licence, f"{clip.size[0]}x{clip.size[1]}",
         f"{float(clip.fps):.4g}", f"{clip.longest_s:g}"]
        for clip in clips
    ]  # fmt: skip
    return table(["clip", "kind", "source", "licence", "size", "fps", "up to s"], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table, its columns aligned for a terminal."""
    cells = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _mean_and_worst(figure: dict[str, Any] | None, digits: int) -> str:
    if figure is None:
        return "not measured"
    return f"{figure['mean']:.{digits}f} (worst {figure['worst']:.{digits}f}, {figure['worst_clip']})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
