"""Turns a folded picture whose pilot was found into soft bits, and those into a payload with a right tag."""

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import PILOT_SHARE, TILE, Carriers, band, carriers
from provenance.watermark.fold import PilotPeak, Spectrum
from provenance.watermark.keys import Payload, WatermarkKey, open_message
from provenance.watermark.polar import CODE_BITS, LIST_SIZE, decode_list

_GAIN_BANDS = 8
_SUB_STEPS = np.arange(-2, 3) / 4
_LOW_PASS_RADIUS = 16.0
CANDIDATES_PER_TRY = 2 * LIST_SIZE


def read_payload(seen: Spectrum, peak: PilotPeak, key: WatermarkKey) -> Payload | None:
    """The payload, when one of the 32 likeliest messages carries the right tag for `key`."""
    secret = carriers(key)
    aligned = _align(seen, peak, secret)
    flat = np.ones(len(aligned))
    low_pass = np.exp(-((band().radius / _LOW_PASS_RADIUS) ** 2))
    for weights in (flat, low_pass):
        for message in decode_list(soft_bits(seen, aligned, secret, weights)):
            payload = open_message(key, message)
            if payload is not None:
                return payload
    return None


def soft_bits(
    seen: Spectrum, aligned: NDArray[np.complex128], secret: Carriers, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(512,) log-likelihood ratios up to a common factor, positive for 0; every carrier weighted by gain / noise."""
    gain = _gain(aligned, secret)
    data = aligned - gain * np.sqrt(PILOT_SHARE) * secret.pilot
    trust = weights * gain / seen.noise
    parts = np.empty(2 * len(data))
    parts[0::2], parts[1::2] = trust * data.real, trust * data.imag
    ratios = np.bincount(secret.bit_of, weights=parts * secret.sign, minlength=CODE_BITS)
    return ratios.astype(np.float64, copy=False)


def _align(seen: Spectrum, peak: PilotPeak, secret: Carriers) -> NDArray[np.complex128]:
    """The spectrum with the shift taken out, to a quarter of a tile pixel."""
    used = band()

    def undo(dy: float, dx: float) -> NDArray[np.complex128]:
        phase = used.ky * (peak.shift[0] + dy) + used.kx * (peak.shift[1] + dx)
        ramp: NDArray[np.complex128] = np.exp(2j * np.pi / TILE * phase)
        return ramp

    expected = seen.whitened * secret.pilot.conj()
    steps = [(dy, dx) for dy in _SUB_STEPS for dx in _SUB_STEPS]
    best = max(steps, key=lambda step: float(np.sum(expected * undo(*step)).real))
    return seen.values * undo(*best)


def _gain(aligned: NDArray[np.complex128], secret: Carriers) -> NDArray[np.float64]:
    """(BINS,) how much of the mark's amplitude is left, from the pilot in 8 bands of radius; never negative."""
    against_pilot = (aligned * secret.pilot.conj()).real / np.sqrt(PILOT_SHARE)
    by_band = np.array_split(against_pilot, _GAIN_BANDS)
    return np.concatenate([np.full(len(part), max(float(part.mean()), 0.0)) for part in by_band])
