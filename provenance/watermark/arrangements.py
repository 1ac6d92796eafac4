"""Which variant of the pattern every window of a clip may show, and the soft bits that each such arrangement gives."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import SEGMENT_S, VARIANTS, Carriers, variant_order
from provenance.watermark.polar import CODE_BITS

OTHER_SPEEDS = (0.8, 0.9, 10 / 9, 1.25)
CYCLE_S = SEGMENT_S * len(variant_order())
_PHASE_STEP_S = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arrangements:
    """All that the windows of a clip may show.

    usual, other: (n, windows) variants; at the take's own speed or all the same, and at other speeds.
    """

    usual: NDArray[np.intp]
    other: NDArray[np.intp]

    @classmethod
    def of(cls, times: Floats) -> "Arrangements":
        """Those of windows with these (windows, 2) starts and ends, in seconds."""
        middles = times.mean(axis=1)
        usual = np.unique(np.concatenate([_sequences(middles, (1.0,)), _constant(len(middles))]), axis=0)
        if len(middles) == 1:
            return cls(usual, usual[:0])
        return cls(usual, np.unique(_sequences(middles, OTHER_SPEEDS), axis=0))


@dataclass(frozen=True)
class SoftBits:
    """What n arrangements give.

    values: (n, 256) log-likelihood ratios up to a common factor, positive for 0. energy: (n,) sum of the squares of
    all that the key's random signs were applied to, which is what the squares of `values` sum up to by chance.
    """

    values: Floats
    energy: Floats

    @property
    def excess(self) -> Floats:
        """(n,) how far the carriers of each bit agree beyond chance, in standard deviations of chance."""
        surplus = np.sum(self.values**2, axis=1) - self.energy
        excess: Floats = surplus / np.maximum(self.energy * np.sqrt(2 / CODE_BITS), 1e-300)
        return excess


def soft_bits(
    weighted: NDArray[np.complex128], secret: Carriers, *families: NDArray[np.intp]
) -> list[SoftBits]:
    """The soft bits of families of (n, windows) sequences from (windows, MESSAGE) weighted values of the frequencies.

    What stands still in a picture adds up in all windows that show one variant; summed before it is squared, it
    counts as the chance that it is.
    """
    parts = np.empty((len(weighted), 2 * weighted.shape[1]))
    parts[:, 0::2], parts[:, 1::2] = weighted.real, weighted.imag
    gram = parts @ parts.T
    results = [SoftBits(np.zeros((len(one), CODE_BITS)), np.zeros(len(one))) for one in families]
    for variant in range(VARIANTS):
        signed = (parts * secret.sign[variant])[:, secret.by_bit[variant]]
        by_bit = signed.reshape(len(parts), CODE_BITS, -1).sum(axis=2)
        for sequences, result in zip(families, results, strict=True):
            shown = (sequences == variant).astype(np.float64)
            result.values[:] += shown @ by_bit
            result.energy[:] += np.sum((shown @ gram) * shown, axis=1)
    return results


def _sequences(middles: Floats, speeds: tuple[float, ...]) -> NDArray[np.intp]:
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
