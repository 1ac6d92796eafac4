"""The eight ways a square tile can lie: quarter turns, mirrored or not."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import band

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Turn:
    """One orientation: a tile point (x, y) lies at matrix @ (x, y) in the picture.

    source, is_conjugate: (BINS,) frequency k of the turned tile is frequency source[k] of the tile, conjugated or not.
    """

    matrix: NDArray[np.float64]
    source: NDArray[np.intp]
    is_conjugate: NDArray[np.bool_]

    def apply(self, spectrum: Complex) -> Complex:
        """(..., BINS) spectrum of the tile to that of the turned tile."""
        taken = spectrum[..., self.source]
        return np.where(self.is_conjugate, taken.conj(), taken)


@cache
def turns() -> tuple[Turn, ...]:
    """Upright, the half turn and both quarter turns, each plain and mirrored."""
    upright, mirror = np.eye(2), np.diag([-1.0, 1.0])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    half = quarter @ quarter
    return tuple(
        _turn(turn @ flip) for turn in (upright, half, quarter, quarter @ half) for flip in (upright, mirror)
    )


def _turn(matrix: NDArray[np.float64]) -> Turn:
    used = band()
    lookup = {(int(y), int(x)): number for number, (y, x) in enumerate(zip(used.ky, used.kx, strict=True))}
    # A point moves by an orthogonal matrix, and so does its frequency: k of the turned tile is matrix^T k of the tile.
    moved = (matrix.T @ np.stack([used.kx, used.ky]).astype(float)).round().astype(int)
    source, is_conjugate = [], []
    for x, y in moved.T:
        is_other_half = (int(y), int(x)) not in lookup
        source.append(lookup[(-int(y), -int(x)) if is_other_half else (int(y), int(x))])
        is_conjugate.append(is_other_half)
    return Turn(matrix, np.array(source), np.array(is_conjugate))
