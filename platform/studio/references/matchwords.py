"""Says of a match what a producer asks: what is shown where, how alike it is, and how sure that is; pure, no I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from provenance.fingerprint.judging.judge import STILL_PROBABILITY
from studio.references.models import Match
from studio.wording import clock, odds, percent

# Pictures that have nothing to do with each other differ in half of the bits, sounds in nearly half.
UNRELATED_BITS = 128.0
UNRELATED_SOUND = 0.487
# The scale ends here, or three powers of ten beyond where the bank blocks.
RAREST = 1e-12
PLOT_WIDTH = 1000.0
PLOT_HEIGHT = 100.0
_COLUMN_GAP = 4.0
_ALIKE, _PARTLY_ALIKE = 0.6, 0.3
_SAME_SPEED = 0.005
_LOWEST_WORTH_SAYING = 1e-18


@dataclass(frozen=True)
class Proof:
    """One pair of frames as a column of the plot; its height is how far the pictures differ."""

    take_s: float
    work_s: float
    distance: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Box:
    """A part of a picture as x, y, width and height in thousandths of its sides."""

    x: float
    y: float
    width: float
    height: float


def name_of(match: Match) -> str:
    """The work and its bank, as they are called in a sentence."""
    return f"“{match.work.title}” ({match.work.bank.name})"


def segment_words(match: Match, name: str, duration_s: float) -> str:
    """A segment in a line, for somebody who points at it; `duration_s` is the take's."""
    shown_s = match.take_end_s - match.take_start_s
    share = percent(shown_s / max(duration_s, shown_s, 1e-3))
    parts = [
        f"{match.get_outcome_display()}: {name}",
        f"{clock(match.take_start_s)}–{clock(match.take_end_s)} of the take ({share})",
        f"{clock(match.work_start_s)}–{clock(match.work_end_s)} of the work",
        "mirrored" if match.is_mirrored else "",
        "found later" if match.is_retroactive else "",
    ]
    return ", ".join(part for part in parts if part)


def sentences(match: Match, name: str) -> list[str]:
    """What the match says, in the order a person asks: what and where, how alike, how sure."""
    return [_where(match, name), _how_alike(match), *_how_moved(match), how_sure(match)]


def stretch_words(start_s: float, end_s: float) -> str:
    """A stretch of time: "12.0 to 18.5 s", from a minute on "1:02.0 to 1:08.5"."""
    if end_s < 60:
        return f"{start_s:.1f} to {end_s:.1f} s"
    return f"{clock(start_s)} to {clock(end_s)}"


def _where(match: Match, name: str) -> str:
    is_sound = match.method == Match.Method.SOUND
    take, work = (
        stretch_words(match.take_start_s, match.take_end_s),
        stretch_words(match.work_start_s, match.work_end_s),
    )
    said = f"{take} of this take {'sound like' if is_sound else 'show'} {work} of {name}"
    return f"{said}{''.join(f', {how}' for how in _changes(match))}."


def _changes(match: Match) -> Iterator[str]:
    if match.method == Match.Method.FEATURES:
        yield from _box_words(match)
    if match.is_mirrored:
        yield "mirrored"
    if abs(match.speed - 1.0) > _SAME_SPEED:
        yield f"at {match.speed:.2f} times the speed"


def _box_words(match: Match) -> Iterator[str]:
    boxes = {"this take's picture": take_box(match), "the work's": work_box(match)}
    parts = [f"{box.width * box.height / 1e6:.0%} of {whose}" for whose, box in boxes.items() if box]
    if parts:
        yield f"in {' and '.join(parts)}"


def _how_alike(match: Match) -> str:
    if match.method == Match.Method.SOUND:
        return (
            f"Of the bits that stand for the sound {match.mean_distance:.0%} differ; "
            f"of unrelated sounds {UNRELATED_SOUND:.0%} do."
        )
    return (
        f"{match.mean_distance:.0f} of the 256 bits that stand for a picture differ on average; "
        f"of unrelated pictures about {UNRELATED_BITS:.0f} do."
    )


def _how_moved(match: Match) -> Iterator[str]:
    if match.method == Match.Method.SOUND or not match.segment:
        return
    motion = match.segment["motion"]
    if motion is None:
        yield "Too little moves to compare the movement."
        return
    how = "differently"
    if motion >= _PARTLY_ALIKE:
        how = "alike" if motion >= _ALIKE else "partly alike"
    yield f"What moves, moves {how} ({motion:.2f} of 1)."


def how_sure(match: Match) -> str:
    """How often chance gives such a match, in words."""
    if match.probability >= 0.5:
        return "Clips that are no copies often look this alike."
    often = once_in(match.probability)
    if match.method == Match.Method.SOUND:
        return f"Sounds that have nothing to do with each other agree this well {often}."
    if _is_still(match):
        return f"Still pictures cannot prove a copy: this counts as {often}, for a person to look at."
    return f"A clip that is no copy would look this alike {often}{_at_most(match.calibration, match.probability)}."


def _is_still(match: Match) -> bool:
    is_still = bool(match.segment) and match.segment["motion"] is None
    return is_still and match.probability == STILL_PROBABILITY


def _at_most(calibration: Mapping[str, Any], probability: float) -> str:
    """Where the measurements end, no lower figure is stated."""
    trials = calibration.get("trials")
    return " or more rarely" if trials and probability <= 1.001 / (1000.0 * trials) else ""


def once_in(probability: float) -> str:
    """A probability as how often: "once in 40,000 comparisons"."""
    if probability < _LOWEST_WORTH_SAYING:
        return "less than once in a quintillion comparisons"
    # The fit is not exact enough for more than two figures.
    times = float(f"{1.0 / probability:.2g}")
    return f"once in {odds(1.0 / times).removeprefix('1 in ')} comparisons"


def threshold_words(thresholds: Mapping[str, Any]) -> list[str]:
    """What the bank asked for when the match was judged; nothing where that was not kept."""
    if not thresholds:
        return []
    review, block = odds(thresholds["review_at"]), odds(thresholds["block_at"])
    return [f"For review from {review} on", f"Blocks from {block} on"]


def sureness(match: Match) -> float | None:
    """Where the match lies on a scale of three equal parts (clear, for review, blocks), of `PLOT_WIDTH`.

    Within each part probabilities are laid out by their logarithm. None where the thresholds were not kept.
    """
    if not match.thresholds:
        return None
    review_at, block_at = match.thresholds["review_at"], match.thresholds["block_at"]
    marks = [1.0, review_at, block_at, min(RAREST, block_at / 1000.0)]
    part = (match.probability <= review_at) + (match.probability <= block_at)
    share = log(marks[part] / max(match.probability, marks[-1])) / log(marks[part] / marks[part + 1])
    return round((part + share) / 3 * PLOT_WIDTH, 2)


def proofs(match: Match) -> list[Proof]:
    """The pairs of frames kept with the match, as columns side by side; none for sound."""
    pairs = match.segment.get("evidence", []) if match.segment else []
    width = PLOT_WIDTH / max(1, len(pairs))
    return [
        _proof(pair, number * width, width)
        for number, pair in enumerate(sorted(pairs, key=lambda one: float(one["query_time_s"])))
    ]


def _proof(pair: Mapping[str, float], x: float, width: float) -> Proof:
    height = max(1.5, min(1.0, pair["distance"] / UNRELATED_BITS) * PLOT_HEIGHT)
    return Proof(
        take_s=pair["query_time_s"],
        work_s=pair["reference_time_s"],
        distance=pair["distance"],
        x=round(x + _COLUMN_GAP / 2, 2),
        y=round(PLOT_HEIGHT - height, 2),
        width=round(width - _COLUMN_GAP, 2),
        height=round(height, 2),
    )


def take_box(match: Match) -> Box | None:
    """Where in the take's picture the work is seen; None for all of it."""
    return _box(match, "query_box", is_turned=match.is_mirrored and not match.is_retroactive)


def work_box(match: Match) -> Box | None:
    """Which part of the work's picture is seen, in the picture as it is in the work; None for all of it."""
    return _box(match, "reference_box", is_turned=match.is_mirrored and match.is_retroactive)


def _box(match: Match, side: str, *, is_turned: bool) -> Box | None:
    """A box of the segment. Of a mirrored match the asked clip was turned, and its box lies in the turned picture: the
    asked clip is the take, unless the work came later."""
    kept = match.segment.get(side) if match.segment else None
    if not kept:
        return None
    left, right = (1.0 - kept["right"], 1.0 - kept["left"]) if is_turned else (kept["left"], kept["right"])
    sides = (left, kept["top"], right - left, kept["bottom"] - kept["top"])
    return Box(*(round(1000.0 * side, 1) for side in sides))
