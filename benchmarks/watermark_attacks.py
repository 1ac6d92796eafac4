"""What is done to marked clips: edits of one picture and edits in time, exact and repeatable, RGB in and RGB out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Video:
    """Frames of (H, W, 3) uint8 RGB that can be walked once, at a steady rate."""

    fps: Fraction
    frames: Iterable[Rgb]


@dataclass(frozen=True)
class Step:
    """One edit: a function of this module and its arguments."""

    function: Callable[..., Any]
    arguments: dict[str, Any] = field(default_factory=dict)
    is_in_time: bool = False

    def apply(self, video: Video) -> Video:
        """The edited video; nothing is held but what the edit needs."""
        if self.is_in_time:
            result: Video = self.function(video, **self.arguments)
            return result
        return Video(video.fps, (self.function(rgb, **self.arguments) for rgb in video.frames))


def edit(function: Callable[..., Rgb], **arguments: Any) -> Step:
    """A step that treats every picture alike."""
    return Step(function, arguments)


def retime(function: Callable[..., Video], **arguments: Any) -> Step:
    """A step that needs the video as a whole."""
    return Step(function, arguments, is_in_time=True)


def resize(rgb: Rgb, *, factor: float) -> Rgb:
    """Both sides times `factor`, rounded to even; area averaging down, cubic up."""
    height, width = rgb.shape[:2]
    return _resized(rgb, _even(width * factor), _even(height * factor))


def resize_to(rgb: Rgb, *, short_side: int) -> Rgb:
    """The shorter side becomes `short_side` pixels."""
    return resize(rgb, factor=short_side / min(rgb.shape[:2]))


def crop(rgb: Rgb, *, share: float, is_zoomed: bool = False) -> Rgb:
    """Keeps `share` of each side, off the centre at odd offsets; `is_zoomed` brings it back to the full size."""
    height, width = rgb.shape[:2]
    kept_width, kept_height = _even(width * share), _even(height * share)
    left = int(0.6 * (width - kept_width)) | 1
    top = int(0.3 * (height - kept_height)) | 1
    kept = np.ascontiguousarray(rgb[top : top + kept_height, left : left + kept_width])
    return _resized(kept, width, height) if is_zoomed else kept


def squeeze(rgb: Rgb) -> Rgb:
    """16:9 shown as 4:3: the longer side becomes three quarters as long, nothing is cut."""
    height, width = rgb.shape[:2]
    return (
        _resized(rgb, _even(width * 0.75), height)
        if width > height
        else _resized(rgb, width, _even(height * 0.75))
    )


def repost(rgb: Rgb) -> Rgb:
    """1080x1920: the whole picture fitted in the middle, above a blurred, darkened blow-up of itself."""
    width, height = 1080, 1920
    factor = min(width / rgb.shape[1], height / rgb.shape[0])
    fitted = _resized(rgb, _even(rgb.shape[1] * factor), _even(rgb.shape[0] * factor))
    small = _resized(_filling(rgb, width, height), width // 8, height // 8)
    canvas = (_resized(cv2.GaussianBlur(small, (0, 0), 4), width, height) * 0.6).astype(np.uint8)
    left, top = (width - fitted.shape[1]) // 2, (height - fitted.shape[0]) // 2
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return canvas


def repost_cut(rgb: Rgb) -> Rgb:
    """1080x1920 filled by the middle of the picture: 8/3 as large from 720p, two thirds of the width lost."""
    return _filling(rgb, 1080, 1920)


def rotate(rgb: Rgb, *, degrees: float) -> Rgb:
    """Turned counter-clockwise about the centre, cubic, on the same canvas; the corners are black."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return _as_rgb(cv2.warpAffine(rgb, turn, (width, height), flags=cv2.INTER_CUBIC))


def quarter_turn(rgb: Rgb, *, turns: int) -> Rgb:
    """Turned counter-clockwise by `turns` times 90 degrees."""
    return np.ascontiguousarray(np.rot90(rgb, turns))


def mirror(rgb: Rgb) -> Rgb:
    """Left becomes right."""
    return np.ascontiguousarray(rgb[:, ::-1])


def brighten(rgb: Rgb, *, levels: float) -> Rgb:
    """`levels` of 255 added to every channel."""
    return _by_table(rgb, np.arange(256) + levels)


def contrast(rgb: Rgb, *, factor: float) -> Rgb:
    """The distance from middle grey times `factor`."""
    return _by_table(rgb, (np.arange(256) - 128) * factor + 128)


def gamma(rgb: Rgb, *, exponent: float) -> Rgb:
    """255 (v / 255)^exponent: below 1 brighter, above 1 darker."""
    return _by_table(rgb, 255 * (np.arange(256) / 255) ** exponent)


def recolour(rgb: Rgb, *, saturation: float) -> Rgb:
    """The distance of every channel from the pixel's grey times `saturation`."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[:, :, None]
    return _as_rgb(cv2.addWeighted(rgb, saturation, np.repeat(grey, 3, axis=2), 1 - saturation, 0))


def blur(rgb: Rgb, *, sigma: float) -> Rgb:
    """Gaussian, `sigma` in pixels."""
    return _as_rgb(cv2.GaussianBlur(rgb, (0, 0), sigma))


def sharpen(rgb: Rgb) -> Rgb:
    """Unsharp mask: what a Gaussian of 1.5 pixels takes away is added once more."""
    return _as_rgb(cv2.addWeighted(rgb, 2.0, cv2.GaussianBlur(rgb, (0, 0), 1.5), -1.0, 0))


def logo(rgb: Rgb) -> Rgb:
    """An opaque badge over one ninth of the area, in the upper right third."""
    height, width = rgb.shape[:2]
    marked = rgb.copy()
    left, bottom = width - width // 3, height // 3
    cv2.rectangle(marked, (left, 0), (width, bottom), (24, 40, 120), -1)
    cv2.circle(marked, (width - width // 6, height // 6), height // 8, (250, 210, 40), -1, cv2.LINE_AA)
    return marked


def lower_third(rgb: Rgb) -> Rgb:
    """A caption bar, four fifths opaque, over the height from 70 to 90 %, with a line of text."""
    height, width = rgb.shape[:2]
    marked = rgb.copy()
    bar = marked[int(0.7 * height) : int(0.9 * height)]
    bar[...] = np.rint(0.2 * bar + 0.8 * np.float32([20, 20, 60])).astype(np.uint8)
    size = width / 500
    cv2.putText(
        marked, "LIVE  The evening report", (width // 16, int(0.83 * height)), cv2.FONT_HERSHEY_SIMPLEX, size,
        (255, 255, 255), max(1, round(2 * size)), cv2.LINE_AA,
    )  # fmt: skip
    return marked


def add_noise(video: Video, *, sigma: float) -> Video:
    """Gaussian noise of `sigma` levels, new in every frame and channel."""
    generator = np.random.default_rng(31)

    def frames() -> Iterator[Rgb]:
        for rgb in video.frames:
            noisy = rgb + sigma * generator.standard_normal(rgb.shape, dtype=np.float32)
            yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)

    return Video(video.fps, frames())


def denoise(video: Video) -> Video:
    """Bilateral in space (5 px, 25 levels), then half of the last frame wherever it differs by less than 8 levels."""

    def frames() -> Iterator[Rgb]:
        last: Any = None
        for rgb in video.frames:
            smooth: Any = cv2.bilateralFilter(rgb, 5, 25, 2).astype(np.float32)
            if last is not None and last.shape == smooth.shape:
                still = cv2.blur(np.abs(smooth - last).max(axis=2), (3, 3)) < 8
                smooth = np.where(still[:, :, None], (smooth + last) / 2, smooth)
            last = smooth
            yield np.rint(smooth).astype(np.uint8)

    return Video(video.fps, frames())


def drop_every_second(video: Video) -> Video:
    """Half of the frames at half the rate."""
    return Video(video.fps / 2, islice(video.frames, 0, None, 2))


def drop_at_random(video: Video, *, share: float) -> Video:
    """Loses frames by chance and plays the rest at the same rate: a stutter and a shorter clip."""
    generator = np.random.default_rng(32)
    return Video(video.fps, (rgb for rgb in video.frames if generator.random() >= share))


def change_rate(video: Video, *, fps: int) -> Video:
    """The same duration at another rate; every moment shows the frame that was on screen."""
    return Video(Fraction(fps), _sampled(video.frames, video.fps / fps))


def blend_rate(video: Video, *, fps: int) -> Video:
    """The same duration at another rate; between two frames both are mixed."""

    def frames() -> Iterator[Rgb]:
        step, number, before = video.fps / fps, 0, None
        for index, rgb in enumerate(video.frames):
            while before is not None and number * step <= index:
                late = float(number * step - (index - 1))
                yield _as_rgb(cv2.addWeighted(before, 1 - late, rgb, late, 0))
                number += 1
            before = rgb

    return Video(Fraction(fps), frames())


def speed(video: Video, *, factor: float) -> Video:
    """Played `factor` times as fast at the same rate: frames are left out or shown twice."""
    return Video(video.fps, _sampled(video.frames, Fraction(factor).limit_denominator(100)))


def trim(video: Video, *, start_s: float, seconds: float) -> Video:
    """Only the stretch of `seconds` from `start_s`."""
    first = round(start_s * video.fps)
    return Video(video.fps, islice(video.frames, first, first + round(seconds * video.fps)))


def _sampled(frames: Iterable[Rgb], step: Fraction) -> Iterator[Rgb]:
    number = 0
    for index, rgb in enumerate(frames):
        while number * step < index + 1:
            yield rgb
            number += 1


def _by_table(rgb: Rgb, levels: NDArray[np.floating]) -> Rgb:
    return _as_rgb(cv2.LUT(rgb, np.clip(np.rint(levels), 0, 255).astype(np.uint8)))


def _filling(rgb: Rgb, width: int, height: int) -> Rgb:
    factor = max(width / rgb.shape[1], height / rgb.shape[0])
    kept_width, kept_height = round(width / factor), round(height / factor)
    left, top = (rgb.shape[1] - kept_width) // 2, (rgb.shape[0] - kept_height) // 2
    return _resized(rgb[top : top + kept_height, left : left + kept_width], width, height)


def _resized(rgb: Rgb, width: int, height: int) -> Rgb:
    is_smaller = width * height < rgb.shape[0] * rgb.shape[1]
    return _as_rgb(
        cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC)
    )


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


def _as_rgb(picture: Any) -> Rgb:
    result: Rgb = picture
    return result
