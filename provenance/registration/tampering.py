"""Measures, cell by cell, what in a suspect's frame the take does not explain, whatever was done to all of it.

Two things are measured. *Departure*: colour that lies outside what the take shows there, within a pixel and a
frame, after one colour curve was fitted for the whole clip. *Loss*: fine structure of the take that is missing or
replaced, compared with how much the whole clip lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.evening import Mask
from provenance.registration.result import Pair

Plane = NDArray[np.float32]
Cells = NDArray[np.float64]

CELL = 4  # pixels of the take's view
_COLOUR_STEP = 2
_CHROMA_WEIGHT = 0.6
_FIT_STEPS = 5
_FIT_POINTS = 15_000
_LEAST_FIT_POINTS = 200
_BAND = (0.8, 3.0)  # sigmas of the band in which structure is compared, pixels of the take's view
_STRUCTURE_SIGMA = 4.0
_SOFTNESS_PAIRS = 3
_SOFTNESSES = (0.0, 0.5, 0.8, 1.1, 1.5, 2.0, 2.7)
_RICH = 2.0**2


@dataclass(frozen=True)
class Colours:
    """The colour change of a whole clip: (11, 3) coefficients from the terms of an RGB colour to RGB."""

    coefficients: NDArray[np.float64]

    def of(self, rgb: NDArray[np.uint8]) -> Plane:
        """(H, W, 3) of the take as the suspect would show it, in YCrCb."""
        changed = np.clip(_terms(rgb) @ self.coefficients.astype(np.float32), 0, 255).astype(np.uint8)
        return _ycc(changed)


@dataclass(frozen=True)
class Evidence:
    """Per cell of one pair: departure in luma steps, and the sums from which structure is judged.

    take, both: local mean of the band-passed take's square and of its product with the suspect's.
    seen: where the suspect shows the take.
    """

    departure: Cells
    take: Cells
    both: Cells
    seen: Mask


def colours_of(pairs: Sequence[Pair]) -> Colours:
    """One change for the clip, by least squares over the cells that agree with it; tampered ones fall out."""
    source, target = [], []
    for pair in pairs:
        seen = seen_cells(pair)
        source.append(_reduced(pair.take, CELL)[seen])
        target.append(_reduced(pair.suspect, CELL)[seen])
    a, b = np.concatenate(source), np.concatenate(target)
    stride = max(1, len(a) // _FIT_POINTS)
    terms, wanted = _terms(a[::stride]).astype(np.float64), b[::stride].astype(np.float64)
    kept = np.ones(len(terms), np.bool_)
    ridge = 1e-3 * np.eye(terms.shape[1])
    for _ in range(_FIT_STEPS):
        x, y = terms[kept], wanted[kept]
        coefficients = np.linalg.solve(x.T @ x + ridge, x.T @ y).astype(np.float64)
        said = terms @ coefficients
        away = np.abs(np.clip(said, 0, 255) - wanted).max(axis=1)
        # What was clipped to black or white, as said, says nothing more about the curve.
        is_clipped = ((wanted <= 3) & (said <= 0) | (wanted >= 252) & (said >= 255)).any(axis=1)
        kept = ~is_clipped & (away <= 2.5 * max(1.4826 * float(np.median(away)), 1.0))
        if kept.sum() < _LEAST_FIT_POINTS:
            break
    return Colours(coefficients)


def softness_of(pairs: Sequence[Pair]) -> float:
    """How much softer the whole suspect is than the take: the Gaussian sigma, in pixels of the take's view.

    The one of a few after which the take's fine structure is most like the suspect's, in most places.
    """
    some = pairs[:: max(1, len(pairs) // _SOFTNESS_PAIRS)][:_SOFTNESS_PAIRS]
    lumas = [(_luma(pair.take), _band(_luma(pair.suspect)), pair.inside) for pair in some]

    def likeness(sigma: float) -> float:
        found = []
        for luma, suspect, inside in lumas:
            take = _band(_softened(luma, sigma))
            energy = _local(take * take)
            alike = _local(take * suspect) / np.sqrt(energy * _local(suspect * suspect) + 1.0)
            rich = (_cells(inside.astype(np.float32)) > 0.99) & (energy > _RICH)
            found.append(alike[rich])
        together = np.concatenate(found)
        return float(np.median(together)) if len(together) else 0.0

    return max(_SOFTNESSES, key=lambda sigma: likeness(sigma) - 1e-3 * sigma)


def evidence_of(pair: Pair, colours: Colours, softness: float) -> Evidence:
    """What one pair shows."""
    expected = [
        _softened(colours.of(_reduced(take, _COLOUR_STEP)), softness / _COLOUR_STEP) for take in pair.takes
    ]
    band_a, band_b = _band(_softened(_luma(pair.take), softness)), _band(_luma(pair.suspect))
    return Evidence(
        departure=_departure(expected, _ycc(_reduced(pair.suspect, _COLOUR_STEP))),
        take=_local(band_a * band_a),
        both=_local(band_a * band_b),
        seen=seen_cells(pair),
    )


def seen_cells(pair: Pair) -> Mask:
    """The cells of the take that the suspect shows whole."""
    return _cells(pair.inside.astype(np.float32)) > 0.99


def _departure(expected: Sequence[Plane], suspect: Plane) -> Cells:
    """Distance of a cell's mean from the range that the take spans around each pixel, in luma steps."""
    kernel = np.ones((3, 3), np.uint8)
    high = np.max([cv2.dilate(picture, kernel) for picture in expected], axis=0)
    low = np.min([cv2.erode(picture, kernel) for picture in expected], axis=0)
    # Signed, so that noise around the edges of the range averages out within the cell.
    outside = np.maximum(suspect - high, 0) - np.maximum(low - suspect, 0)
    rows, columns = (side * _COLOUR_STEP // CELL for side in suspect.shape[:2])
    smooth = cv2.GaussianBlur(outside, (0, 0), 1.5)
    cells = np.abs(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_AREA)).astype(np.float64)
    departure: Cells = cells[..., 0] + _CHROMA_WEIGHT * (cells[..., 1] + cells[..., 2])
    return departure


def _softened(luma: Plane, sigma: float) -> Plane:
    return cv2.GaussianBlur(luma, (0, 0), sigma).astype(np.float32, copy=False) if sigma else luma


def _band(luma: Plane) -> Plane:
    fine, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in _BAND)
    return (fine - coarse).astype(np.float32, copy=False)


def _local(product: Plane) -> Cells:
    smooth = cv2.GaussianBlur(product, (0, 0), _STRUCTURE_SIGMA).astype(np.float32, copy=False)
    return _cells(smooth).astype(np.float64)


def _cells(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = plane.shape[0] // CELL, plane.shape[1] // CELL
    return cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _reduced(rgb: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    size = (max(1, rgb.shape[1] // step), max(1, rgb.shape[0] // step))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _luma(rgb: NDArray[np.uint8]) -> Plane:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _ycc(rgb: NDArray[np.uint8]) -> Plane:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.float32)


def _terms(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(..., 11) the channels, their squares and products, the cube of their mean, and one."""
    r, g, b = (rgb[..., n].astype(np.float32) / 128 - 1 for n in range(3))
    cube = ((r + g + b) / 3) ** 3
    return np.stack([r, g, b, r * r, g * g, b * b, r * g, g * b, r * b, cube, np.ones_like(r)], axis=-1)
