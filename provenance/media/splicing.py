"""Encodes a clip in closed pieces and puts pieces of two such clips together without encoding anything again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from heapq import merge
from itertools import zip_longest
from math import ceil
from pathlib import Path
from typing import Any, Unpack

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from provenance.errors import EncodingFailed, ProvenanceError
from provenance.media.limits import Limits
from provenance.media.opening import describe, open_media, video_stream
from provenance.media.picture import Picture
from provenance.media.reading import read_frames
from provenance.media.writing import Effort, VideoWriter

# Headers must not depend on the pictures, and nothing but a border may begin a piece.
_CLOSED_PIECES = "keyint=infinite:scenecut=0:open-gop=0:stitchable=1"


class NotSpliceable(ProvenanceError):
    """Two files do not fit together piece by piece."""

    code = "not_spliceable"


@dataclass(frozen=True)
class Splice:
    """What was put together: how many pieces, and how many frames in all."""

    pieces: int
    frames: int


def first_frame_of(piece: int, fps: Fraction, piece_s: Fraction) -> int:
    """The number of the first frame shown at or after `piece` times `piece_s` seconds."""
    return ceil(piece * piece_s * fps)


def pieces_in(duration_frames: int, fps: Fraction, piece_s: Fraction) -> int:
    """How many pieces a clip has, the last one possibly shorter."""
    count = ceil(Fraction(duration_frames) / (fps * piece_s))
    return count - (first_frame_of(count - 1, fps, piece_s) >= duration_frames)


class PieceWriter(VideoWriter):
    """A VideoWriter whose every piece of `piece_s` seconds can be decoded alone, and swapped for another file's.

    Two files of the same size, rate and settings get the same headers, whatever they show. Raises NotSpliceable
    where a piece is shorter than a frame.
    """

    def __init__(
        self,
        path: Path | str,
        width: int,
        height: int,
        fps: Fraction,
        *,
        piece_s: Fraction,
        **effort: Unpack[Effort],
    ) -> None:
        super().__init__(path, width, height, fps, **effort)
        if fps * piece_s < 1:
            raise NotSpliceable(
                f"At {fps} frames per second a piece of {float(piece_s):g} s would have no frame of its own.",
                "Choose longer pieces or a higher frame rate.",
            )
        self._options |= {"forced-idr": "1", "x264-params": _CLOSED_PIECES}
        self._piece_s = piece_s
        self._pieces_begun = 0

    def write(self, picture: Picture | NDArray[np.uint8]) -> None:
        """Appends a Picture, or (H, W, 3) uint8 RGB. Raises PictureShape or EncodingFailed."""
        if not isinstance(picture, Picture):
            picture = Picture.from_rgb(picture)
        begins = self.frames_written == first_frame_of(self._pieces_begun, self.fps, self._piece_s)
        # A decoded frame still says how it was coded before; the encoder would take that for a wish.
        picture.frame.pict_type = PictureType.I if begins else PictureType.NONE
        super().write(picture)
        self._pieces_begun += begins


def read_pictures(path: Path | str, *, limits: Limits | None = None, threads: int = 2) -> Iterator[Picture]:
    """The frames of a clip as yuv420p pictures of their own, free to be changed; one is held at a time.

    Raises what `read_frames` raises.
    """
    for frame in read_frames(path, limits=limits, threads=threads):
        planar = frame._decoded.reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        # The decoder predicts later frames from its own picture, so that one must stay as it is.
        own = av.VideoFrame.from_ndarray(planar.to_ndarray(), format="yuv420p")
        own.colorspace, own.color_range = Colorspace.ITU709, ColorRange.MPEG
        yield Picture(own)


def splice(
    first: Path | str,
    second: Path | str,
    letters: Sequence[int],
    dest: Path | str,
    *,
    sound_of: Path | str | None = None,
) -> Splice:
    """Writes an MP4 whose piece k is that of `first` where letters[k] is 0 and of `second` where it is 1.

    Both are files of a `PieceWriter`. Coded pictures are copied as they are, with their times; so is the sound
    of `sound_of`, if it has any. Raises NotSpliceable where the files or the letters do not fit, MediaUnreadable
    where one cannot be read, and EncodingFailed; nothing is left at `dest` then.
    """
    first, second, dest = Path(first), Path(second), Path(dest)
    partial = dest.with_name(dest.name + ".partial")
    try:
        with ExitStack() as opened:
            sources = [opened.enter_context(_Source.open(path)) for path in (first, second)]
            sound = opened.enter_context(_Source.open(Path(sound_of))) if sound_of is not None else None
            _require_alike(*sources)
            done = _write(sources, letters, sound, partial)
        partial.replace(dest)
    except (FFmpegError, OSError) as error:
        raise EncodingFailed(
            f"{dest.name} cannot be put together: {describe(error)}.", "Check that the disk is not full."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return done


class _Source:
    """One file open for copying: its picture as pieces, or its sound as packets."""

    def __init__(self, container: Any, name: str) -> None:
        self.name = name
        self.container = container
        self.audio = container.streams.audio[0] if container.streams.audio else None

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["_Source"]:
        with open_media(path, Limits()) as (container, _):
            yield cls(container, path.name)

    @cached_property
    def video(self) -> Any:
        return video_stream(self.container, self.name, Limits())

    def pieces(self) -> Iterator[list[Any]]:
        """The packets of one piece after the other; each begins with a key frame."""
        piece: list[Any] = []
        for packet in self.container.demux(self.video):
            if packet.dts is None:
                continue
            if packet.is_keyframe and piece:
                yield piece
                piece = []
            piece.append(packet)
        if piece:
            yield piece


def _require_alike(first: _Source, second: _Source) -> None:
    """A player is told the headers once, so both files must have the very same."""
    one, other = first.video, second.video
    for what, mine, theirs in (
        ("codec", one.codec_context.name, other.codec_context.name),
        ("size", (one.width, one.height), (other.width, other.height)),
        ("time base", one.time_base, other.time_base),
        ("decoder header", one.codec_context.extradata, other.codec_context.extradata),
    ):
        if mine != theirs:
            raise NotSpliceable(
                f"{first.name} and {second.name} differ in their {what}.",
                "Both must come from the same settings, the same size and the same rate.",
            )


def _write(sources: list[_Source], letters: Sequence[int], sound: _Source | None, partial: Path) -> Splice:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(f"file:{partial.resolve()}", "w", format="mp4", container_options=options) as writer:
        picture = writer.add_stream_from_template(sources[0].video)
        picture.metadata.clear()
        chosen = _Chosen(sources, letters)
        packets: Iterator[Any] = _onto(picture, chosen.packets())
        if sound is not None and sound.audio is not None:
            track = writer.add_stream_from_template(sound.audio)
            track.metadata.clear()
            heard = _onto(track, (p for p in sound.container.demux(sound.audio) if p.dts is not None))
            packets = merge(packets, heard, key=lambda packet: packet.dts * packet.time_base)
        for packet in packets:
            writer.mux(packet)
    return Splice(chosen.pieces, chosen.frames)


def _onto(stream: Any, packets: Iterator[Any]) -> Iterator[Any]:
    for packet in packets:
        packet.stream = stream
        yield packet


class _Chosen:
    """Walks both files side by side and takes each piece from the one its letter names."""

    def __init__(self, sources: list[_Source], letters: Sequence[int]) -> None:
        self.pieces = 0
        self.frames = 0
        self._sources = sources
        self._letters = letters

    def packets(self) -> Iterator[Any]:
        first, second = self._sources
        for pair in zip_longest(first.pieces(), second.pieces()):
            yield from self._choice(pair)
        if self.pieces != len(self._letters):
            raise self._unfit(f"there are {len(self._letters)} letters for {self.pieces} pieces")

    def _choice(self, pair: tuple[list[Any] | None, list[Any] | None]) -> list[Any]:
        one, other = pair
        if one is None or other is None:
            raise self._unfit("one has more pieces than the other")
        if self.pieces >= len(self._letters):
            raise self._unfit(f"there are more pieces than the {len(self._letters)} letters")
        if [p.dts for p in one] != [p.dts for p in other] or {p.pts for p in one} != {p.pts for p in other}:
            raise self._unfit(f"piece {self.pieces} does not show the same moments in both")
        chosen = other if self._letters[self.pieces] else one
        self.pieces += 1
        self.frames += len(chosen)
        return chosen

    def _unfit(self, why: str) -> NotSpliceable:
        names = " and ".join(source.name for source in self._sources)
        return NotSpliceable(
            f"{names} cannot be put together: {why}.",
            "Both must be encoded in pieces from the same frames, and every piece needs one letter.",
        )
