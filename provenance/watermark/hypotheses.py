"""In which order a detector looks for a mark: which frames together, and seen at which geometries."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.carrier import TILE
from provenance.watermark.findings import Geometry
from provenance.watermark.lattice import Waves, echo, rotation, similarities, stretches
from provenance.watermark.residual import Accumulator, Plane, Window, total
from provenance.watermark.turns import turns
from provenance.watermark.view import Matrix, View, shows_enough, spectrum, view

_PLAIN_SCALES = (1.0, 0.5, 0.75, 1.5, 2.0, 2 / 3, 1.25, 1 / 3)
# Short sides of common masters below 720 lines, which are marked at scale 1 and may come back resized.
_SMALL_MASTERS = (160, 240, 270, 288, 320, 360, 432, 480, 540, 576)
# Widths against heights after common squeezes: wide to 4:3 and back, wide to square.
_ASPECTS = (3 / 4, 4 / 3, 9 / 16)
# Of masters, for copies whose sides were rounded.
_USUAL_ASPECTS = (16 / 9, 9 / 16, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 1.0, 1.85, 2.39, 2.35, 2.0, 1 / 2)
_ROUNDED = 0.012
_UNCROPPED_SCALES = 18
_RUN_WINDOWS = 4
_MAX_RUNS = 3
_LATTICE_GUESSES = 40
_STRETCHES = 16
# Neighbours in a scan lie this many tile pixels apart at the corners of the picture: half of that costs a third of
# the pilot's height, which `refine` wins back.
_SCAN_DRIFT = 4.0
_MAX_SCAN_STEP = 0.015  # relative; `refine` moves no further than 0.02
_SCAN = (0.24, 3.6)
_MAX_SCALES = 300
_TURNED_SCALES = 2
_MAX_ANGLES = 360
_WORTH_A_SPECTRUM = 4  # a few views are drawn sooner than the spectrum of the whole sum is made
_MAX_VIEW_PIXELS = 1.3e6  # a picture is never seen much larger than its master

Step = tuple["Source", View, NDArray[np.complex128]]


@dataclass(frozen=True)
class Source:
    """Some windows of a clip, and their sum."""

    windows: list[Window]
    plane: Plane

    @property
    def frames(self) -> int:
        """Number of frames in it."""
        return sum(window.frames for window in self.windows)

    @cached_property
    def waves(self) -> Waves:
        """The spectrum of the sum."""
        return Waves(self.plane)

    @classmethod
    def of(cls, windows: list[Window]) -> "Source":
        """Sums the windows."""
        return cls(windows, total(windows))


class _Glimpse(View):
    """What `view` gives, drawn only once somebody asks for its tiles: most hypotheses are dropped before that."""

    _plane: Plane

    def __init__(self, plane: Plane, matrix: Matrix) -> None:
        height, width = plane.shape
        corners = np.linalg.inv(matrix) @ np.array([[width, width], [height, -height]]) / 2
        columns, rows = (max(1, int(np.ceil(2 * side / TILE - 0.01))) for side in np.abs(corners).max(axis=1))
        vars(self).update(
            matrix=matrix,
            middle=(columns * TILE / 2, rows * TILE / 2),
            picture_middle=(width / 2, height / 2),
            _plane=plane,
        )

    @cached_property
    def tiles(self) -> NDArray[np.float32]:
        return view(self._plane, self.matrix).tiles


class Looks:
    """All that a detector may try on a clip, likeliest first, in stages.

    tries_turns: whether angles are tried one by one, where the picture itself suggests none. That is half of all
    looks, and hardly ever needed.
    """

    def __init__(self, accumulator: Accumulator, *, tries_turns: bool = True) -> None:
        self._tries_turns = tries_turns
        self._windows = accumulator.windows
        self._keys = accumulator.key_windows
        self._whole = Source.of(self._windows or self._keys)
        is_more_than_key_frames = sum(w.frames for w in self._keys) < self._whole.frames
        has_both = bool(self._keys and self._windows and is_more_than_key_frames)
        self._key_frames = Source.of(self._keys) if has_both else None

    def stages(self) -> Iterator[Iterator[Step]]:
        """Whole and resized pictures; key frames alone; echoes of the pattern; every scale; turns; short stretches."""
        common = self._common_scales()
        yield self._at(self._whole, [scale * np.eye(2) for scale in common])
        if self._key_frames is not None:
            yield self._at(self._key_frames, [scale * np.eye(2) for scale in common[:6]])
        yield self._at(self._whole, self._guessed())
        yield self._at(self._whole, [scale * np.eye(2) for scale in self._all_scales()])
        if self._tries_turns:
            yield self._at(self._whole, self._turned())
        if len(self._windows) > _RUN_WINDOWS:
            for first in np.linspace(0, len(self._windows) - _RUN_WINDOWS, _MAX_RUNS).astype(int):
                run = Source.of(self._windows[first : first + _RUN_WINDOWS])
                yield self._at(run, [scale * np.eye(2) for scale in common[:2]])

    def uncropped(self) -> Iterator[tuple[Source, Geometry]]:
        """Where the pattern lies in copies that show the whole of their master, resized, turned or mirrored."""
        common = self._common_scales()
        for source in [self._whole] + ([self._key_frames] if self._key_frames else []):
            height, width = source.plane.shape
            for number, scale in enumerate(common[:_UNCROPPED_SCALES]):
                for turn in turns() if number < _TURNED_SCALES else turns()[:2]:
                    yield source, _covering(width, height, scale * _unrounded(width, height) @ turn.matrix)

    def _at(self, source: Source, matrices: list[NDArray[np.float64]]) -> Iterator[Step]:
        for matrix in matrices:
            if len(matrices) < _WORTH_A_SPECTRUM or np.array_equal(matrix, np.eye(2)):
                drawn = view(source.plane, matrix)
                yield source, drawn, spectrum(drawn.folded()).whitened
            else:
                seen = _Glimpse(source.plane, matrix)
                yield source, seen, source.waves.whitened(matrix, seen.middle)

    def _common_scales(self) -> list[float]:
        """Scales under which a picture of this size may carry the pattern, likeliest first, no two within 0.1 %."""
        height, width = self._whole.plane.shape
        short = min(width, height)
        wanted = (
            max(1.0, short / 720),
            short / 720,
            *_PLAIN_SCALES,
            *(short / side for side in _SMALL_MASTERS),
        )
        kept: list[float] = []
        for scale in wanted:
            is_new = all(abs(scale / other - 1) > 0.001 for other in kept)
            is_possible = width * height / scale**2 <= _MAX_VIEW_PIXELS and shows_enough(width, height, scale)
            if is_new and is_possible:
                kept.append(scale)
        return kept

    def _all_scales(self) -> list[float]:
        """From large to small, dense enough that one of them is close to any."""
        return list(islice(self._scan(), _MAX_SCALES))

    def _scan(self) -> Iterator[float]:
        height, width = self._whole.plane.shape
        scale = _SCAN[1]
        while scale >= _SCAN[0] and width * height / scale**2 <= _MAX_VIEW_PIXELS:
            if shows_enough(width, height, scale):
                yield scale
            scale /= 1 + min(_MAX_SCAN_STEP, _SCAN_DRIFT * scale / (np.hypot(width, height) / 2))

    def _turned(self) -> list[Matrix]:
        """Turns by up to a quarter, the smallest first: on the same scale, and blown up until the picture is full."""
        height, width = self._whole.plane.shape
        aspect = max(width, height) / min(width, height)
        matrices: list[tuple[float, Matrix]] = []
        for scale in self._common_scales()[:_TURNED_SCALES]:
            step = _SCAN_DRIFT / (np.hypot(width, height) / 2 / scale)
            count = min(_MAX_ANGLES, int(np.pi / 2 / min(step, _MAX_SCAN_STEP)))
            for angle in np.arange(1, count) * (np.pi / 2 / count):
                off = min(angle, np.pi / 2 - angle)
                turned = scale * rotation(angle)
                full = turned * (np.cos(off) + aspect * np.sin(off))
                matrices += [(off, turned), (off, full)]
        matrices.sort(key=lambda pair: pair[0])
        return [matrix for _, matrix in matrices]

    def _guessed(self) -> list[NDArray[np.float64]]:
        runs = [self._windows[n : n + _RUN_WINDOWS] for n in range(0, len(self._windows), _RUN_WINDOWS)]
        echoes = echo([total(run) for run in runs] if runs else [self._whole.plane])
        guesses = similarities(echoes, _LATTICE_GUESSES) + stretches(echoes, _STRETCHES)
        squeezed = [
            scale * np.diag([aspect, 1.0]) for scale in self._common_scales()[:2] for aspect in _ASPECTS
        ]
        return [guess.matrix for guess in guesses] + squeezed


def _unrounded(width: int, height: int) -> Matrix:
    """(2, 2) factors by which a picture of a usual shape was stretched when its sides were rounded to even numbers."""
    for aspect in _USUAL_ASPECTS:
        factor = width / height / aspect
        if abs(factor - 1) < _ROUNDED:
            # Scales are told by the shorter side.
            return np.diag([factor, 1.0] if aspect >= 1 else [1.0, 1 / factor])
    return np.eye(2)


def _covering(width: int, height: int, linear: Matrix) -> Geometry:
    """The geometry with this (2, 2) map whose picture begins where the master does."""
    away = np.where(linear.sum(axis=1) < 0, [width, height], 0.0)
    (xx, xy), (yx, yy) = linear.tolist()
    return Geometry(xx, xy, yx, yy, float(away[0]), float(away[1]))


# All geometries that may be tried on all sums, with every orientation.
MOST_HYPOTHESES = len(turns()) * (
    (2 + len(_PLAIN_SCALES) + len(_SMALL_MASTERS)) * 2
    + _LATTICE_GUESSES
    + _STRETCHES
    + 2 * len(_ASPECTS)
    + _TURNED_SCALES * 2 * _MAX_ANGLES
    + _MAX_SCALES
    + 2 * _MAX_RUNS
    + 2 * _UNCROPPED_SCALES
)
