"""The clips of the watermark benchmark: what each is, where it comes from, and how to make its frames again."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.raster import fit
from provenance.media import read_frames

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))

Rgb = NDArray[np.uint8]
FrameSource = Callable[[float], Iterator[Rgb]]

LANDSCAPE = (1280, 720)
PORTRAIT = (720, 1080)
BLENDER = "(c) 2008 Blender Foundation, CC BY 3.0"
INTEL = "Intel sample-videos, CC BY 4.0"
THREATEXCHANGE = "ThreatExchange samples, BSD"
IMAGEIO = "imageio test media, CC0 or public domain"
AUGLY = "AugLy test images, MIT"
OURS = "drawn here"


@dataclass(frozen=True)
class Clip:
    """One clip. `frames(seconds)` makes (H, W, 3) RGB frames anew; `longest_s` is what the source can give."""

    name: str
    kind: str
    source: str
    licence: str
    fps: Fraction
    frames: FrameSource
    native_size: tuple[int, int] | None
    longest_s: float = 5.0
    size: tuple[int, int] = LANDSCAPE

    @property
    def is_upscaled(self) -> bool:
        """True where the picture was smaller and was made larger by Lanczos."""
        return self.native_size is not None and self.native_size[0] < self.size[0]

    @property
    def origin(self) -> str:
        """One line for the table of clips."""
        if self.native_size is None:
            return self.source
        width, height = self.native_size
        return f"{self.source}, {width}x{height}{' upscaled' if self.is_upscaled else ''}"


def film(path: str, start_s: float = 0.0, size: tuple[int, int] = LANDSCAPE) -> FrameSource:
    """A stretch of a file, filling `size`."""

    def frames(seconds: float) -> Iterator[Rgb]:
        for frame in read_frames(FIXTURES / path, start_s=start_s, end_s=start_s + seconds, threads=1):
            yield fit(frame.rgb, *size)

    return frames


def montage(*parts: FrameSource) -> FrameSource:
    """The parts one after the other, each for the same time."""

    def frames(seconds: float) -> Iterator[Rgb]:
        for part in parts:
            yield from part(seconds / len(parts))

    return frames


def photo(path: str) -> Rgb:
    """(H, W, 3) RGB of a still file."""
    return next(iter(read_frames(FIXTURES / path))).rgb


def pan(
    path: str, *, corner: tuple[float, float], move: tuple[float, float], width: float, zoom: float = 1.0
) -> FrameSource:
    """A camera over a photograph: a 16:9 window `width` photo pixels wide starts with its corner at `corner`.

    It moves by `move` photo pixels a second and shrinks by the factor `zoom` a second; 25 frames a second, cubic.
    """

    def frames(seconds: float) -> Iterator[Rgb]:
        still = photo(path)
        for number in range(round(seconds * 25)):
            time_s = number / 25
            scale = width * zoom**time_s / LANDSCAPE[0]
            x, y = (start + speed * time_s for start, speed in zip(corner, move, strict=True))
            window = np.array([[scale, 0, x], [0, scale, y]])
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            yield cv2.warpAffine(still, window, LANDSCAPE, flags=flags, borderMode=cv2.BORDER_REFLECT)

    return frames


def frozen(source: FrameSource) -> FrameSource:
    """The first frame for ever, without grain: averaging over time gains nothing."""

    def frames(seconds: float) -> Iterator[Rgb]:
        return islice(repeat(next(source(1.0))), round(seconds * 25))

    return frames


def with_grain(source: FrameSource, sigma: float, *, gain: float = 1.0) -> FrameSource:
    """Every frame times `gain`, plus Gaussian grain of `sigma` levels that is new in every frame."""

    def frames(seconds: float) -> Iterator[Rgb]:
        grain = np.random.default_rng(20)
        for rgb in source(seconds):
            noisy = rgb * np.float32(gain) + sigma * grain.standard_normal(rgb.shape, dtype=np.float32)
            yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)

    return frames


def draft(prompt: str, seed: int) -> FrameSource:
    """What the shipped model makes of a prompt, brought to 720p as the platform does."""

    def frames(seconds: float) -> Iterator[Rgb]:
        from generation.engines import open_engine
        from generation.planning import plan_shot
        from generation.shots import Shot

        engine = open_engine("draft")
        width, height = LANDSCAPE
        shot = Shot(prompt, round(seconds * 24), Fraction(24), width, height, seed)
        latents = engine.denoise(
            shot, plan_shot(shot, engine.capabilities), on_progress=lambda _: None, should_stop=lambda: False
        )
        for rgb in engine.decode(latents):
            yield fit(rgb, width, height)

    return frames


def cartoon(seconds: float) -> Iterator[Rgb]:
    """Flat colours: hills roll by at two speeds, a ball bounces, the sun stands still."""
    width, height = LANDSCAPE
    across = np.arange(0, width + 1, 8)
    for number in range(round(seconds * 25)):
        time_s = number / 25
        picture: Any = np.full((height, width, 3), (126, 200, 240), np.uint8)
        cv2.circle(picture, (1050, 140), 70, (255, 226, 110), -1, cv2.LINE_AA)
        for speed, base, swing, colour in ((40, 430, 60, (96, 170, 96)), (110, 540, 40, (60, 128, 70))):
            ridge = base + swing * np.sin((across + speed * time_s) / 170) * np.cos(
                (across + speed * time_s) / 71
            )
            outline = [*zip(across, ridge, strict=True), (width, height), (0, height)]
            cv2.fillPoly(
                picture, [np.array(outline, np.float64).round().astype(np.int32)], colour, cv2.LINE_AA
            )
        bounce = abs(np.sin(3 * time_s))
        centre = (round(16 * (200 + 130 * (time_s % 8))), round(16 * (600 - 260 * bounce)))
        cv2.circle(picture, centre, 16 * 48, (216, 60, 60), -1, cv2.LINE_AA, 4)
        yield picture


def sky(seconds: float) -> Iterator[Rgb]:
    """A clear evening sky: a gradient with the faintest haze, panned slowly, dithered as a camera would."""
    width, height = LANDSCAPE
    generator = np.random.default_rng(21)
    haze: Any = cv2.GaussianBlur(
        generator.standard_normal((height, width + 600)).astype(np.float32), (0, 0), 60
    )
    haze *= 5 / np.abs(haze).max()
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    gradient = (1 - down) * np.float32([70, 110, 175]) + down * np.float32([235, 190, 160])
    for number in range(round(seconds * 25)):
        window = np.array([[1, 0, number * 0.8], [0, 1, 0]])
        drift: Any = cv2.warpAffine(haze, window, LANDSCAPE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        dither = 0.6 * generator.standard_normal((height, width, 3), dtype=np.float32)
        yield np.clip(np.rint(gradient + drift[:, :, None] + dither), 0, 255).astype(np.uint8)


_BUNNY, _BUNNY_480 = "bigbuckbunny/bigbuckbunny.mp4", "bigbuckbunny/bbb-480p-30s-video.mp4"
_COCKATOO, _SIGNS = "imageio/cockatoo.mp4", "intel-sample-videos/"
_BOTTLES, _CARS = f"{_SIGNS}bottle-detection.mp4", f"{_SIGNS}car-detection.mp4"
_CHAIR = "threatexchange/videos/chair-orig-22-sd-bar.mp4"
_DOORKNOB = "threatexchange/videos/doorknob-hd-no-bar.mp4"
_BRIDGE, _HUBBLE = "threatexchange/pdq-bridge-mods/aaa-orig.jpg", "imageio/hubble_deep_field.png"
_bridge = pan(_BRIDGE, corner=(6, 140), move=(14, 0), width=1280)
_library = pan("augly-images/dfdc_3.jpg", corner=(90, 60), move=(9, 3), width=1500)
_F = Fraction

CLIPS = (
    Clip("bunny", "animated film", "Big Buck Bunny", BLENDER, _F(25), film(_BUNNY), (1280, 720)),
    Clip(
        "bunny-sky",
        "animated film",
        "Big Buck Bunny, sky",
        BLENDER,
        _F(24),
        film(_BUNNY_480, 1),
        (854, 480),
        20,
    ),
    Clip(
        "bunny-river",
        "animated film",
        "Big Buck Bunny, brook",
        BLENDER,
        _F(24),
        film(_BUNNY_480, 9),
        (854, 480),
    ),
    Clip(
        "bunny-bird",
        "animated film",
        "Big Buck Bunny, bird",
        BLENDER,
        _F(24),
        film(_BUNNY_480, 17),
        (854, 480),
    ),
    Clip(
        "bunny-title",
        "animated film",
        "Big Buck Bunny, title",
        BLENDER,
        _F(24),
        film(_BUNNY_480, 23),
        (854, 480),
    ),
    Clip("cockatoo", "hand-held film", "cockatoo.mp4", IMAGEIO, _F(20), film(_COCKATOO), (1280, 720)),
    Clip("beak", "hand-held film", "cockatoo.mp4 from 6 s", IMAGEIO, _F(20), film(_COCKATOO, 6), (1280, 720)),
    Clip(
        "doorknob", "hand-held film", "doorknob-hd", THREATEXCHANGE, _F(30), film(_DOORKNOB), (1280, 720), 4.0
    ),
    Clip(
        "chair",
        "hand-held film, portrait",
        "chair-orig-22",
        THREATEXCHANGE,
        _F(30),
        film(_CHAIR, 0, PORTRAIT),
        (480, 720),
        20,
        PORTRAIT,
    ),
    Clip("bottles", "fixed camera", "bottle-detection", INTEL, _F(179, 6), film(_BOTTLES), (640, 360), 20),
    Clip("cars", "fixed camera, 12.5 fps", "car-detection", INTEL, _F(25, 2), film(_CARS), (768, 432), 20),
    Clip(
        "signing",
        "fixed camera, a cut",
        "again, sister",
        INTEL,
        _F(30),
        montage(film(f"{_SIGNS}again.mkv"), film(f"{_SIGNS}sister.mkv")),
        (640, 480),
    ),
    Clip(
        "draft-car",
        "the shipped model's",
        "red car",
        OURS,
        _F(24),
        draft("A red car on a street at dusk, camera pans right", 7),
        None,
    ),
    Clip(
        "draft-balloon",
        "the shipped model's",
        "hot air balloon",
        OURS,
        _F(24),
        draft("A yellow hot air balloon in the mountains at noon", 11),
        None,
    ),
    Clip(
        "draft-night",
        "the shipped model's, night",
        "lighthouse",
        OURS,
        _F(24),
        draft("A white lighthouse by the sea at night", 5),
        None,
    ),
    Clip("pan-bridge", "slow pan", "photo of a bridge", THREATEXCHANGE, _F(25), _bridge, (1280, 720), 20),
    Clip(
        "pan-library", "slow pan, grain", "dfdc_3", AUGLY, _F(25), with_grain(_library, 2.0), (1500, 844), 20
    ),
    Clip(
        "zoom-room",
        "slow zoom",
        "dfdc_2",
        AUGLY,
        _F(25),
        pan("augly-images/dfdc_2.jpg", corner=(60, 30), move=(13, 10), width=1800, zoom=0.985),
        (1800, 1012),
        20,
    ),
    Clip(
        "pan-stars",
        "slow pan, dark",
        "Hubble deep field",
        IMAGEIO,
        _F(25),
        pan(_HUBBLE, corner=(4, 100), move=(4, 8), width=900),
        (900, 506),
        20,
    ),
    Clip("cartoon", "flat animation", "shapes", OURS, _F(25), cartoon, None, 20),
    Clip("sky", "flat sky, slow pan", "gradient", OURS, _F(25), sky, None, 20),
    Clip(
        "night-river",
        "night",
        "Big Buck Bunny, brook, darkened, grain",
        BLENDER,
        _F(24),
        with_grain(film(_BUNNY_480, 9), 3.0, gain=0.16),
        (854, 480),
        20,
    ),
    Clip(
        "night-cockatoo",
        "night",
        "cockatoo.mp4, darkened, grain",
        IMAGEIO,
        _F(20),
        with_grain(film(_COCKATOO, 2), 4.0, gain=0.2),
        (1280, 720),
    ),
    Clip(
        "frozen",
        "frozen shot",
        "dfdc_1",
        AUGLY,
        _F(25),
        frozen(film("augly-images/dfdc_1.jpg")),
        (1920, 1080),
        20,
    ),
)
BY_NAME = {clip.name: clip for clip in CLIPS}
QUICK_CLIPS = ("bunny", "cockatoo", "pan-bridge", "night-river", "frozen")
