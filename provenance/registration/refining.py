"""Sharpens a rough map between pictures to a fraction of a pixel, by following points in evened pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.clip import Grey, View
from provenance.registration.evening import Mask, Plane, as_bytes, evened, likeness, shrunk
from provenance.registration.maps import Affine, between_indices, resample

_POINTS_PER_PAIR = 220
_QUALITY = 0.02
_APART_PX = 7
_FOLLOW_WINDOW = (17, 17)
_LEVELS = 3
_BACK_WITHIN_PX = 0.4
_EDGE_PX = 6
_ROUNDS = 3
_TRIMMING_STEPS = 6
_LEAST_SPREAD_PX = 0.12
MIN_POINTS = 12


@dataclass(frozen=True)
class Laid:
    """A suspect's view drawn into the take's frame: evened planes of both, and where both have a picture."""

    take: Plane
    suspect: Plane
    mask: Mask

    @property
    def likeness(self) -> float:
        """-1 to 1."""
        return likeness(self.take, self.suspect, self.mask)

    @property
    def weight(self) -> float:
        """How much of the take there is to compare: the energy of its plane inside the mask."""
        return float(np.sum(self.take[self.mask] ** 2))


@dataclass(frozen=True)
class Correction:
    """What to put in front of a map: take view to take view. points: that agree; spread_px: how they scatter."""

    map: Affine
    points: int
    spread_px: float


def lay(suspect: View, take: View, take_to_suspect: Affine) -> Laid:
    """Draws `suspect` into the frame of `take`."""
    drawn, inside = resample(suspect.grey, take_to_suspect, *take.size)
    return Laid(evened(take.grey), evened(drawn), shrunk(inside, _EDGE_PX))


def refine(pairs: Sequence[tuple[View, View]], start: Affine) -> tuple[Affine, Correction | None]:
    """The map (take view to suspect view) that fits all pairs (suspect, take) best, and the last correction made.

    The correction is None where too few points could be followed; the map is then as it was.
    """
    best, last = start, None
    for _ in range(_ROUNDS):
        correction = correction_of([lay(suspect, take, best) for suspect, take in pairs])
        if correction is None:
            break
        best, last = best.after(correction.map), correction
        width, height = pairs[0][1].size
        if correction.map.distance(Affine.scaling(1, 1), width, height) < _LEAST_SPREAD_PX / 2:
            break
    return best, last


def correction_of(laid: Sequence[Laid]) -> Correction | None:
    """The affine movement that most followed points of all pairs agree on; None below 12 points."""
    followed = [_follow(pair) for pair in laid]
    source = np.concatenate([points for points, _ in followed]) if followed else np.zeros((0, 2))
    target = np.concatenate([points for _, points in followed]) if followed else np.zeros((0, 2))
    return _robust_fit(source, target) if len(source) >= MIN_POINTS else None


def settled(laid: Sequence[Laid]) -> list[Laid]:
    """The same with all suspects moved once, together, to where most points agree; unmoved where too few do."""
    correction = correction_of(laid)
    if correction is None:
        return list(laid)
    return [_moved(pair, correction.map) for pair in laid]


def _moved(pair: Laid, take_to_drawn: Affine) -> Laid:
    height, width = pair.take.shape
    matrix = between_indices(take_to_drawn)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    plane = cv2.warpAffine(pair.suspect, matrix, (width, height), flags=flags).astype(np.float32, copy=False)
    mask = cv2.warpAffine(pair.mask.astype(np.uint8) * 255, matrix, (width, height), flags=flags) >= 254
    return Laid(pair.take, plane, mask)


def _follow(pair: Laid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) corners in the take and where they lie in the suspect as drawn; followed forth and back alike."""
    none = np.zeros((0, 2)), np.zeros((0, 2))
    take, suspect = as_bytes(pair.take), as_bytes(pair.suspect)
    mask = shrunk(pair.mask, _FOLLOW_WINDOW[0] // 2).astype(np.uint8)
    found = cv2.goodFeaturesToTrack(take, _POINTS_PER_PAIR, _QUALITY, _APART_PX, mask=mask)
    if found is None or len(found) == 0:
        return none
    corners = found.astype(np.float32)
    there, is_found = _track(take, suspect, corners)
    back, is_back = _track(suspect, take, there)
    away = np.linalg.norm((back - corners).reshape(-1, 2), axis=1)
    kept = is_found & is_back & (away < _BACK_WITHIN_PX)
    return (
        corners.reshape(-1, 2)[kept].astype(np.float64) + 0.5,
        there.reshape(-1, 2)[kept].astype(np.float64) + 0.5,
    )


def _track(a: Grey, b: Grey, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, status, _ = cv2.calcOpticalFlowPyrLK(
        a, b, points, np.zeros_like(points), winSize=_FOLLOW_WINDOW, maxLevel=_LEVELS
    )
    return there.astype(np.float32, copy=False), status.reshape(-1) > 0


def _robust_fit(source: NDArray[np.float64], target: NDArray[np.float64]) -> Correction | None:
    """Least squares over the points that agree; the others (a logo, moving things) fall out step by step."""
    kept = np.ones(len(source), dtype=np.bool_)
    # The median movement is right even where a third of the points follow something else.
    fitted = Affine(1, 0, 0, 1, *np.median(target - source, axis=0).tolist())
    spread = 0.0
    for step in range(_TRIMMING_STEPS):
        away = np.linalg.norm(fitted.apply(source) - target, axis=1)
        spread = max(1.4826 * float(np.median(away[kept])), _LEAST_SPREAD_PX)
        kept = away <= (4.0 if step == 0 else 2.5) * spread
        if int(kept.sum()) < MIN_POINTS:
            return None
        fitted = _least_squares(source[kept], target[kept])
    away = np.linalg.norm(fitted.apply(source[kept]) - target[kept], axis=1)
    return Correction(fitted, int(kept.sum()), float(np.median(away)))


def _least_squares(source: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    # Centred and scaled, with a slight pull towards no change: a few points in a corner say little about the rest.
    centre, size = source.mean(axis=0), max(float(source.std()), 1.0)
    design = np.column_stack([(source - centre) / size, np.ones(len(source))])
    moved = target - source
    damping = np.diag([1e-3 * len(source), 1e-3 * len(source), 0.0])
    solution = np.linalg.solve(design.T @ design + damping, design.T @ moved)
    (ax, bx), (ay, by), (cx, cy) = solution.tolist()
    linear = np.array([[1 + ax / size, ay / size], [bx / size, 1 + by / size]])
    x0, y0 = (np.array([cx, cy]) - (linear - np.eye(2)) @ centre).tolist()
    return Affine(linear[0, 0], linear[0, 1], linear[1, 0], linear[1, 1], x0, y0)
