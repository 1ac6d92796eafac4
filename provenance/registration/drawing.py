"""Draws a tamper map as a picture that needs no explanation: what is different glows and carries a number."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.registration.clip import Rgb
from provenance.registration.evening import Mask
from provenance.registration.mapping import Region, TamperMap
from provenance.registration.result import Pair, Registration

WIDTH = 960
_QUALITY = 88
_UNSEEN_LIGHT = 0.3
_HATCH_PX = 14
_CALM_LIGHT = 0.75
_GLOW = 0.45
_HOTTEST = 3.0
_OUTLINE = (255, 196, 0)
_TAG_PX = 30


def draw_tamper_map(tamper: TamperMap, registration: Registration, width: int = WIDTH) -> bytes:
    """A JPEG of the take's whole picture, `width` pixels wide.

    Where the suspect shows it, its own frame is laid in, drained of colour; what departs from the take glows from
    amber to red inside a numbered outline (numbers as in `tamper.regions`, from 1); what the suspect does not show
    is dark and hatched. Raises ValueError where nothing was registered.
    """
    if not registration.pairs:
        raise ValueError("There is nothing to draw: the suspect was not registered.")
    pair = _most_telling(tamper.regions, registration.pairs)
    size = width, max(2, round(width * pair.take.shape[0] / pair.take.shape[1]))
    picture = _base(pair, size)
    picture = _glow(picture, tamper, size)
    for number, region in enumerate(tamper.regions, start=1):
        _outline(picture, tamper.tampered, region, number)
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise ValueError(f"A picture of {size[0]}x{size[1]} cannot be encoded as JPEG.")
    return encoded.tobytes()


def _most_telling(regions: Sequence[Region], pairs: Sequence[Pair]) -> Pair:
    """The pair in the middle of the largest region's time, or of the whole."""
    times = (
        (regions[0].start_s, regions[0].end_s) if regions else (pairs[0].take_time_s, pairs[-1].take_time_s)
    )
    middle_s = sum(times) / 2
    return min(pairs, key=lambda pair: abs(pair.take_time_s - middle_s))


def _base(pair: Pair, size: tuple[int, int]) -> Rgb:
    take, suspect = (
        cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
        for rgb in (pair.take, pair.suspect)
    )
    inside = cv2.resize(pair.inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    dark = take.astype(np.float32) * _UNSEEN_LIGHT
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]]
    dark[(xs + ys) % _HATCH_PX < 2] += 40
    calm = _drained(suspect) * _CALM_LIGHT
    return np.where(inside[..., None], calm, dark).clip(0, 255).astype(np.uint8)


def _drained(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    return (0.35 * rgb.astype(np.float32) + 0.65 * grey).astype(np.float32)


def _glow(picture: Rgb, tamper: TamperMap, size: tuple[int, int]) -> Rgb:
    heat = np.where(tamper.tampered, np.clip(tamper.heat / _HOTTEST, 0.25, 1), 0).astype(np.float32)
    heat = cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)[..., None]
    amber, red = np.array([255, 176, 0], np.float32), np.array([235, 30, 20], np.float32)
    colour = amber * (1 - heat) + red * heat
    share = _GLOW * np.minimum(heat * 3, 1)
    lit: Rgb = (picture * (1 - share) + colour * share).clip(0, 255).astype(np.uint8)
    return lit


def _outline(picture: Rgb, tampered: Mask, region: Region, number: int) -> None:
    """Draws into `picture`: the region's own outline, and its number at the upper left corner of its box."""
    height, width = picture.shape[:2]
    rows, columns = tampered.shape
    x0, y0, x1, y1 = (
        round(v) for v in (region.x0 * columns, region.y0 * rows, region.x1 * columns, region.y1 * rows)
    )
    own = np.zeros((rows, columns), np.uint8)
    own[y0:y1, x0:x1] = tampered[y0:y1, x0:x1]
    large = cv2.resize(own * 255, (width, height), interpolation=cv2.INTER_LINEAR)
    edges, _ = cv2.findContours((large > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, edges, -1, _OUTLINE, 2, cv2.LINE_AA)
    left = min(max(0, round(region.x0 * width)), width - _TAG_PX)
    top = min(max(0, round(region.y0 * height)), height - _TAG_PX)
    cv2.rectangle(picture, (left, top), (left + _TAG_PX, top + _TAG_PX), _OUTLINE, cv2.FILLED)
    text = str(number)
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
    place = left + (_TAG_PX - wide) // 2, top + (_TAG_PX + high) // 2
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2, cv2.LINE_AA)
