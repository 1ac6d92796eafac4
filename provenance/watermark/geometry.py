"""Which scales and flips a detector tries, and how it sharpens the best of them."""

from dataclasses import dataclass, replace

from provenance.watermark.carrier import Carriers
from provenance.watermark.fold import PilotPeak, Spectrum, covers_enough, find_pilot, fold, spectrum
from provenance.watermark.residual import Plane

_PLAIN_SCALES = (1.0, 0.5, 0.75, 1.5, 2.0, 2 / 3, 1.25, 1 / 3)
# Short sides of common masters below 720 lines, which are marked at scale 1 and may come back resized.
_SMALL_MASTERS = (160, 240, 270, 288, 320, 360, 432, 480, 540, 576)
_FIRST_STEP = 0.003
_ROUNDS = 6
# Positions on the finest grid that the moves of `refine` can reach from one hypothesis, generously.
REFINED_POSITIONS = (2 * 2**_ROUNDS) ** 2


@dataclass(frozen=True)
class Geometry:
    """How the picture lies over the pattern: picture pixels per tile pixel, mirrored or not, shift in tile pixels."""

    scale_x: float
    scale_y: float
    is_mirrored: bool
    shift: tuple[int, int]

    @property
    def scale(self) -> float:
        """Mean of both scales."""
        return (self.scale_x + self.scale_y) / 2


@dataclass(frozen=True)
class Candidate:
    """One hypothesis that was measured for one key."""

    geometry: Geometry
    z: float
    seen: Spectrum

    @property
    def peak(self) -> PilotPeak:
        """The pilot's peak, for reading the payload."""
        return PilotPeak(self.z, self.geometry.shift)


def scales_to_try(width: int, height: int) -> tuple[float, ...]:
    """Scales under which a picture of this size may carry the pattern, likeliest first, no two within 0.1 %."""
    short = min(width, height)
    wanted = (max(1.0, short / 720), short / 720, *_PLAIN_SCALES, *(short / side for side in _SMALL_MASTERS))
    kept: list[float] = []
    for scale in wanted:
        is_new = all(abs(scale / other - 1) > 0.001 for other in kept)
        if is_new and 0.2 <= scale <= 6 and covers_enough(width, height, scale):
            kept.append(scale)
    return tuple(kept)


def survey(plane: Plane, scales: tuple[float, ...], secrets: list[Carriers]) -> list[list[Candidate]]:
    """Per key the candidates over all scales and both flips, best first. Folding is shared by all keys."""
    found: list[list[Candidate]] = [[] for _ in secrets]
    for scale in scales:
        folded = fold(plane, scale, scale)
        for is_mirrored in (False, True):
            seen = spectrum(folded, is_mirrored=is_mirrored)
            for candidates, secret in zip(found, secrets, strict=True):
                peak = find_pilot(seen, secret)
                geometry = Geometry(scale, scale, is_mirrored, peak.shift)
                candidates.append(Candidate(geometry, peak.z, seen))
    for candidates in found:
        candidates.sort(key=lambda candidate: -candidate.z)
    return found


def refine(plane: Plane, start: Candidate, secret: Carriers) -> Candidate:
    """Moves both scales together, then each alone, in steps from 0.3 % down, while z grows."""
    best, step = start, _FIRST_STEP
    for _ in range(_ROUNDS):
        for along_x, along_y in ((step, step), (-step, -step), (step, 0), (-step, 0), (0, step), (0, -step)):
            moved = _measure(plane, best.geometry, 1 + along_x, 1 + along_y, secret)
            if moved.z > best.z:
                best = moved
        step /= 2
    return best


def _measure(plane: Plane, around: Geometry, factor_x: float, factor_y: float, secret: Carriers) -> Candidate:
    scale_x, scale_y = around.scale_x * factor_x, around.scale_y * factor_y
    seen = spectrum(fold(plane, scale_x, scale_y), is_mirrored=around.is_mirrored)
    peak = find_pilot(seen, secret)
    return Candidate(replace(around, scale_x=scale_x, scale_y=scale_y, shift=peak.shift), peak.z, seen)
