"""Which part of a take a clip shows, once the message of the take is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.arrangements import CYCLE_S, OTHER_SPEEDS
from provenance.watermark.carrier import (
    PILOT_SHARE,
    SEGMENT_S,
    VARIANTS,
    carriers,
    message_spectrum,
    variant_order,
)
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.reading import Aligned, measured_gain


@dataclass(frozen=True)
class TimeLine:
    """How strongly a known message is in each window, and which part of the take the clip shows.

    z: (windows,) standard deviations of chance. segments: (windows,) index of the take's segment.
    source_start_s: time of the take at clip time 0, None where that cannot be told.
    """

    z: NDArray[np.float64]
    segments: NDArray[np.intp]
    source_start_s: float | None
    speed: float


def time_line(aligned: Aligned, key: WatermarkKey, payload: Payload) -> TimeLine:
    """Compares every window with the whole mark, now known, in all its variants."""
    secret = carriers(key)
    pilot = np.sqrt(PILOT_SHARE) * secret.pilot
    data = np.sqrt(1 - PILOT_SHARE) * np.stack([message_spectrum(key, payload, v) for v in range(VARIANTS)])
    weight = np.maximum(measured_gain(aligned, secret), 0) / aligned.noise
    position = _locate(aligned.times, _correlation(aligned.values, weight, data))
    by_variant = _correlation(aligned.values, weight, pilot + data)
    middles = aligned.times.mean(axis=1)
    order = np.array(variant_order())
    rows = np.arange(len(middles))
    if position is None:
        # The first 8 segments show the variants in their order.
        segments = np.full(len(middles), int(by_variant.sum(axis=0).argmax()))
        start_s, speed = None, 1.0
    else:
        start_s, speed = position
        segments = ((start_s + speed * middles) / SEGMENT_S).astype(int)
    variants = order[segments % len(order)]
    z = by_variant[rows, variants]
    return TimeLine(z, segments, start_s, speed)


def _correlation(
    values: NDArray[np.complex128], weight: NDArray[np.float64], marks: NDArray[np.complex128]
) -> NDArray[np.float64]:
    """(windows, marks) correlation in standard deviations of chance."""
    weighted = values * weight
    size = np.sqrt(0.5 * (np.abs(weighted) ** 2) @ (np.abs(marks) ** 2).T)
    result: NDArray[np.float64] = (weighted @ marks.conj().T).real / np.maximum(size, 1e-12)
    return result


def _locate(times: NDArray[np.float64], by_variant: NDArray[np.float64]) -> tuple[float, float] | None:
    """Time of the take at clip time 0 and speed, by the turns of the pattern; None for a pattern that never turns."""
    order = np.array(variant_order())
    held = by_variant
    constant = float(held.sum(axis=0).max())
    starts = np.arange(0, CYCLE_S, 0.1)
    places: list[tuple[float, float, float, float]] = []
    for speed in (1.0, *OTHER_SPEEDS):
        score = np.zeros(len(starts))
        for (first_s, last_s), row in zip(times, held, strict=True):
            # A window that spans a turn shows both variants, each for its share.
            for share in (0.1, 0.3, 0.5, 0.7, 0.9):
                at = starts + speed * (first_s + share * (last_s - first_s))
                score += row[order[(at / SEGMENT_S).astype(int) % len(order)]] / 5
        top = float(score.max())
        # The middle of all equally good positions.
        near = np.flatnonzero(score > top - 0.5)
        run = near[np.abs(near - score.argmax()) <= SEGMENT_S / 0.1]
        # Compression carries the old pattern on into the next segment, which looks like a slower clip.
        doubted = top if speed == 1.0 else top / 1.08 - 2.0
        places.append((doubted, top, float(starts[run].mean()), speed))
    _, top, start_s, speed = max(places)
    if constant > top and np.ptp(times) > SEGMENT_S:
        return None
    return start_s, speed
