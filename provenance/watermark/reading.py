"""Turns the windows of a clip, seen at a known geometry, into a message and into a time line."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.carrier import (
    PILOT_SHARE,
    SEGMENT_S,
    TILE,
    VARIANTS,
    Carriers,
    band,
    carriers,
    message_spectrum,
    variant_order,
)
from provenance.watermark.findings import Geometry
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import read_message
from provenance.watermark.polar import CODE_BITS
from provenance.watermark.residual import Window
from provenance.watermark.view import noise_around

_GAIN_BANDS = 8
_LOW_PASS_RADIUS = 16.0
_OTHER_SPEEDS = (0.8, 0.9, 10 / 9, 1.25)
_PHASE_STEP_S = 0.5
_TRIED_SEQUENCES = 2
CYCLE_S = SEGMENT_S * len(variant_order())


@dataclass(frozen=True)
class Aligned:
    """The windows of a clip as the tile sees them.

    values: (windows, BINS) spectra, geometry undone. noise: (BINS,) mean power around each frequency of their
    sum, as a share for each window in `portion` (windows,). times: (windows, 2) start and end in seconds.
    """

    values: NDArray[np.complex128]
    noise: NDArray[np.float64]
    portion: NDArray[np.float64]
    times: NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """A message, the soft bits it came from, and how many attempts it took."""

    payload: Payload | None
    soft_bits: NDArray[np.float64]
    reads: int


def align(windows: list[Window], geometry: Geometry) -> Aligned:
    """Folds every window at this geometry."""
    used = band()
    spectra = np.stack([fft.rfft2(_fold_at(window.plane, geometry)) for window in windows])
    noise = noise_around(spectra.sum(axis=0))
    powers = np.array([max(float(np.mean(np.abs(one[used.ky, used.kx]) ** 2)), 1e-9) for one in spectra])
    times = np.array([(window.start_s, window.end_s) for window in windows])
    return Aligned(spectra[:, used.ky, used.kx].astype(np.complex128), noise, powers / powers.sum(), times)


def _fold_at(plane: NDArray[np.float32], geometry: Geometry) -> NDArray[np.float32]:
    height, width = plane.shape
    linear = np.array([[geometry.xx, geometry.xy], [geometry.yx, geometry.yy]])
    offset = np.array([geometry.x0, geometry.y0])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    seen = (corners - offset) @ np.linalg.inv(linear).T
    first = np.floor(seen.min(axis=0) / TILE)
    columns, rows = np.maximum(np.ceil(seen.max(axis=0) / TILE - 0.01) - first, 1).astype(int)
    shrink = int(geometry.scale / 1.6 + 0.5)
    if shrink > 1:
        small = (max(1, width // shrink), max(1, height // shrink))
        plane = cv2.resize(plane, small, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
        ratio = np.array([small[0] / width, small[1] / height])
        linear, offset = ratio[:, None] * linear, ratio * offset
    start = linear @ (first * TILE + 0.5) + offset - 0.5
    size = (int(columns) * TILE, int(rows) * TILE)
    seen_plane = cv2.warpAffine(
        plane, np.column_stack([linear, start]), size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    folded: NDArray[np.float32] = seen_plane.reshape(int(rows), TILE, int(columns), TILE).sum(axis=(0, 2))
    return folded


def read(aligned: Aligned, key: WatermarkKey, max_reads: int) -> Reading:
    """Reads the message from all windows together, whichever segments of the take they show."""
    secret = carriers(key)
    trust = _trust(aligned, secret)
    low_pass = np.exp(-((band().radius / _LOW_PASS_RADIUS) ** 2))
    reads = 0
    best = np.zeros(CODE_BITS)
    for weights in (trust, trust * low_pass):
        by_variant = _soft_bits(aligned, secret, weights)
        for sequence in _likeliest_sequences(aligned, by_variant):
            if reads >= max_reads:
                return Reading(None, best, reads)
            soft = by_variant[np.arange(len(sequence)), sequence].sum(axis=0)
            best = soft if reads == 0 else best
            reads += 1
            payload = read_message(soft, key)
            if payload is not None:
                return Reading(payload, soft, reads)
    return Reading(None, best, reads)


def pilot_z(aligned: Aligned, key: WatermarkKey) -> float:
    """How strongly the pilot is in all windows together, in standard deviations of chance."""
    whitened = aligned.values.sum(axis=0) / np.sqrt(aligned.noise)
    size = np.abs(whitened)
    whitened = whitened * np.minimum(1.0, 2.0 / np.maximum(size, 2.0))
    spread = float(np.sqrt(np.sum(np.abs(whitened) ** 2) / 2)) or 1.0
    return float(np.sum(whitened * carriers(key).pilot.conj()).real) / spread


def _trust(aligned: Aligned, secret: Carriers) -> NDArray[np.float64]:
    """(windows, BINS) weight of each value: what is left of the mark there over the noise, from the pilot."""
    against_pilot = (aligned.values * secret.pilot.conj()).real
    gain = _gain(aligned, secret)
    # A window counts by how much of the pilot it holds: strong compression leaves the mark in few frames.
    weight = np.maximum(gain, 0) / aligned.noise
    held = against_pilot @ weight
    spread = np.sqrt(0.5 * (np.abs(aligned.values) ** 2) @ weight**2)
    z = held / np.maximum(spread, 1e-12)
    amplitude = np.maximum(z, 0.3) / np.sqrt(aligned.portion)
    return amplitude[:, None] * weight


def _gain(aligned: Aligned, secret: Carriers) -> NDArray[np.float64]:
    """(BINS,) how much of the pilot's amplitude the windows hold together, by radial bands."""
    return _by_band((aligned.values * secret.pilot.conj()).real.sum(axis=0))


def _by_band(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(BINS,) each value replaced by the mean of its radial band, 8 in all."""
    parts = np.array_split(values, _GAIN_BANDS)
    return np.concatenate([np.full(len(part), float(part.mean())) for part in parts])


def _soft_bits(aligned: Aligned, secret: Carriers, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(windows, VARIANTS, 256) log-likelihood ratios up to a common factor, positive for 0."""
    message = band().message
    pilot = secret.pilot
    gain = np.maximum(_gain(aligned, secret), 0)
    # The pilot is known and taken out, in every window by its share.
    values = aligned.values - aligned.portion[:, None] * gain * pilot
    trusted = (weights * values)[:, message]
    parts = np.empty((len(trusted), 2 * len(message)))
    parts[:, 0::2], parts[:, 1::2] = trusted.real, trusted.imag
    soft = np.empty((len(parts), VARIANTS, CODE_BITS))
    for variant in range(VARIANTS):
        order = np.argsort(secret.bit_of[variant], kind="stable")
        signed = (parts * secret.sign[variant])[:, order]
        soft[:, variant] = signed.reshape(len(parts), CODE_BITS, -1).sum(axis=2)
    return soft


def _likeliest_sequences(aligned: Aligned, by_variant: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The variants of the windows, for the positions in the take whose carriers agree best with each other.

    The usual speed is likelier than others, and gets two of the places for sure.
    """
    middles = aligned.times.mean(axis=1)
    usual = _ranked(by_variant, np.concatenate([_sequences(middles, (1.0,)), _constant(len(middles))]))
    others = _ranked(by_variant, _sequences(middles, _OTHER_SPEEDS)) if len(middles) > 1 else []
    chosen: list[NDArray[np.intp]] = []
    for sequence in [*usual[:_TRIED_SEQUENCES], *others[:_TRIED_SEQUENCES]]:
        if not any(np.array_equal(sequence, one) for one in chosen):
            chosen.append(sequence)
    return chosen


def _ranked(by_variant: NDArray[np.float64], sequences: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    tried = np.unique(sequences, axis=0)
    sums = np.concatenate([np.zeros((1, *by_variant.shape[1:])), np.cumsum(by_variant, axis=0)])
    scores = np.array([_agreement(sums, one) for one in tried])
    return [tried[number] for number in np.argsort(-scores)]


def _agreement(sums: NDArray[np.float64], sequence: NDArray[np.intp]) -> float:
    """How far the carriers agree beyond what they would in any other arrangement.

    sums: (windows + 1, VARIANTS, 256) soft bits of all windows before each. Where little moves, what the picture
    itself adds is the same in neighbouring windows and agrees with itself in every variant: that share,
    measured on all variants of each stretch, does not count.
    """
    turns_at = np.flatnonzero(np.diff(sequence)) + 1
    edges = np.concatenate([[0], turns_at, [len(sequence)]])
    stretches = sums[edges[1:]] - sums[edges[:-1]]
    chosen = stretches[np.arange(len(stretches)), sequence[edges[:-1]]]
    by_chance = float(np.mean(np.sum(stretches**2, axis=2), axis=1).sum())
    return float(np.sum(chosen.sum(axis=0) ** 2)) - by_chance


def _sequences(middles: NDArray[np.float64], speeds: tuple[float, ...]) -> NDArray[np.intp]:
    order = np.array(variant_order())
    phases = np.arange(0, CYCLE_S, _PHASE_STEP_S)
    rows = [
        order[((phase + speed * (middles - middles[0])) / SEGMENT_S).astype(int) % len(order)]
        for speed in speeds
        for phase in phases
    ]
    return np.stack(rows)


@cache
def _constant(length: int) -> NDArray[np.intp]:
    """Stills, and clips that were marked as such, show one variant throughout."""
    return np.repeat(np.arange(VARIANTS)[:, None], length, axis=1)


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
    weight = np.maximum(_gain(aligned, secret), 0) / aligned.noise
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
    for speed in (1.0, *_OTHER_SPEEDS):
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
