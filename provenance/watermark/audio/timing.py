"""Says from when to when a known mark lies in a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.carrier import carriers, tile
from provenance.watermark.audio.findings import AudioSpan
from provenance.watermark.audio.grid import SLOTS
from provenance.watermark.audio.listening import COLUMN_S, COLUMNS_PER_SLOT
from provenance.watermark.audio.whitening import TILE_COLUMNS, Cells, Playback
from provenance.watermark.keys import Payload, WatermarkKey

_SPAN_SLOTS = SLOTS // 4
_MARKED_Z = 2.0


@dataclass(frozen=True)
class Stretch:
    """The stretch of a clip that holds a mark, in seconds, and what each part of the clip shows."""

    start_s: float
    end_s: float
    spans: tuple[AudioSpan, ...]


def locate(
    heard: list[Cells],
    key: WatermarkKey,
    payload: Payload | None,
    shift: int,
    playback: Playback,
    duration_s: float,
    taken: Sequence[tuple[float, float]] = (),
) -> Stretch:
    """Compares every part of 0.64 s with the whole pattern, or with the pilot alone where the message is unknown.

    taken: stretches, as (start_s, end_s), that belong to marks found before; the answer lies outside of them.
    """
    secret = carriers(key)
    pattern = secret.pilot if payload is None else tile(key, payload)
    spans = [
        span for part in heard for span in _spans(part, pattern, shift, COLUMN_S / playback.speed, duration_s)
    ]
    first, last = _best_run(
        [float("-inf") if _is_taken(span, taken) else span.z - _MARKED_Z for span in spans]
    )
    return Stretch(spans[first].start_s, spans[last].end_s, tuple(spans))


def _spans(
    part: Cells, pattern: NDArray[np.float32], shift: int, column_s: float, duration_s: float
) -> list[AudioSpan]:
    values = part.values[-(part.first - shift) % COLUMNS_PER_SLOT :: COLUMNS_PER_SLOT]
    first = part.first + -(part.first - shift) % COLUMNS_PER_SLOT
    rows = ((first - shift) % TILE_COLUMNS // COLUMNS_PER_SLOT + np.arange(len(values))) % SLOTS
    agreement = np.sum(values * pattern[rows], axis=1)
    power = np.sum(np.square(values) * np.abs(pattern[rows]), axis=1)
    count = max(1, round(len(values) / _SPAN_SLOTS))
    edges = np.linspace(0, len(values), count + 1).round().astype(int)
    spans = []
    for start, end in pairwise(int(edge) for edge in edges):
        spread = float(np.sqrt(power[start:end].sum()))
        z = float(agreement[start:end].sum()) / spread if spread > 0 else 0.0
        start_s, end_s = ((first + edge * COLUMNS_PER_SLOT) * column_s for edge in (start, end))
        spans.append(AudioSpan(min(start_s, duration_s), min(end_s, duration_s), z, is_marked=z > _MARKED_Z))
    return spans


def _is_taken(span: AudioSpan, taken: Sequence[tuple[float, float]]) -> bool:
    middle_s = (span.start_s + span.end_s) / 2
    return any(start_s <= middle_s < end_s for start_s, end_s in taken)


def _best_run(scores: list[float]) -> tuple[int, int]:
    """First and last index of the run of neighbours with the largest sum (Kadane's algorithm)."""
    best, best_run = float("-inf"), (0, 0)
    total, start = 0.0, 0
    for index, score in enumerate(scores):
        if total <= 0:
            total, start = 0.0, index
        total += score
        if total > best:
            best, best_run = total, (start, index)
    return best_run
