"""Copies for the fingerprint benchmark: stretches of real clips under the edits that copies are found with."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from benchmarks import watermark_attacks as attacks
from benchmarks.watermark_attacks import Rgb, Video
from benchmarks.watermark_codecs import Encoding, encode
from provenance.media import probe, read_frames

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
QUERY_S = 6.5
PAD_S = 3.0
USUAL = Encoding("h264", 28)
FOREIGN = "intel-sample-videos/bottle-detection.mp4"
FOREIGN_FOR_FOREIGN = "bigbuckbunny/bbb-480p-30s-video.mp4"

# Every real clip that lasts, and where 6.5 s are taken from it.
SOURCES: dict[str, tuple[float, ...]] = {
    "bigbuckbunny/bbb-480p-30s-video.mp4": (1.3, 9.2, 16.7, 23.1),
    "imageio/cockatoo.mp4": (0.7, 6.9),
    "intel-sample-videos/bottle-detection.mp4": (2.1, 12.4, 22.6, 31.3),
    "intel-sample-videos/car-detection.mp4": (1.7, 9.3, 21.4),
    "threatexchange/videos/chair-orig-22-sd-bar.mp4": (0.9, 7.7, 14.6),
}


@dataclass(frozen=True)
class Edit:
    """One way to change a copy. `share` is the part of copies of it that must be found."""

    name: str
    share: float
    pictures: Callable[[Rgb], Rgb] | None = None
    encoding: Encoding = USUAL
    speed: Fraction = Fraction(1)
    is_mirrored: bool = False
    is_spliced: bool = False


def _bars(rgb: Rgb, *, across: float = 0.0, down: float = 0.0) -> Rgb:
    height, width = rgb.shape[:2]
    x, y = round(across * width / 2), round(down * height / 2)
    return np.asarray(cv2.copyMakeBorder(rgb, y, y, x, x, cv2.BORDER_CONSTANT, value=(0, 0, 0)), np.uint8)


def _crop(rgb: Rgb, *, per_side: float) -> Rgb:
    height, width = rgb.shape[:2]
    y, x = int(per_side * height), int(per_side * width)
    return np.ascontiguousarray(rgb[y : height - y, x : width - x])


def _logo(rgb: Rgb) -> Rgb:
    """An opaque badge with a ring over 15 % of the area, in the upper right corner."""
    height, width = rgb.shape[:2]
    marked, side = rgb.copy(), 0.15**0.5
    left, bottom = round(width * (1 - side)), round(height * side)
    cv2.rectangle(marked, (left, 0), (width, bottom), (190, 30, 40), -1)
    centre = ((left + width) // 2, bottom // 2)
    cv2.circle(marked, centre, bottom // 3, (250, 240, 230), max(2, bottom // 12), cv2.LINE_AA)
    return marked


def _within(rgb: Rgb, *, share: float) -> Rgb:
    """The picture at `share` of its sides, off the centre, over a drawn studio background."""
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 40 * np.sin(columns / width * 21 + 3 * np.sin(rows / height * 9))
    canvas = np.stack([90 + waves, 60 + 90 * rows / height, 130 - waves / 2], -1).astype(np.uint8)
    small = cv2.resize(rgb, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    top, left = int((height - small.shape[0]) * 0.35), int((width - small.shape[1]) * 0.7)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


EDITS = (
    Edit("cut out of the middle", 1.0),
    Edit("x264 CRF 35", 1.0, encoding=Encoding("h264", 35)),
    Edit("240p", 1.0, lambda rgb: attacks.resize_to(rgb, short_side=240)),
    Edit("greyscale", 1.0, lambda rgb: attacks.recolour(rgb, saturation=0.0)),
    Edit("gamma 1.6", 1.0, lambda rgb: attacks.gamma(rgb, exponent=1.6)),
    Edit("letterbox", 1.0, lambda rgb: _bars(rgb, down=0.25)),
    Edit("pillarbox", 1.0, lambda rgb: _bars(rgb, across=0.34)),
    Edit("mirror", 1.0, attacks.mirror, is_mirrored=True),
    Edit("speed 0.5", 1.0, speed=Fraction(1, 2)),
    Edit("speed 0.8", 1.0, speed=Fraction(4, 5)),
    Edit("speed 1.25", 1.0, speed=Fraction(5, 4)),
    Edit("speed 2", 1.0, speed=Fraction(2)),
    Edit("spliced into another clip", 1.0, is_spliced=True),
    Edit("crop 10 % per side", 0.95, lambda rgb: _crop(rgb, per_side=0.10)),
    Edit("logo over 15 %", 0.95, _logo),
    Edit("caption", 0.95, attacks.lower_third),
    Edit("rotation 3°", 0.95, lambda rgb: attacks.rotate(rgb, degrees=3)),
    Edit("picture-in-picture at 75 %", 0.95, lambda rgb: _within(rgb, share=0.75)),
    Edit("picture-in-picture at 50 %", 0.85, lambda rgb: _within(rgb, share=0.5)),
    Edit("crop 20 % per side", 0.85, lambda rgb: _crop(rgb, per_side=0.20)),
)


@dataclass(frozen=True)
class Copy:
    """A made copy and the truth about it, in seconds."""

    path: Path
    source: str
    edit: Edit
    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float

    @property
    def speed(self) -> float:
        """Reference seconds per query second."""
        return float(self.edit.speed)


def make_copy(source: str, start_s: float, edit: Edit, folder: Path) -> Copy:
    """The copy, made now or kept from an earlier run; its frames are counted, so its times are exact."""
    fps = probe(FIXTURES / source).fps
    frames_taken = min(round(QUERY_S * float(edit.speed) * fps), _frames_left(source, start_s, fps))
    first = round(start_s * fps)
    path = folder / f"{Path(source).stem}-{start_s:g}-{edit.name.replace(' ', '-').replace('%', 'pc')}.mp4"
    query_frames = int(frames_taken / edit.speed)
    pad_frames = round(PAD_S * fps) if edit.is_spliced else 0
    if not path.exists():
        size = _size_of(source)
        video = attacks.speed(Video(fps, _stretch(source, first, frames_taken)), factor=float(edit.speed))
        shown: Iterable[Rgb] = video.frames if edit.pictures is None else map(edit.pictures, video.frames)
        if edit.is_spliced:
            foreign = FOREIGN_FOR_FOREIGN if source == FOREIGN else FOREIGN
            shown = chain(
                _foreign(foreign, 0.0, pad_frames, fps, size),
                shown,
                _foreign(foreign, 8.0, pad_frames, fps, size),
            )
        encode(map(_even, shown), fps, path, edit.encoding)
    return Copy(
        path=path,
        source=source,
        edit=edit,
        query_start_s=float(pad_frames / fps),
        query_end_s=float((pad_frames + query_frames) / fps),
        reference_start_s=float(first / fps),
        reference_end_s=float((first + frames_taken) / fps),
    )


def _frames_left(source: str, start_s: float, fps: Fraction) -> int:
    return int((probe(FIXTURES / source).duration_s - start_s) * fps) - 1


def _size_of(source: str) -> tuple[int, int]:
    info = probe(FIXTURES / source)
    return info.width, info.height


def _stretch(source: str, first: int, count: int) -> Iterator[Rgb]:
    fps = probe(FIXTURES / source).fps
    for frame in read_frames(FIXTURES / source, end_s=float((first + count) / fps)):
        if frame.index >= first:
            yield frame.rgb


def _foreign(source: str, start_s: float, count: int, fps: Fraction, size: tuple[int, int]) -> Iterator[Rgb]:
    """`count` frames of another clip at this rate and size."""
    own_fps = probe(FIXTURES / source).fps
    end_s = start_s + float(count / fps) + 0.5
    frames = (frame.rgb for frame in read_frames(FIXTURES / source, start_s=start_s, end_s=end_s))
    for number, rgb in enumerate(attacks.change_rate(Video(own_fps, frames), fps=fps).frames):  # type: ignore[arg-type]
        if number == count:
            return
        yield np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _even(rgb: Rgb) -> Rgb:
    height, width = rgb.shape[:2]
    return np.ascontiguousarray(rgb[: height - height % 2, : width - width % 2])
