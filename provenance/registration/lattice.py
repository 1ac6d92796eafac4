"""Finds by content which of the lattice's many places a marked picture has in the take, and roughly when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from provenance.registration.clip import View, reduced_size
from provenance.registration.evening import Mask, Plane, evened
from provenance.registration.maps import Affine, corners, resample

TILE = 125.0
_SEARCH_LONG_SIDE = 192
_WINDOW = 11
_MIN_OVERLAP = 0.35  # of the smaller picture
_MAX_CANVAS = 1024
_PLACES = 6


class LatticeGeometry(Protocol):
    """What a detector says: picture = [[xx, xy], [yx, yy]] @ tile + (x0, y0), tile known modulo 125 in x and y."""

    @property
    def xx(self) -> float: ...
    @property
    def xy(self) -> float: ...
    @property
    def yx(self) -> float: ...
    @property
    def yy(self) -> float: ...
    @property
    def x0(self) -> float: ...
    @property
    def y0(self) -> float: ...


@dataclass(frozen=True)
class Placement:
    """Where the suspect lies: a map from the take's view to the suspect's, seconds it is early, and how alike."""

    take_to_suspect: Affine
    lag_s: float
    likeness: float


def map_of(geometry: LatticeGeometry) -> Affine:
    """From tile to picture pixels, for one of the many places the geometry may mean."""
    return Affine(geometry.xx, geometry.xy, geometry.yx, geometry.yy, geometry.x0, geometry.y0)


def find_on_lattice(
    suspects: Sequence[tuple[View, float]],
    takes: Sequence[View],
    size: tuple[int, int],
    base: Affine,
    period: tuple[float, float],
    slack_s: float,
    step_s: float,
) -> list[Placement]:
    """Places of the lattice, each at its best lag, where the suspects' content agrees with the take's, best first.

    suspects: views with the time in the take at which they are expected. base: from a view of the take of `size`
    to the suspect's, for any place of the lattice. period: the lattice's in x and y, in pixels of the take's view.
    At most six; none where nothing overlaps.
    """
    width, height = size
    small = reduced_size(width, height, _SEARCH_LONG_SIDE)
    to_small = Affine.scaling(small[0] / width, small[1] / height)
    base = base.after(to_small.inverse())
    pitch = np.array([period[0] * small[0] / width, period[1] * small[1] / height])
    images = [
        _Image(_evened(view, Affine.scaling(view.size[0] / small[0], view.size[1] / small[1]), small))
        for view in takes
    ]
    votes: dict[tuple[int, int, int], list[float]] = {}
    for view, expected_s in suspects:
        template = _Template.of(view, base)
        if template is None:
            continue
        for image, take in zip(images, takes, strict=True):
            lag = round((take.time_s - expected_s) / step_s)
            if abs(lag) * step_s > slack_s + step_s / 2:
                continue
            for place, score in _on_lattice(template, image, pitch):
                votes.setdefault((*place, lag), []).append(score)
    # A lag that only some suspects could be compared at is not preferred for it.
    scored = {vote: sum(scores) / len(suspects) for vote, scores in votes.items()}
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for (mx, my, lag), score in sorted(
        scored.items(), key=lambda item: (-round(item[1], 3), abs(item[0][2]))
    ):
        best.setdefault((mx, my), (score, lag))
    places = []
    for (mx, my), (score, lag) in list(best.items())[:_PLACES]:
        shift = Affine(1, 0, 0, 1, mx * pitch[0], my * pitch[1])
        places.append(Placement(base.after(shift).after(to_small), lag * step_s, score))
    return places


def _evened(view: View, place: Affine, size: tuple[int, int]) -> Plane:
    drawn, _ = resample(view.grey, place, *size)
    return evened(drawn, _WINDOW, 0.7)


@dataclass(frozen=True)
class _Template:
    """An evened suspect drawn upright on its own canvas, whose corner lies at `corner` for the lattice's zero."""

    plane: Plane
    mask: Mask
    corner: tuple[int, int]

    @classmethod
    def of(cls, view: View, base: Affine) -> "_Template | None":
        box = base.inverse().apply(corners(*view.size))
        low, high = np.floor(box.min(axis=0)).astype(int), np.ceil(box.max(axis=0)).astype(int)
        columns, rows = (int(side) for side in high - low)
        if not (4 <= columns <= _MAX_CANVAS and 4 <= rows <= _MAX_CANVAS):
            return None
        place = base.after(Affine(1, 0, 0, 1, float(low[0]), float(low[1])))
        drawn, mask = resample(view.grey, place, columns, rows)
        plane = np.where(mask, evened(drawn, _WINDOW, 0.7), np.float32(0))
        return cls(plane.astype(np.float32, copy=False), mask, (int(low[0]), int(low[1])))


class _Image:
    """An evened picture of the take, with the spectra that correlations need kept per size."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self._spectra: dict[tuple[int, int], tuple[NDArray[np.complex128], ...]] = {}

    def spectra(self, shape: tuple[int, int]) -> tuple[NDArray[np.complex128], ...]:
        """Of the plane, its square and the frame it fills, padded to `shape`."""
        if shape not in self._spectra:
            parts = (self.plane, self.plane**2, np.ones_like(self.plane))
            self._spectra[shape] = tuple(np.fft.rfft2(part, shape) for part in parts)
        return self._spectra[shape]


def _on_lattice(
    template: _Template, image: _Image, pitch: NDArray[np.float64]
) -> list[tuple[tuple[int, int], float]]:
    """The likeness at every place of the lattice where enough of the pictures overlaps."""
    shape = _fast_shape(image.plane.shape, template.plane.shape)
    score = _correlate(template, image, shape)
    # Around each place the best of 3 x 3 positions counts: the pitch is no whole number of pixels.
    padded = np.pad(score, 1, mode="wrap")
    peak = np.max([padded[y : y + shape[0], x : x + shape[1]] for y in range(3) for x in range(3)], axis=0)
    found = []
    rows, columns = template.plane.shape
    for my in _steps(template.corner[1], rows, image.plane.shape[0], pitch[1]):
        for mx in _steps(template.corner[0], columns, image.plane.shape[1], pitch[0]):
            x, y = round(template.corner[0] - mx * pitch[0]), round(template.corner[1] - my * pitch[1])
            value = float(peak[y % shape[0], x % shape[1]])
            if value > 0:
                found.append(((mx, my), value))
    return found


def _steps(corner: int, side: int, image_side: int, pitch: float) -> range:
    """Multiples of the pitch that leave template and image overlapping along one axis."""
    return range(int(np.ceil((corner - image_side) / pitch)), int(np.floor((corner + side) / pitch)) + 1)


def _correlate(template: _Template, image: _Image, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Normalised correlation of the overlap for every offset, 0 where too little overlaps.

    [y, x] is the offset of the template's corner in the image, negative ones wrapped around.
    """
    plane, square, whole = image.spectra(shape)
    of_template, of_mask = (
        np.fft.rfft2(part, shape).conj() for part in (template.plane, template.mask.astype(np.float32))
    )
    of_square = np.fft.rfft2(template.plane**2, shape).conj()
    product = np.fft.irfft2(plane * of_template, shape)
    energy = np.fft.irfft2(square * of_mask, shape) * np.fft.irfft2(whole * of_square, shape)
    overlap = np.fft.irfft2(whole * of_mask, shape)
    least = _MIN_OVERLAP * min(float(template.mask.sum()), float(image.plane.size))
    score = product / np.sqrt(np.maximum(energy, 1e-6))
    return np.where(overlap >= least, score, 0.0)


def _fast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = (next_fast_len(int(one + other), real=True) for one, other in zip(a, b, strict=True))
    return rows, columns
