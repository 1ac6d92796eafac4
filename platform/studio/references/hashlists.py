"""Reads hashes from text: our CSV and JSON lines, and the PDQ lists others publish; pure, no database.

A file says what it is: by a brace at the beginning of its first line, by a header, or by the number of columns.
"""

import csv
import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.fingerprint.contents import PDQ_BYTES, PHASH_BYTES, ClipFingerprint, FrameFingerprint
from studio.errors import InputRefused
from studio.references.exchange import FORMULA_STARTS

# What a list that does not say how its hashes were made is kept under.
FOREIGN_ALGORITHM = ("pdq-256",)
# vPDQ numbers frames; where it leaves out their times, this many pass in a second.
ASSUMED_FPS = 30.0
STILL_S = 1.0
MAX_TITLE = 300
SHOWN_LINES = 20

_HASH = ("pdq", "pdq_hash", "pdqhash", "hash", "indicator", "signal", "signal_str", "value")
_QUALITY = ("quality", "pdq_quality")
_FRAME = ("frame_index", "frame", "frame_number", "framenumber")
_TIME = ("time_s", "timestamp", "time")
_TITLE = ("work_title", "file", "filepath", "filename", "title", "name")
_SHA256 = ("work_sha256", "sha256")
_TYPE = ("type", "signal_type", "indicator_type")


class LinesRefused(InputRefused):
    """Some lines cannot be taken, so nothing of the file was; `lines` says which and why."""

    code = "import.bad_lines"

    def __init__(self, lines: Sequence[tuple[int, str]], total: int) -> None:
        shown = "; ".join(f"line {number}: {why}" for number, why in lines)
        more = f"; and {total - len(lines)} more" if total > len(lines) else ""
        super().__init__(
            f"{total} line{'' if total == 1 else 's'} cannot be read: {shown}{more}.",
            "Correct or remove them and import the file again; nothing of it was taken.",
        )
        self.lines = tuple(lines)
        self.total = total


@dataclass(frozen=True)
class ImportedWork:
    """A work known by its hashes alone."""

    title: str
    sha256: str
    clip: ClipFingerprint


@dataclass
class _Line:
    """One hash with whatever its line says about it."""

    number: int
    pdq: bytes
    quality: int = 100
    frame_index: int | None = None
    time_s: float | None = None
    duration_s: float | None = None
    phash: bytes = bytes(PHASH_BYTES)
    is_shot_start: bool = False
    title: str = ""
    sha256: str = ""
    algorithm: tuple[str, ...] = FOREIGN_ALGORITHM
    work_duration_s: float | None = None


Fields = Mapping[str, Any]


def read_works(lines: Iterable[str], name: str) -> list[ImportedWork]:
    """The works a file of hashes holds; `name`, the file's own, is the title of what has none.

    Rows with a time or a frame number belong to one film; a hash that stands for itself is a still, a work of its
    own. Raises LinesRefused, naming every bad line, and InputRefused for a file without hashes.
    """
    bad: list[tuple[int, str]] = []
    read: list[_Line] = []
    total = 0
    for number, fields in _rows(iter(lines), bad):
        try:
            line = _line(number, fields)
        except (ValueError, TypeError) as error:
            total += 1
            if len(bad) < SHOWN_LINES:
                bad.append((number, str(error)))
            continue
        if line is not None:
            read.append(line)
    total = max(total, len(bad))
    if bad:
        raise LinesRefused(bad, total)
    if not read:
        raise InputRefused(
            f"{name} holds no hash.",
            "Give CSV with a header, JSON lines, or one PDQ hash of 64 hexadecimal digits per line.",
            code="import.no_hashes",
        )
    return list(_works(read, name))


def _rows(lines: Iterator[str], bad: list[tuple[int, str]]) -> Iterator[tuple[int, Fields]]:
    """Line number and named fields of every row that holds any."""
    skipped = 0
    first = ""
    for first in lines:
        first = first.removeprefix("\ufeff")
        if first.strip():
            break
        skipped += 1
    everything = itertools.chain([first], lines)
    if first.lstrip().startswith("{"):
        yield from _json_rows(everything, skipped, bad)
    else:
        yield from _csv_rows(everything, skipped, bad)


def _json_rows(
    lines: Iterator[str], skipped: int, bad: list[tuple[int, str]]
) -> Iterator[tuple[int, Fields]]:
    for number, text in enumerate(lines, start=skipped + 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            bad.append((number, "it is no JSON"))
            continue
        if not isinstance(value, dict):
            bad.append((number, "it is no JSON object"))
            continue
        yield number, {str(key).lower(): entry for key, entry in value.items()}


def _csv_rows(lines: Iterator[str], skipped: int, bad: list[tuple[int, str]]) -> Iterator[tuple[int, Fields]]:
    reader = csv.reader(lines)
    names: Sequence[str] | None = None
    is_first = True
    while True:
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            bad.append((reader.line_num + skipped, f"it is no CSV ({error})"))
            continue
        if not any(cells):
            continue
        if is_first:
            is_first = False
            names = _header(cells)
            if names is not None:
                continue
        named = names or _BY_COUNT.get(len(cells))
        if named is None:
            bad.append((reader.line_num + skipped, f"it has {len(cells)} columns, and there is no header"))
        elif len(cells) != len(named):
            bad.append((reader.line_num + skipped, f"it has {len(cells)} columns, not {len(named)}"))
        else:
            yield reader.line_num + skipped, dict(zip(named, cells, strict=True))


# Lines without a header: a list of hashes, the same with qualities, and vPDQ's two forms.
_BY_COUNT: dict[int, tuple[str, ...]] = {
    1: ("hash",),
    2: ("hash", "quality"),
    3: ("frame", "quality", "hash"),
    4: ("frame", "quality", "hash", "timestamp"),
}


def _header(cells: Sequence[str]) -> list[str] | None:
    """The names of the columns, or None where the first line is a row already."""
    names = [cell.lower().replace(" ", "_") for cell in cells]
    return names if any(name in _HASH for name in names) else None


def _line(number: int, fields: Fields) -> _Line | None:
    """One row; None for a hash of another kind than PDQ. Raises ValueError with a reason."""
    kind = str(_first(fields, _TYPE) or "pdq").lower().removeprefix("hash_")
    if not kind.startswith(("pdq", "vpdq")):
        return None
    line = _Line(number, _hash_of(_first(fields, _HASH), PDQ_BYTES, "PDQ hash"))
    if (quality := _first(fields, _QUALITY)) is not None:
        line.quality = _whole(quality, "quality", 100)
    if (frame := _first(fields, _FRAME)) is not None:
        line.frame_index = _whole(frame, "frame number", 2**31 - 1)
    if (time_s := _first(fields, _TIME)) is not None:
        line.time_s = _seconds(time_s, "time")
    if (duration_s := _first(fields, ("duration_s",))) is not None:
        line.duration_s = _seconds(duration_s, "duration")
    if (length_s := _first(fields, ("work_duration_s",))) is not None:
        line.work_duration_s = _seconds(length_s, "length of the work")
    if (phash := _first(fields, ("phash",))) is not None:
        line.phash = _hash_of(phash, PHASH_BYTES, "pHash")
    line.is_shot_start = str(fields.get("is_shot_start") or "").lower() in ("1", "true")
    line.title = _title(_first(fields, _TITLE))
    if (sha256 := _first(fields, _SHA256)) is not None:
        line.sha256 = _hash_of(sha256, 32, "SHA-256").hex()
    if (algorithm := _first(fields, ("algorithm",))) is not None:
        line.algorithm = _algorithms(algorithm)
    return line


def _first(fields: Fields, names: Sequence[str]) -> Any:
    """The first of these fields that holds something."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def _hash_of(value: Any, size: int, what: str) -> bytes:
    try:
        digest = bytes.fromhex(value) if isinstance(value, str) and len(value) == 2 * size else b""
    except ValueError:
        digest = b""
    if len(digest) != size:
        shown = "nothing" if value is None else repr(str(value)[:20])
        raise ValueError(f"a {what} has {2 * size} hexadecimal digits, not {shown}")
    return digest


def _whole(value: Any, what: str, highest: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise ValueError(f"the {what} {text[:20]!r} is no whole number")
    if int(text) > highest:
        raise ValueError(f"the {what} {text} is above {highest}")
    return int(text)


def _seconds(value: Any, what: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not 0.0 <= seconds < 1e7:
        raise ValueError(f"the {what} {str(value)[:20]!r} is no number of seconds")
    return seconds


def _title(value: Any) -> str:
    title = str(value or "")
    if title[:1] == "'" and title[1:].startswith(FORMULA_STARTS):
        title = title[1:]
    if not title.isprintable():
        raise ValueError("the title holds characters that cannot be shown")
    return title[-MAX_TITLE:].strip()


def _algorithms(value: Any) -> tuple[str, ...]:
    names = tuple(str(value).split())
    if not 0 < len(names) <= 12 or any(len(name) > 60 or not name.isprintable() for name in names):
        raise ValueError(f"the algorithm {str(value)[:20]!r} is no list of names")
    return names


def _works(lines: Sequence[_Line], name: str) -> Iterator[ImportedWork]:
    films: dict[tuple[str, str], list[_Line]] = {}
    for line in lines:
        if line.time_s is None and line.frame_index is None:
            yield _still(line, name)
        else:
            films.setdefault((line.sha256, "" if line.sha256 else line.title), []).append(line)
    for rows in films.values():
        yield _film(rows, name)


def _still(line: _Line, name: str) -> ImportedWork:
    frame = FrameFingerprint(0, 0.0, line.pdq, line.phash, line.quality, STILL_S, True)
    return ImportedWork(
        title=line.title or f"{name[: MAX_TITLE - 20]}, line {line.number}",
        sha256=line.sha256 or hashlib.sha256(b"pdq" + line.pdq).hexdigest(),
        clip=ClipFingerprint(line.algorithm, STILL_S, (frame,)),
    )


def _film(rows: Sequence[_Line], name: str) -> ImportedWork:
    timed = sorted(((_time_of(row), row) for row in rows), key=lambda one: one[0])
    steps = [after[0] - before[0] for before, after in itertools.pairwise(timed)]
    step_s = sorted(steps)[len(steps) // 2] if steps else STILL_S
    frames = tuple(
        FrameFingerprint(
            frame_index=row.frame_index if row.frame_index is not None else place,
            time_s=time_s,
            pdq=row.pdq,
            phash=row.phash,
            quality=row.quality,
            duration_s=row.duration_s if row.duration_s is not None else max(0.0, stands_s),
            is_shot_start=row.is_shot_start,
        )
        for place, ((time_s, row), stands_s) in enumerate(zip(timed, [*steps, step_s], strict=True))
    )
    stated_s = [row.work_duration_s for row in rows if row.work_duration_s is not None]
    digest = hashlib.sha256(b"vpdq" + b"".join(frame.pdq for frame in frames))
    return ImportedWork(
        title=next((row.title for row in rows if row.title), name[-MAX_TITLE:]),
        sha256=rows[0].sha256 or digest.hexdigest(),
        clip=ClipFingerprint(
            algorithms=rows[0].algorithm,
            duration_s=max(stated_s) if stated_s else frames[-1].time_s + frames[-1].duration_s,
            frames=frames,
        ),
    )


def _time_of(row: _Line) -> float:
    return row.time_s if row.time_s is not None else (row.frame_index or 0) / ASSUMED_FPS
