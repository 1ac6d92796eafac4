"""The colours of the rendered world: subjects, grounds and lights, as linear RGB-like triples in 0..1."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[float, float, float]

SUBJECT_COLORS: dict[str, Color] = {
    "red": (0.86, 0.10, 0.10),
    "blue": (0.10, 0.25, 0.86),
    "green": (0.08, 0.62, 0.20),
    "yellow": (0.96, 0.86, 0.12),
    "orange": (0.98, 0.50, 0.06),
    "purple": (0.58, 0.14, 0.74),
    "white": (0.96, 0.96, 0.96),
    "black": (0.07, 0.07, 0.09),
}


@dataclass(frozen=True)
class Light:
    """How one light paints the world.

    `zenith` and `horizon` are the sky's two ends, `ambient` multiplies everything lit, `haze` is how far the farthest
    layer fades into the horizon colour (0..1), `disc` is the sun's or moon's colour (None: hidden), `stars` the number
    of stars, `clouds` the cover 0..1.
    """

    zenith: Color
    horizon: Color
    ambient: Color
    haze: float
    disc: Color | None
    disc_height: float
    stars: int
    clouds: float


LIGHTS: dict[str, Light] = {
    "day": Light(
        (0.22, 0.50, 0.92), (0.72, 0.87, 0.98), (1.0, 1.0, 0.98), 0.35, (1.0, 0.98, 0.85), 0.36, 0, 0.5
    ),
    "sunset": Light(
        (0.34, 0.20, 0.42), (1.0, 0.52, 0.16), (0.95, 0.66, 0.50), 0.45, (1.0, 0.80, 0.35), 0.06, 0, 0.4
    ),
    "sunrise": Light(
        (0.52, 0.60, 0.86), (1.0, 0.74, 0.74), (0.98, 0.86, 0.88), 0.5, (1.0, 0.93, 0.80), 0.10, 0, 0.3
    ),
    "night": Light(
        (0.01, 0.02, 0.09), (0.07, 0.10, 0.24), (0.34, 0.38, 0.55), 0.3, (0.92, 0.94, 1.0), 0.33, 70, 0.0
    ),
    "overcast": Light((0.52, 0.55, 0.60), (0.74, 0.76, 0.79), (0.72, 0.74, 0.77), 0.45, None, 0.0, 0, 1.0),
    "fog": Light((0.78, 0.80, 0.82), (0.83, 0.84, 0.86), (0.86, 0.87, 0.89), 0.9, None, 0.0, 0, 0.0),
}


@dataclass(frozen=True)
class Land:
    """What one setting is made of: ground colours far and near, texture strength, the far range and the middle row."""

    ground_far: Color
    ground_near: Color
    texture: float
    far: str
    far_color: Color
    middle: str
    middle_color: Color


LANDS: dict[str, Land] = {
    "desert": Land(
        (0.90, 0.74, 0.46), (0.84, 0.62, 0.34), 0.10, "dunes", (0.88, 0.66, 0.38), "cacti", (0.25, 0.50, 0.25)
    ),
    "sea": Land(
        (0.93, 0.87, 0.68), (0.88, 0.78, 0.55), 0.06, "island", (0.35, 0.48, 0.45), "none", (0.0, 0.0, 0.0)
    ),
    "city": Land(
        (0.42, 0.43, 0.46),
        (0.30, 0.31, 0.34),
        0.10,
        "skyline",
        (0.48, 0.52, 0.60),
        "blocks",
        (0.42, 0.36, 0.34),
    ),
    "forest": Land(
        (0.22, 0.40, 0.16),
        (0.16, 0.30, 0.12),
        0.18,
        "treeline",
        (0.14, 0.30, 0.18),
        "conifers",
        (0.08, 0.26, 0.13),
    ),
    "mountains": Land(
        (0.50, 0.56, 0.40), (0.40, 0.42, 0.32), 0.16, "peaks", (0.44, 0.48, 0.60), "rocks", (0.46, 0.44, 0.43)
    ),
    "meadow": Land(
        (0.52, 0.78, 0.28),
        (0.36, 0.66, 0.20),
        0.14,
        "hills",
        (0.40, 0.66, 0.34),
        "bushes",
        (0.20, 0.48, 0.16),
    ),
    "snow": Land(
        (0.93, 0.96, 1.0),
        (0.86, 0.91, 0.98),
        0.05,
        "whitehills",
        (0.84, 0.90, 0.97),
        "conifers",
        (0.20, 0.36, 0.34),
    ),
}

WATER: Color = (0.12, 0.38, 0.55)
SNOWCAP: Color = (0.95, 0.97, 1.0)
