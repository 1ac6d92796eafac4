"""Draws the content that every production shares: black, white, grey, colour bars and countdown leaders."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.media import VideoWriter
from studio.errors import InputRefused

WIDTH, HEIGHT = 960, 540
FPS = Fraction(24)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

Pixels = NDArray[np.uint8]

# SMPTE EG 1: seven bars of 75 %, a strip in reversed order, and the test of black (left to right, R G B).
_BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
_REVERSED = (
    (0, 0, 191),
    (19, 19, 19),
    (191, 0, 191),
    (19, 19, 19),
    (0, 191, 191),
    (19, 19, 19),
    (191, 191, 191),
)
_BELOW = ((0, 33, 76), (255, 255, 255), (50, 0, 106), (19, 19, 19))
_PLUGE = ((9, 9, 9), (19, 19, 19), (29, 29, 29))
# EBU Tech 3325: eight full-height bars of 100/0/75/0.
_EBU = (
    (255, 255, 255),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
    (0, 0, 0),
)


def draw_content(name: str, folder: Path) -> Path:
    """A film of the content called `name`, one of COMMON, written into `folder`."""
    draw = COMMON.get(name)
    if draw is None:
        raise InputRefused(f"Slate draws no {name!r}.", f"It draws {', '.join(COMMON)}.")
    path = folder / "drawn.mp4"
    with VideoWriter(path, WIDTH, HEIGHT, FPS, preset="veryfast", threads=1) as writer:
        for picture in draw():
            writer.write(picture)
    return path


def _flat(level: int, seconds: int = 3) -> Callable[[], Iterator[Pixels]]:
    def draw() -> Iterator[Pixels]:
        for _ in range(seconds * int(FPS)):
            yield np.full((HEIGHT, WIDTH, 3), level, np.uint8)

    return draw


def _steady(picture: Callable[[], Pixels], seconds: int = 3) -> Callable[[], Iterator[Pixels]]:
    def draw() -> Iterator[Pixels]:
        drawn = picture()
        for _ in range(seconds * int(FPS)):
            yield drawn

    return draw


def _columns(colours: tuple[tuple[int, int, int], ...], height: int, width: int = WIDTH) -> Pixels:
    edges = np.linspace(0, width, len(colours) + 1).round().astype(int)
    strip = np.zeros((height, width, 3), np.uint8)
    for colour, left, right in zip(colours, edges[:-1], edges[1:], strict=True):
        strip[:, left:right] = colour
    return strip


def smpte_bars() -> Pixels:
    """Colour bars as in SMPTE EG 1-1990."""
    top, middle = HEIGHT * 2 // 3, HEIGHT // 12
    below = HEIGHT - top - middle
    bar = WIDTH // 7
    wide = _columns(_BELOW, below, bar * 5)
    right = np.zeros((below, WIDTH - bar * 5, 3), np.uint8)
    right[:, :bar] = _columns(_PLUGE, below, bar)
    right[:, bar:] = 19
    return np.vstack([_columns(_BARS, top), _columns(_REVERSED, middle), np.hstack([wide, right])])


def ebu_bars() -> Pixels:
    """Colour bars as in EBU Tech 3325, 100/0/75/0."""
    return _columns(_EBU, HEIGHT)


def grey_ramp() -> Pixels:
    """Eleven steps from black to white above the same from white to black."""
    steps = tuple((level, level, level) for level in np.linspace(0, 255, 11).round().astype(int).tolist())
    return np.vstack([_columns(steps, HEIGHT // 2), _columns(steps[::-1], HEIGHT - HEIGHT // 2)])


def countdown(first: int = 8, last: int = 2) -> Iterator[Pixels]:
    """A leader that counts seconds down within two circles while a hand goes round, as film leaders do."""
    centre, fps = (WIDTH // 2, HEIGHT // 2), int(FPS)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.degrees(np.arctan2(x - centre[0], centre[1] - y)) % 360
    for number in range(first, last - 1, -1):
        size, _ = cv2.getTextSize(str(number), _FONT, 9.0, 26)
        origin = (centre[0] - size[0] // 2, centre[1] + size[1] // 2)
        for frame in range(fps):
            picture = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
            picture[angle < 360 * frame / fps] = 105
            cv2.line(picture, (0, centre[1]), (WIDTH, centre[1]), (30, 30, 30), 3)
            cv2.line(picture, (centre[0], 0), (centre[0], HEIGHT), (30, 30, 30), 3)
            for radius in (HEIGHT * 42 // 100, HEIGHT * 37 // 100):
                cv2.circle(picture, centre, radius, (235, 235, 235), 6, cv2.LINE_AA)
            cv2.putText(picture, str(number), origin, _FONT, 9.0, (20, 20, 20), 26, cv2.LINE_AA)
            yield picture


COMMON: dict[str, Callable[[], Iterator[Pixels]]] = {
    "Black": _flat(0),
    "White": _flat(255),
    "Grey": _flat(128),
    "Colour bars (SMPTE)": _steady(smpte_bars),
    "Colour bars (EBU)": _steady(ebu_bars),
    "Grey steps": _steady(grey_ramp),
    "Countdown leader": countdown,
}
