"""Writes hashes as text: our CSV and JSON lines, and PDQ lists as others read them; pure, no database."""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from provenance.fingerprint.contents import ClipFingerprint

FORMATS = ("csv", "jsonl", "pdq")
COLUMNS = (
    *("work_title", "work_sha256", "work_duration_s", "frame_index", "time_s", "duration_s"),
    *("is_shot_start", "algorithm", "pdq", "quality", "phash"),
)
# A title that begins like this gets an apostrophe, so that no spreadsheet runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def rows_of(title: str, sha256: str, clip: ClipFingerprint) -> Iterator[dict[str, Any]]:
    """One row per frame, with the fields of COLUMNS."""
    for frame in clip.frames:
        yield {
            "work_title": title,
            "work_sha256": sha256,
            "work_duration_s": clip.duration_s,
            "frame_index": frame.frame_index,
            "time_s": frame.time_s,
            "duration_s": frame.duration_s,
            "is_shot_start": frame.is_shot_start,
            "algorithm": " ".join(clip.algorithms),
            "pdq": frame.pdq.hex(),
            "quality": frame.quality,
            "phash": frame.phash.hex(),
        }


Write = Callable[[dict[str, Any]], object]


def writer_for(kind: str, out: TextIO) -> Write:
    """What writes a row to `out` in one of FORMATS; the header is written at once."""
    if kind == "jsonl":
        return lambda row: out.write(json.dumps(row, ensure_ascii=False) + "\n")
    if kind == "pdq":
        return lambda row: out.write(f"{row['pdq']},{row['quality']}\n")
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    return lambda row: table.writerow(
        {**row, "work_title": _harmless(row["work_title"]), "is_shot_start": int(row["is_shot_start"])}
    )


def _harmless(title: str) -> str:
    """The title with an apostrophe before it where a spreadsheet would read a formula."""
    return f"'{title}" if title.startswith(FORMULA_STARTS) else title
