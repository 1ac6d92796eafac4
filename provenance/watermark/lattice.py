"""Guesses scale, rotation and aspect from the picture alone: a repeated tile echoes at the points of a lattice."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from provenance.watermark.carrier import TILE
from provenance.watermark.residual import Plane

_LOWEST, _HIGHEST = 0.012, 0.45  # cycles per picture pixel that are looked at
_SPECTRUM_CAP = 8.0
_BOX = 25
_SCALES = (0.22, 3.6)
_LOG_STEP = 0.0025
_ANGLES = 1200  # over half a turn: 0.15 degrees each
_MAX_POINTS_RADIUS_SQUARED = 25
_MAX_STRETCH = 2.2
_MAX_MULTIPLE = 5


@dataclass(frozen=True)
class Guess:
    """A linear map (2, 2) from tile to picture pixels, and how well the picture's echoes fit it."""

    matrix: NDArray[np.float64]
    score: float


def echo(planes: list[Plane]) -> NDArray[np.float32]:
    """(H, W) normalised autocorrelation with lag 0 in the middle, the power spectra of all planes added.

    Every frequency is measured against its neighbourhood and limited, so that a picture's own structure counts little.
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
    unit: NDArray[np.float32] = (echoes / deviation).astype(np.float32)
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
        Guess(_SCALES[0] * np.exp(column * _LOG_STEP) * _rotation(row * np.pi / _ANGLES), value)
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


def _rotation(angle: float) -> NDArray[np.float64]:
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
