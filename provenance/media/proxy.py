"""Makes a small film and a still of any clip, to be looked at in a browser beside another one."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ProvenanceError
from provenance.media.audio import AudioFormat, Samples, read_audio
from provenance.media.limits import Limits
from provenance.media.poster import write_jpeg
from provenance.media.probing import MediaInfo, probe
from provenance.media.reading import Frame, read_frames
from provenance.media.writing import VideoWriter

PROXY_HEIGHT = 480
POSTER_WIDTH = 640
PROXY_CRF = 28
PROXY_SOUND_HZ = 48_000
_MIN_FPS, _MAX_FPS = Fraction(1), Fraction(60)
# A still is chosen among the frames at these seconds, so that it is neither the black before a film nor its title.
_POSTER_AT_S = (0.0, 1.0, 3.0, 8.0, 20.0, 60.0, 180.0)
_CLEARLY_LIVELIER = 1.3
_TOLERANCE_S = 1e-3
_SQRT_HALF = np.float32(0.5**0.5)


@dataclass(frozen=True)
class Proxy:
    """What was made: of a still, a poster alone (`fps` 1, one frame, `has_film` False).

    quarter_turns: clockwise, by which the pictures were turned as the file says.
    """

    width: int
    height: int
    fps: Fraction
    duration_frames: int
    has_film: bool
    has_sound: bool
    poster_width: int
    poster_height: int
    quarter_turns: int


def make_proxy(
    source: Path | str,
    film: Path | str,
    poster: Path | str,
    *,
    limits: Limits | None = None,
    threads: int = 2,
) -> Proxy:
    """Writes `source` as H.264 at most 480 lines high, with AAC sound where there is any, and a JPEG of it.

    Pictures keep their times to within a frame: where a file has no steady rate, they are repeated or left out. They
    are turned as the file says they are to be shown. Sound that cannot be read is left out. Raises what `probe` and
    `read_frames` raise, and EncodingFailed; nothing is left at `film` on failure.
    """
    source, limits = Path(source), limits or Limits()
    info = probe(source, limits)
    stills = _Stills()
    if info.is_still:
        for frame in read_frames(source, limits=limits, threads=threads):
            stills.offer(frame)
        width, height = stills.write(poster)
        return Proxy(width, height, Fraction(1), 1, False, False, width, height, stills.quarter_turns)
    fps = min(max(info.fps, _MIN_FPS), _MAX_FPS).limit_denominator(100_000)
    maker = _Maker(source, Path(film), info, fps, limits, threads)
    maker.run(stills)
    poster_width, poster_height = stills.write(poster)
    return Proxy(
        *maker.size,
        fps,
        maker.frames_written,
        True,
        maker.sound is not None,
        poster_width,
        poster_height,
        stills.quarter_turns,
    )


def proxy_size(width: int, height: int, quarter_turns: int = 0) -> tuple[int, int]:
    """Even width and height of at most 480 lines in the shape of the picture as it is shown; never enlarged."""
    if quarter_turns % 2:
        width, height = height, width
    scale = min(1.0, PROXY_HEIGHT / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class _Maker:
    """One pass over one file."""

    def __init__(
        self, source: Path, film: Path, info: MediaInfo, fps: Fraction, limits: Limits, threads: int
    ) -> None:
        self._source, self._film, self._fps = source, film, fps
        self._limits, self._threads = limits, threads
        self._coded = (info.width, info.height)
        self.sound = _sound_of(source, limits) if info.has_audio else None
        self.size = (0, 0)
        self.frames_written = 0
        self._is_over = False

    def run(self, stills: "_Stills") -> None:
        frames = read_frames(self._source, limits=self._limits, threads=self._threads)
        first = next(frames)
        self.size = proxy_size(*self._coded, first.quarter_turns)
        with VideoWriter(
            self._film,
            *self.size,
            self._fps,
            crf=PROXY_CRF,
            preset="veryfast",
            threads=self._threads,
            audio=AudioFormat(PROXY_SOUND_HZ, 2) if self.sound is not None else None,
        ) as writer:
            heard = self._heard(writer)
            shown = first
            stills.offer(first)
            for frame in frames:
                self._hold(writer, shown, until_s=frame.time_s)
                next(heard, None)
                stills.offer(frame)
                shown = frame
            self._hold(writer, shown, until_s=shown.time_s + float(1 / self._fps))
            self._is_over = True
            for _ in heard:
                pass

    def _hold(self, writer: VideoWriter, frame: Frame, until_s: float) -> None:
        """Writes `frame` for every tick of the steady rate from where the film stands until `until_s`."""
        picture = None
        while self.frames_written == 0 or self.frames_written / self._fps < until_s - _TOLERANCE_S:
            picture = picture or frame.scaled(*self.size)
            writer.write(picture)
            self.frames_written += 1

    def _heard(self, writer: VideoWriter) -> Iterator[None]:
        """Writes sound up to where the picture stands each time it is asked, and the rest at the end."""
        for samples in self.sound or ():
            writer.write_audio(samples)
            while not self._is_over and writer.audio_seconds_written > self.frames_written / self._fps:
                yield


def _sound_of(source: Path, limits: Limits) -> Iterator[Samples] | None:
    """The sound in stereo up to where it breaks, if it does; None where there is none to be heard."""

    def rest() -> Iterator[Samples]:
        try:
            for block in blocks:
                yield _in_stereo(block.samples)
        except ProvenanceError:
            return

    blocks = read_audio(source, sample_rate=PROXY_SOUND_HZ, limits=limits)
    try:
        first = next(blocks)
    except (ProvenanceError, StopIteration):
        return None
    return chain([_in_stereo(first.samples)], rest())


def _in_stereo(samples: Samples) -> Samples:
    """(n, 2): one channel twice, two as they are, 5.1 and 7.1 mixed down as in ITU-R BS.775, else the first two."""
    count = samples.shape[1]
    if count == 1:
        return np.repeat(samples, 2, axis=1)
    mixed = samples[:, :2]
    if count in (6, 8):
        # Left, right, centre, low frequencies, then pairs of surround loudspeakers.
        mixed = mixed + _SQRT_HALF * samples[:, 2:3]
        for pair in range(4, count, 2):
            mixed = mixed + _SQRT_HALF * samples[:, pair : pair + 2]
        mixed = np.clip(mixed, -1.0, 1.0)
    return np.ascontiguousarray(mixed, np.float32)


class _Stills:
    """Keeps the liveliest of a few early frames as a clip's poster."""

    def __init__(self) -> None:
        self._due = list(_POSTER_AT_S)
        self._best: NDArray[np.uint8] | None = None
        self._contrast = -1.0
        self.quarter_turns = 0

    def offer(self, frame: Frame) -> None:
        """Looks at the frame if one of its time is wanted."""
        if not self._due or frame.time_s < self._due[0]:
            return
        self._due.pop(0)
        self.quarter_turns = frame.quarter_turns
        contrast = float(frame.luma[::8, ::8].std())
        if contrast > self._contrast * _CLEARLY_LIVELIER:
            self._best, self._contrast = np.rot90(frame.rgb, -frame.quarter_turns), contrast

    def write(self, dest: Path | str) -> tuple[int, int]:
        """Writes the JPEG; its width and height in pixels."""
        if self._best is None:
            raise AssertionError("read_frames yields at least one frame or raises")
        write_jpeg(np.ascontiguousarray(self._best), dest, POSTER_WIDTH)
        height, width = self._best.shape[:2]
        if width <= POSTER_WIDTH:
            return width, height
        return POSTER_WIDTH, max(1, round(height * POSTER_WIDTH / width))
