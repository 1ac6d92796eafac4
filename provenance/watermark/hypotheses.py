"""In which order a detector looks for a mark: which frames together, and seen at which geometries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.lattice import echo, similarities, stretches
from provenance.watermark.residual import Accumulator, Plane, Window, total
from provenance.watermark.turns import turns
from provenance.watermark.view import View, shows_enough, spectrum, view

_PLAIN_SCALES = (1.0, 0.5, 0.75, 1.5, 2.0, 2 / 3, 1.25, 1 / 3)
# Short sides of common masters below 720 lines, which are marked at scale 1 and may come back resized.
_SMALL_MASTERS = (160, 240, 270, 288, 320, 360, 432, 480, 540, 576)
# Widths against heights after common squeezes: wide to 4:3 and back, wide to square.
_ASPECTS = (3 / 4, 4 / 3, 9 / 16)
_RUN_WINDOWS = 4
_MAX_RUNS = 3
_LATTICE_GUESSES = 22
_STRETCHES = 14
_SCAN_STEP = 0.011  # `refine` catches what lies within 0.6 % of a hypothesis
_SCAN = (0.24, 3.6)
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

    @classmethod
    def of(cls, windows: list[Window]) -> "Source":
        """Sums the windows."""
        return cls(windows, total(windows))


class Looks:
    """All that a detector may try on a clip, likeliest first, in stages."""

    def __init__(self, accumulator: Accumulator) -> None:
        self._windows = accumulator.windows
        self._keys = accumulator.key_windows
        self._whole = Source.of(self._windows or self._keys)

    def stages(self) -> Iterator[Iterator[Step]]:
        """Whole and resized pictures; key frames alone; echoes of the pattern; every scale; short stretches."""
        common = self._common_scales()
        yield self._at(self._whole, [scale * np.eye(2) for scale in common])
        is_more_than_key_frames = sum(w.frames for w in self._keys) < self._whole.frames
        if self._keys and self._windows and is_more_than_key_frames:
            yield self._at(Source.of(self._keys), [scale * np.eye(2) for scale in common[:6]])
        yield self._at(self._whole, self._guessed())
        yield self._at(self._whole, [scale * np.eye(2) for scale in self._all_scales()])
        if len(self._windows) > _RUN_WINDOWS:
            for first in np.linspace(0, len(self._windows) - _RUN_WINDOWS, _MAX_RUNS).astype(int):
                run = Source.of(self._windows[first : first + _RUN_WINDOWS])
                yield self._at(run, [scale * np.eye(2) for scale in common[:2]])

    def _at(self, source: Source, matrices: list[NDArray[np.float64]]) -> Iterator[Step]:
        for matrix in matrices:
            seen = view(source.plane, matrix)
            yield source, seen, spectrum(seen.folded()).whitened

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
        height, width = self._whole.plane.shape
        count = int(np.log(_SCAN[1] / _SCAN[0]) / _SCAN_STEP)
        scales = _SCAN[1] * np.exp(-_SCAN_STEP * np.arange(count))
        area = width * height / scales**2
        possible = scales[area <= _MAX_VIEW_PIXELS]
        return [float(scale) for scale in possible if shows_enough(width, height, float(scale))]

    def _guessed(self) -> list[NDArray[np.float64]]:
        runs = [self._windows[n : n + _RUN_WINDOWS] for n in range(0, len(self._windows), _RUN_WINDOWS)]
        echoes = echo([total(run) for run in runs] if runs else [self._whole.plane])
        guesses = similarities(echoes, _LATTICE_GUESSES) + stretches(echoes, _STRETCHES)
        squeezed = [
            scale * np.diag([aspect, 1.0]) for scale in self._common_scales()[:2] for aspect in _ASPECTS
        ]
        return [guess.matrix for guess in guesses] + squeezed


# All geometries that may be tried on all sums, with every orientation.
MOST_HYPOTHESES = len(turns()) * (
    (2 + len(_PLAIN_SCALES) + len(_SMALL_MASTERS)) * 2
    + _LATTICE_GUESSES
    + _STRETCHES
    + 2 * len(_ASPECTS)
    + int(np.log(_SCAN[1] / _SCAN[0]) / _SCAN_STEP)
    + 2 * _MAX_RUNS
)
