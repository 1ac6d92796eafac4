"""Finds a key's pilot in a picture seen at some geometry, and turns the geometry until it fits best."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.carrier import TILE, Carriers, band, half_spectrum
from provenance.watermark.findings import Geometry
from provenance.watermark.turns import turns
from provenance.watermark.view import View, deviation, limited, spectrum

_CAPTURE_STEPS = (-0.004, 0.0, 0.004)
_MAX_DISTORTION = 0.02
_CAPTURES = 2
_NEWTON_STEPS = 10
_WORTH_THREADS = 32
_HALF = TILE // 2
# Positions that `refine` can tell apart, generously: in each of the 4 directions of distortion the pattern has moved
# by a third of a pixel at the edge of a 1280-pixel picture after 0.0005, over a range of +-0.02; shifts are told
# apart to a quarter of a pixel.
REFINED_POSITIONS = int(2 * _MAX_DISTORTION / 0.0005) ** 4 * 16


@dataclass(frozen=True)
class Peak:
    """Where a pilot fits best at one geometry: z in standard deviations of chance, shift (y, x) in tile pixels."""

    z: float
    shift: tuple[float, float]
    turn: int
    secret: int


@dataclass(frozen=True)
class Fit:
    """The best geometry near a hypothesis.

    The pattern's tile with its origin at `shift` (y, x) in the middle of the view is displaced by
    distortion @ (y, x) elsewhere. z: of the pilot here; first_z: where the search began.
    """

    view: View
    distortion: NDArray[np.float64]
    shift: tuple[float, float]
    turn: int
    secret: int
    z: float
    first_z: float

    def ramps(self, tile_centres: NDArray[np.float64]) -> NDArray[np.complex64]:
        """(tiles, BINS) factors that undo the displacement of every tile."""
        return _ramps(tile_centres, self.distortion, np.array(self.shift))

    def geometry(self) -> Geometry:
        """The map from tile to picture pixels."""
        swap = np.array([[0, 1], [1, 0]])
        stretch = swap @ self.distortion @ swap  # from (y, x) to (x, y)
        # view = turned + shift + stretch @ (view - middle), so view - middle = unstretched @ (turned + shift - middle).
        unstretched = np.linalg.inv(np.eye(2) - stretch)
        turn = turns()[self.turn].matrix
        linear = self.view.matrix @ unstretched @ turn
        # A tile turns about the centre of its first pixel, which lies at 0.5.
        moved = np.array([self.shift[1], self.shift[0]]) + 0.5 - turn @ np.array([0.5, 0.5])
        offset = np.array(self.view.picture_middle) + self.view.matrix @ unstretched @ (
            moved - np.array(self.view.middle)
        )
        (xx, xy), (yx, yy) = linear.tolist()
        return Geometry(xx, xy, yx, yy, float(offset[0]), float(offset[1]))


class Pilots:
    """The pilots of several keys in all eight orientations."""

    def __init__(self, secrets: Sequence[Carriers]) -> None:
        self.secrets = list(secrets)
        self.turned = np.stack(
            [turn.apply(secret.pilot) for secret in self.secrets for turn in turns()]
        ).astype(np.complex64)
        self._per_secret = len(turns())

    def __len__(self) -> int:
        return len(self.turned)

    def best(self, whitened: NDArray[np.complexfloating], count: int) -> list[Peak]:
        """The `count` orientations and keys whose pilot correlates best, over all TILE x TILE shifts.

        whitened: (BINS,), no value larger than 2.

        For a picture without the mark P(z > t) <= TILE^2 exp(-t^2 / 2) for each, whatever the picture: the
        pilot's angles are uniform and independent of it, and E exp(l cos a) = I0(l) <= exp(l^2 / 4).
        """
        weighted = whitened * band().pilot_weight
        responses = correlate(weighted[None, :] * self.turned.conj())
        flat = responses.reshape(len(self.turned), -1)
        peaks = flat.argmax(axis=1)
        heights = flat[np.arange(len(flat)), peaks]
        spread = deviation(weighted)
        ranked = np.argsort(-heights)[:count]
        return [
            Peak(
                float(heights[number]) / spread,
                divmod(int(peaks[number]), TILE),
                int(number) % self._per_secret,
                int(number) // self._per_secret,
            )
            for number in ranked
        ]

    def one(self, peak: Peak) -> NDArray[np.complex64]:
        """(BINS,) the pilot as it lies in a peak."""
        turned: NDArray[np.complex64] = self.turned[peak.secret * self._per_secret + peak.turn]
        return turned


def correlate(products: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    """(n, BINS) products with a conjugate pilot to (n, TILE, TILE) sums of their real parts at every shift.

    Several keys' worth of them use as many threads as OpenCV may; for one key, waking threads costs more than it saves.
    """
    workers = max(1, cv2.getNumThreads()) if len(products) >= _WORTH_THREADS else 1
    full = half_spectrum(products.astype(np.complex64, copy=False))
    responses: NDArray[np.float32] = fft.irfft2(full, s=(TILE, TILE), workers=workers)
    responses *= np.float32(TILE**2 / 2)
    return responses


def refine(seen: View, peak: Peak, pilots: Pilots) -> Fit:
    """Stretches, turns and shears the view by up to 2 % until the pilot fits best.

    Tiles are transformed once; a small distortion then is a phase per tile. A grid catches the pattern, and
    a quasi-Newton search sharpens it.
    """
    expected = _expected(seen, peak, pilots)
    centres = seen.centres
    starts = [(peak.z, np.zeros((2, 2)), np.array(peak.shift, float)), *_capture(expected, centres)]
    starts.sort(key=lambda start: -start[0])
    best: Fit | None = None
    for _, distortion, shift in starts[:_CAPTURES]:
        moved, at = _climb(expected, centres, distortion, shift)
        against_pilot = _whole(expected, _ramps(centres, moved, at))
        z = float(against_pilot.sum().real) / deviation(against_pilot)
        if best is None or z > best.z:
            best = Fit(seen, moved, (float(at[0]), float(at[1])), peak.turn, peak.secret, z, peak.z)
    if best is None:
        raise AssertionError("there is always one start")
    return best


def settle(seen: View, peak: Peak, pilots: Pilots) -> Fit:
    """Moves the pattern, and nothing else, until the pilot fits best.

    Where a picture was resized by a common factor and the mark is faint, the freedom of `refine` follows noise.
    """
    expected = _expected(seen, peak, pilots)
    _, at = _climb(expected, seen.centres, np.zeros((2, 2)), np.array(peak.shift, float), is_rigid=True)
    return Fit(seen, np.zeros((2, 2)), (float(at[0]), float(at[1])), peak.turn, peak.secret, peak.z, peak.z)


def _expected(seen: View, peak: Peak, pilots: Pilots) -> NDArray[np.complex64]:
    """(tiles, BINS) whitened products with the conjugate pilot, all of one angle where the geometry is right."""
    noise = spectrum(seen.folded()).noise
    return (seen.tile_spectra() / np.sqrt(noise) * pilots.one(peak).conj()).astype(np.complex64)


def _whole(expected: NDArray[np.complex64], ramps: NDArray[np.complex64]) -> NDArray[np.complexfloating]:
    """(BINS,) weighted products of the sum of all tiles, displacement undone."""
    weighted: NDArray[np.complexfloating] = limited(np.sum(expected * ramps, axis=0)) * band().pilot_weight
    return weighted


def _capture(
    expected: NDArray[np.complex64], centres: NDArray[np.float64]
) -> list[tuple[float, NDArray[np.float64], NDArray[np.float64]]]:
    """Scores of small zooms and turns, each with its best shift over the whole tile."""
    if len(centres) == 1:
        return []
    moves = [np.array([[zoom, turn], [-turn, zoom]]) for zoom in _CAPTURE_STEPS for turn in _CAPTURE_STEPS]
    sums = np.stack([_whole(expected, _ramps(centres, move, np.zeros(2))) for move in moves])
    responses = correlate(sums).reshape(len(moves), -1)
    found = []
    for move, response, total in zip(moves, responses, sums, strict=True):
        where = int(response.argmax())
        found.append((float(response[where]) / deviation(total), move, np.array(divmod(where, TILE), float)))
    return found


def _climb(
    expected: NDArray[np.complex64],
    centres: NDArray[np.float64],
    distortion: NDArray[np.float64],
    shift: NDArray[np.float64],
    *,
    is_rigid: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Maximises the pilot's correlation over the distortion (2, 2) and the shift (2,): damped Newton steps."""
    slopes_of, bends_of = _derivatives()
    expected = expected * band().pilot_weight.astype(np.float32)
    reach = max(float(np.abs(centres).max()), TILE / 2)  # brings distortions and shifts to one size
    # Each tile's displacement (y, x) is levers @ unknowns: the distortion's rows, then the shift.
    arms = np.column_stack([centres / reach, np.ones(len(centres))])
    if is_rigid or len(centres) == 1:
        arms[:, :2] = 0.0
    unknowns = np.column_stack([distortion * reach, shift])  # (y or x, arm)
    furthest = np.array([_MAX_DISTORTION * reach, _MAX_DISTORTION * reach, np.inf])
    damping, height = 1.0, -np.inf
    best = unknowns
    for _ in range(_NEWTON_STEPS):
        unknowns[:, :2] = np.clip(unknowns[:, :2], -furthest[:2], furthest[:2])
        turned = expected * _ramps(centres, unknowns[:, :2] / reach, unknowns[:, 2])
        reached = float(turned.real.sum())
        if reached > height:
            is_settled = reached - height < 1e-3 * abs(reached)
            height, best, damping = reached, unknowns, damping / 4
            if is_settled:
                break
            slopes = -turned.imag @ slopes_of  # (tiles, 2)
            bends = turned.real @ bends_of  # (tiles, 3): yy, yx, xx
            gradient = (slopes.T @ arms).ravel()
            curvature = _curvature(bends, arms)
        else:
            damping *= 8
        scale = np.diag(np.maximum(np.abs(np.diag(curvature)), 1e-6 * np.abs(curvature).max() + 1e-12))
        step = np.linalg.solve(curvature + damping * scale, gradient)
        unknowns = best + np.clip(step, -1.5, 1.5).reshape(2, 3)
    return best[:, :2] / reach, best[:, 2]


def _curvature(bends: NDArray[np.float64], arms: NDArray[np.float64]) -> NDArray[np.float64]:
    """(6, 6) positive part of minus the second derivative."""
    yy, yx, xx = (arms.T @ (bends[:, [n]] * arms) for n in range(3))
    values, vectors = np.linalg.eigh(np.block([[yy, yx], [yx, xx]]))
    positive: NDArray[np.float64] = (vectors * np.maximum(values, 1e-6 * np.abs(values).max())) @ vectors.T
    return positive


@cache
def _derivatives() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(BINS, 2) and (BINS, 3): first and second derivatives of a phase by displacement."""
    used = band()
    y, x = used.ky * (2 * np.pi / TILE), used.kx * (2 * np.pi / TILE)
    return np.stack([y, x], axis=1).astype(np.float32), np.stack([y * y, y * x, x * x], axis=1).astype(
        np.float32
    )


def _ramps(
    centres: NDArray[np.float64], distortion: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """(tiles, BINS) phase factors that undo the displacement distortion @ centre + shift of each tile."""
    used = band()
    moved = (shift + centres @ distortion.T) * (2 * np.pi / TILE)
    turns_y = np.exp(1j * moved[:, :1] * np.arange(-_HALF, _HALF + 1)).astype(np.complex64)
    turns_x = np.exp(1j * moved[:, 1:] * np.arange(_HALF + 1)).astype(np.complex64)
    ramps: NDArray[np.complex64] = turns_y[:, used.ky + _HALF] * turns_x[:, used.kx]
    return ramps
