"""Draws the scene's subject from signed distance shapes in a unit box: x right, y up, standing on y = 0."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from generation.draft.palette import Color

Part = tuple[Tensor, Color]

_DARK: Color = (0.10, 0.10, 0.12)
_GLASS: Color = (0.62, 0.78, 0.88)
_STEEL: Color = (0.66, 0.68, 0.72)
_BARK: Color = (0.36, 0.24, 0.14)
_SKIN: Color = (0.86, 0.66, 0.52)
_CREAM: Color = (0.93, 0.90, 0.82)

# Half width and full height of each subject in world units; a person is 1.5 units tall.
EXTENT: dict[str, tuple[float, float]] = {
    "car": (1.10, 0.85),
    "truck": (1.30, 1.25),
    "house": (1.15, 1.75),
    "tree": (0.85, 2.00),
    "boat": (1.00, 1.70),
    "balloon": (0.75, 2.10),
    "robot": (0.60, 1.60),
    "person": (0.42, 1.50),
    "tower": (0.45, 2.30),
    "dog": (0.75, 0.90),
}


def circle(x: Tensor, y: Tensor, cx: float, cy: float, radius: float) -> Tensor:
    """Distance to a disc; negative inside."""
    return ((x - cx) ** 2 + (y - cy) ** 2).sqrt() - radius


def box(x: Tensor, y: Tensor, x0: float, y0: float, x1: float, y1: float, rounding: float = 0.03) -> Tensor:
    """Distance to a box with rounded corners; negative inside."""
    dx = (x - (x0 + x1) / 2).abs() - (x1 - x0) / 2 + rounding
    dy = (y - (y0 + y1) / 2).abs() - (y1 - y0) / 2 + rounding
    outside = (dx.clamp(min=0) ** 2 + dy.clamp(min=0) ** 2).sqrt()
    return outside + torch.maximum(dx, dy).clamp(max=0) - rounding


def taper(x: Tensor, y: Tensor, cx: float, y0: float, y1: float, half0: float, half1: float) -> Tensor:
    """Distance (in x, good near the edge) to an upright trapezoid of half widths half0 at y0 and half1 at y1."""
    half = half0 + (half1 - half0) * ((y - y0) / (y1 - y0)).clamp(0, 1)
    return torch.maximum((x - cx).abs() - half, torch.maximum(y0 - y, y - y1))


def parts(subject: str, x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    """The subject's shapes from back to front as (signed distance in world units, colour)."""
    return _BUILDERS[subject](x, y, main)


def _car(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield taper(x, y, -0.08, 0.42, 0.84, 0.72, 0.42), main
    yield taper(x, y, -0.30, 0.48, 0.77, 0.34, 0.18), _GLASS
    yield taper(x, y, 0.20, 0.48, 0.77, 0.36, 0.16), _GLASS
    yield box(x, y, -1.08, 0.16, 1.08, 0.52, 0.12), main
    yield box(x, y, 0.94, 0.34, 1.08, 0.44, 0.03), (1.0, 0.95, 0.70)
    for wheel in (-0.62, 0.62):
        yield circle(x, y, wheel, 0.20, 0.21), _DARK
        yield circle(x, y, wheel, 0.20, 0.09), _STEEL


def _truck(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield box(x, y, -1.28, 0.22, 0.55, 1.24, 0.04), main
    yield box(x, y, 0.60, 0.22, 1.28, 0.98, 0.10), main
    yield box(x, y, 0.84, 0.58, 1.22, 0.88, 0.05), _GLASS
    yield box(x, y, -1.28, 0.16, 1.28, 0.28, 0.03), _DARK
    for wheel in (-0.85, 0.0, 0.92):
        yield circle(x, y, wheel, 0.20, 0.21), _DARK
        yield circle(x, y, wheel, 0.20, 0.09), _STEEL


def _house(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield box(x, y, 0.42, 1.20, 0.66, 1.70, 0.02), _STEEL
    yield taper(x, y, 0.0, 0.95, 1.72, 1.14, 0.06), (0.40, 0.26, 0.22)
    yield box(x, y, -0.92, 0.0, 0.92, 1.00, 0.01), main
    yield box(x, y, -0.18, 0.0, 0.18, 0.58, 0.02), _BARK
    for window in (-0.56, 0.56):
        yield box(x, y, window - 0.20, 0.38, window + 0.20, 0.74, 0.02), (1.0, 0.92, 0.62)


def _tree(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield taper(x, y, 0.0, 0.0, 1.10, 0.15, 0.09), _BARK
    crown = circle(x, y, 0.0, 1.40, 0.58)
    for cx, cy, radius in ((-0.44, 1.14, 0.40), (0.44, 1.16, 0.40), (-0.22, 1.62, 0.34), (0.26, 1.62, 0.32)):
        crown = torch.minimum(crown, circle(x, y, cx, cy, radius))
    yield crown, main


def _boat(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield box(x, y, -0.03, 0.25, 0.03, 1.70, 0.01), _BARK
    yield taper(x, y, 0.42, 0.42, 1.60, 0.36, 0.0) + 0.25 * (x - 0.42).clamp(min=0), _CREAM
    yield taper(x, y, -0.34, 0.42, 1.35, 0.28, 0.02), _CREAM
    yield taper(x, y, 0.0, 0.0, 0.36, 0.66, 0.98), main


def _balloon(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    yield box(x, y, -0.16, 0.30, 0.16, 0.54, 0.03), _BARK
    yield box(x, y, -0.17, 0.50, -0.13, 0.95, 0.0), _DARK
    yield box(x, y, 0.13, 0.50, 0.17, 0.95, 0.0), _DARK
    envelope = torch.minimum(circle(x, y, 0.0, 1.42, 0.68), taper(x, y, 0.0, 0.82, 1.18, 0.20, 0.60))
    yield envelope, main
    yield torch.maximum(envelope, (x.abs() - 0.16 * (1 - ((y - 1.42) / 0.8) ** 2).clamp(min=0))), _CREAM


def _robot(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    for leg in (-0.18, 0.18):
        yield box(x, y, leg - 0.10, 0.0, leg + 0.10, 0.52, 0.03), _STEEL
    for arm in (-0.46, 0.46):
        yield box(x, y, arm - 0.09, 0.46, arm + 0.09, 1.04, 0.04), _STEEL
    yield box(x, y, -0.38, 0.44, 0.38, 1.08, 0.06), main
    yield box(x, y, -0.03, 1.40, 0.03, 1.60, 0.0), _STEEL
    yield box(x, y, -0.28, 1.10, 0.28, 1.48, 0.06), main
    for eye in (-0.12, 0.12):
        yield circle(x, y, eye, 1.31, 0.07), (0.98, 0.98, 0.80)


def _person(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    for leg in (-0.11, 0.11):
        yield box(x, y, leg - 0.08, 0.0, leg + 0.08, 0.55, 0.03), _DARK
    yield taper(x, y, 0.0, 0.34, 1.18, 0.34, 0.22), main
    for arm in (-0.28, 0.28):
        yield box(x, y, arm - 0.07, 0.58, arm + 0.07, 1.16, 0.06), main
    yield circle(x, y, 0.0, 1.34, 0.16), _SKIN
    yield torch.maximum(circle(x, y, 0.0, 1.37, 0.165), 1.38 - y), _DARK


def _tower(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    shaft = taper(x, y, 0.0, 0.0, 1.80, 0.40, 0.24)
    yield shaft, main
    yield torch.maximum(shaft, (y - 0.95).abs() - 0.16), _CREAM
    yield box(x, y, -0.34, 1.76, 0.34, 1.86, 0.01), _DARK
    yield box(x, y, -0.18, 1.86, 0.18, 2.10, 0.01), (1.0, 0.95, 0.65)
    yield taper(x, y, 0.0, 2.08, 2.30, 0.26, 0.02), main


def _dog(x: Tensor, y: Tensor, main: Color) -> Iterator[Part]:
    for leg in (-0.42, -0.26, 0.24, 0.40):
        yield box(x, y, leg - 0.06, 0.0, leg + 0.06, 0.42, 0.03), main
    yield box(x, y, -0.52, 0.34, 0.50, 0.68, 0.14), main
    yield box(x, y, -0.66, 0.56, -0.48, 0.86, 0.06), main
    yield circle(x, y, 0.52, 0.74, 0.19), main
    yield box(x, y, 0.56, 0.60, 0.76, 0.74, 0.05), main
    yield box(x, y, 0.38, 0.64, 0.48, 0.90, 0.04), _DARK
    yield circle(x, y, 0.57, 0.79, 0.035), _CREAM if sum(main) < 1.0 else _DARK


_BUILDERS = {
    "car": _car,
    "truck": _truck,
    "house": _house,
    "tree": _tree,
    "boat": _boat,
    "balloon": _balloon,
    "robot": _robot,
    "person": _person,
    "tower": _tower,
    "dog": _dog,
}
