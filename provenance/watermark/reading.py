"""Turns the windows of a clip, seen at a known geometry, into a message and into a time line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.arrangements import Arrangements, SoftBits, soft_bits
from provenance.watermark.carrier import TILE, Carriers, band, carriers
from provenance.watermark.findings import Geometry
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import IssuedMessages, p_wrong_message, read_message
from provenance.watermark.polar import CODE_BITS
from provenance.watermark.residual import Plane, Window
from provenance.watermark.view import deviation, folded_at, limited, noise_around

MAX_READS = 48
MAX_MATCHES = 100
P_MATCH = 1e-8
_GAIN_BANDS = 8
_LOW_PASS_RADIUS = 16.0
_CORNERS = (0.06, 0.08, 0.105, 0.14, 0.19, 0.3)  # cycles per pixel
_DECODED_SEQUENCES = 2
_MATCHED_SEQUENCES = 16
_MATCH_ABOVE = 2.0
_DECODE_ABOVE = 3.5  # standard deviations; what decodes shows at least 4, and noise hardly ever 3.5


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


@dataclass
class Tries:
    """How often a message may still be looked for in one clip: the bounds count on it."""

    reads: int = MAX_READS
    matches: int = MAX_MATCHES

    def take_read(self) -> bool:
        """Uses up one decoding; False where none is left."""
        self.reads -= 1
        return self.reads >= 0

    def take_match(self) -> bool:
        """Uses up one comparison with all issued messages; False where none is left."""
        self.matches -= 1
        return self.matches >= 0


@dataclass(frozen=True)
class Reading:
    """A message, the soft bits it came from, and a bound on the probability that it is a wrong one."""

    payload: Payload | None
    soft_bits: NDArray[np.float64]
    p_message: float
    is_recognised: bool = False


def align(windows: list[Window], geometry: Geometry) -> Aligned:
    """Folds every window at this geometry."""
    used = band()
    spectra = np.stack([fft.rfft2(folded_at(window.plane, geometry)) for window in windows])
    noise = noise_around(spectra.sum(axis=0))
    powers = np.array([max(float(np.mean(np.abs(one[used.ky, used.kx]) ** 2)), 1e-9) for one in spectra])
    times = np.array([(window.start_s, window.end_s) for window in windows])
    return Aligned(spectra[:, used.ky, used.kx].astype(np.complex128), noise, powers / powers.sum(), times)


def read(aligned: Aligned, key: WatermarkKey, tries: Tries, issued: IssuedMessages | None = None) -> Reading:
    """Reads the message from all windows together, whichever segments of the take they show.

    Decodes it from nothing; where too little is left for that, recognises it among the `issued` ones. `tries` is
    what may still be tried on this clip, and is used up.
    """
    secret = carriers(key)
    arrangements = Arrangements.of(aligned.times)
    best: tuple[float, NDArray[np.float64]] = (-np.inf, np.zeros(CODE_BITS))
    seen: list[SoftBits] = []
    for weight in _weightings(aligned, secret):
        message = _message_values(aligned, secret, weight)
        for soft in soft_bits(message, secret, arrangements.usual, arrangements.other):
            seen.append(soft)
            for number in np.argsort(-soft.excess)[:_DECODED_SEQUENCES]:
                values, excess = soft.values[number], float(soft.excess[number])
                best = max(best, (excess, values), key=lambda one: one[0])
                if excess < _DECODE_ABOVE or not tries.take_read():
                    break
                payload = read_message(values, key)
                if payload is not None:
                    return Reading(payload, values, p_wrong_message(MAX_READS))
    if issued:
        promising = [_promising(soft) for soft in seen]
        values = np.concatenate([soft.values for soft in promising])
        energy = np.concatenate([soft.energy for soft in promising])
        if len(energy) and tries.take_match():
            payload, p_one = issued.likeliest(values, energy, sum(len(soft.energy) for soft in seen))
            if MAX_MATCHES * p_one <= P_MATCH:
                return Reading(payload, best[1], MAX_MATCHES * p_one, is_recognised=True)
    return Reading(None, best[1], 1.0)


def _promising(soft: SoftBits) -> SoftBits:
    """The arrangements worth comparing with a long list."""
    excess = soft.excess
    rows = np.argsort(-excess)[:_MATCHED_SEQUENCES]
    rows = rows[excess[rows] >= _MATCH_ABOVE]
    return SoftBits(soft.values[rows], soft.energy[rows])


def pilot_z(aligned: Aligned, key: WatermarkKey) -> float:
    """How strongly the pilot is in all windows together, in standard deviations of chance."""
    return _pilot_z(aligned.values.sum(axis=0), aligned.noise, carriers(key))


def pilot_heights(plane: Plane, geometry: Geometry, secrets: Sequence[Carriers]) -> list[float]:
    """The same of each key's pilot in a sum of windows at a geometry."""
    used = band()
    full = fft.rfft2(folded_at(plane, geometry))
    values, noise = full[used.ky, used.kx], noise_around(full)
    return [_pilot_z(values, noise, secret) for secret in secrets]


def _pilot_z(values: NDArray[np.complexfloating], noise: NDArray[np.float64], secret: Carriers) -> float:
    products = limited(values / np.sqrt(noise)) * secret.pilot.conj() * band().pilot_weight
    return float(products.sum().real) / deviation(products)


def _weightings(aligned: Aligned, secret: Carriers) -> Iterator[NDArray[np.float64]]:
    """(BINS,) weights of the frequencies to read with, likeliest first.

    The best would be what is left of the mark over the power of the noise. Where the pilot is faint its shares by
    band are too rough a measure of that, and a smooth fall over the frequencies, fitted with one parameter, is better.
    """
    against_pilot = (aligned.values.sum(axis=0) * secret.pilot.conj()).real
    frequency = band().radius / TILE
    shapes = [np.exp(-((frequency / corner) ** 2)) / np.sqrt(aligned.noise) for corner in _CORNERS]
    power = np.abs(aligned.values.sum(axis=0)) ** 2 / 2
    fits = [float(shape @ against_pilot) / np.sqrt(max(float(shape**2 @ power), 1e-300)) for shape in shapes]
    ranked = np.argsort(fits)[::-1]
    measured = np.maximum(measured_gain(aligned, secret), 0) / aligned.noise
    yield shapes[ranked[0]]
    yield measured
    yield measured * np.exp(-((band().radius / _LOW_PASS_RADIUS) ** 2))
    yield shapes[ranked[1]]


def _message_values(
    aligned: Aligned, secret: Carriers, weight: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """(windows, MESSAGE) values of the message frequencies, the pilot taken out, each by what it is worth.

    A window counts by how much of the pilot it holds: strong compression leaves the mark in few frames.
    """
    against_pilot = (aligned.values * secret.pilot.conj()).real
    spread = np.sqrt(0.5 * (np.abs(aligned.values) ** 2) @ weight**2)
    z = against_pilot @ weight / np.maximum(spread, 1e-12)
    amplitude = np.maximum(z, 0.3) / np.sqrt(aligned.portion)
    pilot = aligned.portion[:, None] * np.maximum(measured_gain(aligned, secret), 0) * secret.pilot
    message = band().message
    weighted: NDArray[np.complex128] = (amplitude[:, None] * weight * (aligned.values - pilot))[:, message]
    return weighted


def measured_gain(aligned: Aligned, secret: Carriers) -> NDArray[np.float64]:
    """(BINS,) how much of the pilot's amplitude the windows hold together, by radial bands."""
    against_pilot = (aligned.values * secret.pilot.conj()).real.sum(axis=0)
    parts = np.array_split(against_pilot, _GAIN_BANDS)
    return np.concatenate([np.full(len(part), float(part.mean())) for part in parts])
