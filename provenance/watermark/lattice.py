"""Reads off a repeated tile how it lies in a picture: it echoes at a lattice of lags, and sounds at one of waves."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.carrier import TILE, band
from provenance.watermark.residual import Plane
from provenance.watermark.view import noise_around

_LOWEST, _HIGHEST = 0.012, 0.28  # cycles per picture pixel: a mark on its own scale ends at 0.22
_SPECTRUM_CAP = 4.0
_BOX = 9
_ECHO_CAP = 6.0  # deviations
_SCALES = (0.22, 3.6)
_LOG_STEP = 0.0025
_ANGLES = 1200  # over half a turn: 0.15 degrees each
_MAX_POINTS_RADIUS_SQUARED = 25
_MAX_STRETCH = 2.2
_MAX_MULTIPLE = 5
_OVERSAMPLING = 2
_HIGHEST_WAVE = 30  # per tile; a little more than the band, for the noise around its edge
_WAVE_LIMIT = 2.0
_MARGIN = 4


@dataclass(frozen=True)
class Guess:
    """A linear map (2, 2) from tile to picture pixels, and how well the picture's echoes fit it."""

    matrix: NDArray[np.float64]
    score: float


def echo(planes: list[Plane]) -> NDArray[np.float32]:
    """(H, W) normalised autocorrelation with lag 0 in the middle, the power spectra of all planes added.

    Every frequency is measured against its neighbourhood and limited, and so is every echo: a picture's own structure
    shows in a few strong places, a mark in many faint ones.
    """
    height, width = planes[0].shape
    shape = fft.next_fast_len(height, real=True), fft.next_fast_len(width, real=True)
    power = np.zeros((shape[0], shape[1] // 2 + 1), np.float32)
    for plane in planes:
        power += np.abs(fft.rfft2(plane, s=shape, workers=2)) ** 2
    around = cv2.blur(power, (_BOX, _BOX), borderType=cv2.BORDER_REFLECT)
    relative = np.minimum(power / np.maximum(around, 1e-9), _SPECTRUM_CAP) - 1
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    relative[(radius < _LOWEST) | (radius > _HIGHEST)] = 0
    echoes = fft.fftshift(fft.irfft2(relative.astype(np.float32), s=shape, workers=2))
    deviation = float(echoes.std()) or 1.0
    unit: NDArray[np.float32] = np.clip(echoes / deviation, -_ECHO_CAP, _ECHO_CAP).astype(np.float32)
    return unit


def similarities(echoes: NDArray[np.float32], count: int) -> list[Guess]:
    """The best scales with rotations from 0 to 90 degrees; a square lattice looks the same a quarter turn on."""
    height, width = echoes.shape
    middle = (width // 2, height // 2)
    reach = np.hypot(width, height) / 2
    smallest = _SCALES[0] * TILE
    if reach <= smallest:
        return []
    steps = int(np.log(reach / smallest) / _LOG_STEP) + 1
    rings = smallest * np.exp(np.arange(steps) * _LOG_STEP)
    angles = np.arange(_ANGLES) * (np.pi / _ANGLES)
    map_x = (middle[0] + np.cos(angles)[:, None] * rings).astype(np.float32)
    map_y = (middle[1] + np.sin(angles)[:, None] * rings).astype(np.float32)
    polar = cv2.remap(echoes, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    # Few places overlap at large lags; what is measured there counts by how many do.
    lag_x, lag_y = np.abs(map_x - middle[0]), np.abs(map_y - middle[1])
    overlap = np.maximum(1 - lag_x / width, 0) * np.maximum(1 - lag_y / height, 0)
    overlap[(lag_x > width / 2 - 1) | (lag_y > height / 2 - 1)] = 0
    scales = int(np.log(_SCALES[1] / _SCALES[0]) / _LOG_STEP)
    total = np.zeros((_ANGLES // 2, scales), np.float32)
    weight = np.full((_ANGLES // 2, scales), 1e-6, np.float32)
    padded = np.pad(polar * overlap, ((0, _ANGLES), (0, scales + steps)), mode="constant")
    padded[_ANGLES:] = padded[:_ANGLES]
    certain = np.pad(overlap * overlap, ((0, _ANGLES), (0, scales + steps)))
    certain[_ANGLES:] = certain[:_ANGLES]
    for further, turn in _lattice_points():
        columns = slice(further, further + scales)
        if further >= steps:
            continue
        rows = slice(turn, turn + _ANGLES // 2)
        total += padded[rows, columns]
        weight += certain[rows, columns]
    score = total / np.sqrt(weight + 0.05)
    return [
        Guess(_SCALES[0] * np.exp(column * _LOG_STEP) * rotation(row * np.pi / _ANGLES), value)
        for row, column, value in _best(score, count)
    ]


@cache
def _lattice_points() -> tuple[tuple[int, int], ...]:
    """Points of the upper half of a square lattice: distance in log steps, angle in steps."""
    reach = int(_MAX_POINTS_RADIUS_SQUARED**0.5)
    points = []
    for y in range(reach + 1):
        for x in range(-reach, reach + 1):
            is_upper = y > 0 or x > 0
            if is_upper and x * x + y * y <= _MAX_POINTS_RADIUS_SQUARED:
                distance = round(np.log(np.hypot(x, y)) / _LOG_STEP)
                points.append((int(distance), round(np.arctan2(y, x) * _ANGLES / np.pi) % _ANGLES))
    return tuple(points)


def _best(score: NDArray[np.float32], count: int) -> list[tuple[int, int, float]]:
    """The highest values that are local maxima."""
    highest = cv2.dilate(score, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE)
    rows, columns = np.nonzero((score == highest) & (score > 0))
    values = score[rows, columns]
    ranked = np.argsort(-values)[:count]
    return [(int(rows[n]), int(columns[n]), float(values[n])) for n in ranked]


def rotation(angle: float) -> NDArray[np.float64]:
    """(2, 2) turn by `angle` radians, clockwise on a screen."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def stretches(echoes: NDArray[np.float32], count: int) -> list[Guess]:
    """The `count` best upright pairs of scales in x and y, as a change of aspect leaves them.

    Looks at the lattice points off the axes only: a picture's own edges echo along them.
    """
    height, width = echoes.shape
    smallest = _SCALES[0] * TILE
    lags_x, lags_y = (
        smallest * np.exp(np.arange(0, _steps_to(side / 2)) * _LOG_STEP) for side in (width, height)
    )
    if not len(lags_x) or not len(lags_y):
        return []
    x, y = np.meshgrid(lags_x, lags_y)
    overlap = ((1 - x / width) * (1 - y / height)).astype(np.float32)
    both = sum(
        cv2.remap(
            echoes,
            (width // 2 + sign * x).astype(np.float32),
            (height // 2 + y).astype(np.float32),
            cv2.INTER_LINEAR,
        )
        for sign in (1, -1)
    )
    total, weight = np.zeros_like(overlap), np.full_like(overlap, 1e-6)
    for n in range(1, _MAX_MULTIPLE + 1):
        for m in range(1, _MAX_MULTIPLE + 1):
            right, below = round(np.log(n) / _LOG_STEP), round(np.log(m) / _LOG_STEP)
            rows, columns = len(lags_y) - below, len(lags_x) - right
            if rows <= 0 or columns <= 0:
                continue
            total[:rows, :columns] += (both * overlap)[below:, right:]
            weight[:rows, :columns] += 2 * overlap[below:, right:] ** 2
    score = total / np.sqrt(weight + 0.05)
    ratio = x / y
    score[(ratio > _MAX_STRETCH) | (ratio < 1 / _MAX_STRETCH)] = 0
    return [
        Guess(np.diag([lags_x[column] / TILE, lags_y[row] / TILE]), value)
        for row, column, value in _best(score, count)
    ]


def _steps_to(lag: float) -> int:
    """Log steps from the smallest lag looked at up to this one or that of the largest scale."""
    return max(0, int(np.log(min(lag, _SCALES[1] * TILE) / (_SCALES[0] * TILE)) / _LOG_STEP))


class Waves:
    """The spectrum of a plane, fine enough to be read between its frequencies.

    A tile's frequency k (cycles per tile) is the frequency inverse(matrix)^T k / TILE of a picture that shows tiles
    through `matrix`: reading the spectrum there is the same as folding the picture's tiles onto each other, and ten
    times as fast as drawing them upright first.
    """

    def __init__(self, plane: Plane) -> None:
        height, width = plane.shape
        rows, columns = (fft.next_fast_len(_OVERSAMPLING * side, real=True) for side in plane.shape)
        # With the middle of the picture at 0 neighbouring values have like phases and can be interpolated.
        above, left = height // 2, width // 2
        padded = np.zeros((rows, columns), np.float32)
        padded[: height - above, : width - left] = plane[above:, left:]
        padded[: height - above, columns - left :] = plane[above:, :left]
        padded[rows - above :, : width - left] = plane[:above, left:]
        padded[rows - above :, columns - left :] = plane[:above, :left]
        right = fft.fftshift(fft.rfft2(padded, workers=2, overwrite_x=True), axes=0)
        # A few columns of negative frequencies, so that interpolation finds neighbours at 0.
        beyond = right[::-1, _MARGIN:0:-1].conj()
        beyond = np.roll(beyond, 1, axis=0) if rows % 2 == 0 else beyond
        self._values = np.hstack([beyond, right]).view(np.float32).reshape(rows, -1, 2)
        self._columns_beyond = beyond.shape[1]
        self._shape = rows, columns
        # From the middle of the pixel that came to lie at 0 to the middle of the picture.
        self._off_middle = height / 2 - above - 0.5, width / 2 - left - 0.5

    def whitened(self, matrix: NDArray[np.float64], middle: tuple[float, float]) -> NDArray[np.complex128]:
        """(BINS,) `Spectrum.whitened` of the folded view through `matrix` (2, 2).

        middle: x and y, in tile pixels, where the view has the middle of the picture.
        """
        ky, kx = _wave_numbers()
        to_picture = np.linalg.inv(matrix).T / TILE
        values = self._at(
            to_picture[1, 0] * kx + to_picture[1, 1] * ky, to_picture[0, 0] * kx + to_picture[0, 1] * ky
        )
        full = np.zeros((TILE, TILE // 2 + 1), np.complex64)
        full[ky, kx] = values
        used = band()
        picked = full[used.ky, used.kx] / np.sqrt(noise_around(full))
        limited = picked * (_WAVE_LIMIT / np.maximum(np.abs(picked), _WAVE_LIMIT))
        # A view counts from the middle of its first pixel.
        lag = (used.ky * (middle[1] - 0.5) + used.kx * (middle[0] - 0.5)) * (-2 * np.pi / TILE)
        whitened: NDArray[np.complex128] = limited * np.exp(1j * lag)
        return whitened

    def _at(self, fy: NDArray[np.float64], fx: NDArray[np.float64]) -> NDArray[np.complex64]:
        """The spectrum at frequencies in cycles per pixel; 0 above half a cycle, where a picture has none."""
        half = np.where(fx < 0, -1.0, 1.0)
        fy, fx = fy * half, fx * half
        rows, columns = self._shape
        row = (fy * rows + rows // 2).astype(np.float32)
        column = (fx * columns + self._columns_beyond).astype(np.float32)
        read = cv2.remap(self._values, column, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        phase = 2 * np.pi * (fy * self._off_middle[0] + fx * self._off_middle[1])
        values = (read[..., 0] + 1j * read[..., 1]) * np.exp(1j * phase)
        values[(np.abs(fy) > 0.5) | (fx > 0.5)] = 0
        found: NDArray[np.complex64] = np.where(half < 0, values.conj(), values).astype(np.complex64)
        return found


@cache
def _wave_numbers() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """ky and kx >= 0 up to the highest wave that is read."""
    ky, kx = np.mgrid[-_HIGHEST_WAVE : _HIGHEST_WAVE + 1, 0 : _HIGHEST_WAVE + 1]
    return ky, kx
