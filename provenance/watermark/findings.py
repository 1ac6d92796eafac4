"""What a detector says it found: which mark, how sure, where in the picture and when in the clip."""

from dataclasses import dataclass, field
from math import atan2, degrees, hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.keys import Payload


@dataclass(frozen=True)
class Geometry:
    """How the picture lies over the pattern: picture = [[xx, xy], [yx, yy]] @ tile + (x0, y0).

    Coordinates are continuous, with pixel centres at +0.5 and y downwards. Tile coordinates are those of the
    marked master divided by `canonical_scale` of its size; they are known modulo a tile of 125 in x and y.
    """

    xx: float
    xy: float
    yx: float
    yy: float
    x0: float
    y0: float

    def reduced_by(self, factor: float) -> "Geometry":
        """The same for the picture made smaller by a factor."""
        return Geometry(
            *(number / factor for number in (self.xx, self.xy, self.yx, self.yy, self.x0, self.y0))
        )

    @property
    def determinant(self) -> float:
        """Area of the picture that one unit of tile area covers, negative where the picture is mirrored."""
        return self.xx * self.yy - self.xy * self.yx

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return self.determinant < 0

    @property
    def scale(self) -> float:
        """Picture pixels per tile pixel, the geometric mean of both directions."""
        return sqrt(abs(self.determinant))

    @property
    def scale_x(self) -> float:
        """Picture pixels per tile pixel along the master's rows."""
        return hypot(self.xx, self.yx)

    @property
    def scale_y(self) -> float:
        """Picture pixels per tile pixel along the master's columns."""
        return hypot(self.xy, self.yy)

    @property
    def rotation_deg(self) -> float:
        """How far the master's rows were turned, clockwise as seen, -180 to 180, mirroring undone."""
        across = -self.xx if self.is_mirrored else self.xx
        return degrees(atan2(self.yx, across))


@dataclass(frozen=True)
class Span:
    """Half a second of a clip: how strongly the known mark is in it.

    z: standard deviations of chance. segment: index of the take's segment it shows, None where there is no mark.
    """

    start_s: float
    end_s: float
    z: float
    is_marked: bool
    segment: int | None = None


@dataclass(frozen=True)
class Detection:
    """A mark of one key.

    payload: None where the mark is certainly there but its message cannot be read. z: strength of the pilot in
    standard deviations of chance, over `hypotheses` tried. p_presence: bound on the probability that an unmarked
    clip shows such a z anywhere. p_message: bound on the probability that a wrong message passes the tag, or is taken
    for one given out. p_false_positive: of the whole statement; with a message a false one needs both. start_s, end_s:
    the marked stretch of the clip. source_start_s: where in the take it begins, None where that cannot be told. speed:
    seconds of the take per second of the clip. is_recognised: the message was told from the others given out, because
    too little is left to decode it from nothing. soft_bits: (256,) log-likelihood ratios up to a factor.
    """

    payload: Payload | None
    key_id: str
    z: float
    p_presence: float
    p_message: float
    p_false_positive: float
    hypotheses: int
    frames_used: int
    geometry: Geometry
    start_s: float = 0.0
    end_s: float = 0.0
    source_start_s: float | None = None
    speed: float = 1.0
    spans: tuple[Span, ...] = ()
    is_recognised: bool = False
    soft_bits: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
