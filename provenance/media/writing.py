"""Encodes pictures, and sound beside them, to an MP4 that any player opens; nothing else is in it; all or nothing."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypedDict

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from provenance.errors import EncodingFailed, PictureShape
from provenance.media.audio import AudioFormat, AudioNotSupported, Samples
from provenance.media.opening import describe
from provenance.media.picture import BT709, Picture
from provenance.media.track import AacTrack, require_encodable

Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow"]


# Keeps grain, and with it an invisible mark: measured on six clips, a single frame of a take at CRF 17 keeps 17 % more
# of the mark's amplitude with "fast" and this than with "veryfast", in a file 27 % larger.
TUNE = "film"


class Effort(TypedDict, total=False):
    """What the encoder spends on a picture: x264's CRF and preset, and its threads (0: as many as it likes)."""

    crf: int
    preset: Preset
    threads: int


class VideoWriter:
    """Writes H.264 yuv420p in BT.709, limited range, index first, and AAC where `audio` is given. A context manager.

    Picture and sound begin together and may come in any order of calls; write them side by side, because what has no
    counterpart yet is held in memory. The file appears under its name only when the block ends without an exception;
    otherwise nothing is left.
    """

    def __init__(
        self,
        path: Path | str,
        width: int,
        height: int,
        fps: Fraction,
        *,
        crf: int = 17,
        preset: Preset = "fast",
        threads: int = 0,
        audio: AudioFormat | None = None,
    ) -> None:
        if audio is not None:
            require_encodable(audio)
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise PictureShape(
                f"A video of {width}x{height} cannot be encoded.",
                "Width and height must be even and at least 2.",
            )
        self._path = Path(path)
        self._partial = self._path.with_name(self._path.name + ".partial")
        self.width, self.height, self.fps = width, height, fps
        self.frames_written = 0
        self._options = {"crf": str(crf), "preset": preset, "tune": TUNE}
        self._threads = threads
        self._audio = audio
        self._track: AacTrack | None = None
        self._container: Any = None
        self._stream: Any = None
        self._without_encoder_note: Any = None

    def __enter__(self) -> "VideoWriter":
        try:
            self._open()
        except (FFmpegError, OSError) as error:
            self._discard()
            raise EncodingFailed(f"{self._path.name} cannot be created: {describe(error)}.", "") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        self.close()

    def close(self) -> None:
        """Encodes what is still buffered and gives the file its name; leaving the block does the same.

        Raises EncodingFailed, and then leaves nothing.
        """
        if self._container is None:
            return
        if self.frames_written == 0:
            self._discard()
            raise EncodingFailed(f"{self._path.name} would have no frames.", "Write at least one picture.")
        if self._track is not None and self._track.samples_written == 0:
            self._discard()
            raise EncodingFailed(
                f"{self._path.name} would have an empty sound track.",
                "Write sound, or open it without a track.",
            )
        try:
            self._finish()
        except (FFmpegError, OSError) as failure:
            self._discard()
            raise EncodingFailed(
                f"{self._path.name} cannot be finished: {describe(failure)}.", ""
            ) from failure

    def write(self, picture: Picture | NDArray[np.uint8]) -> None:
        """Appends a Picture, or (H, W, 3) uint8 RGB. Raises PictureShape or EncodingFailed."""
        if not isinstance(picture, Picture):
            picture = Picture.from_rgb(picture)
        if (picture.width, picture.height) != (self.width, self.height):
            raise PictureShape(
                f"A picture of {picture.width}x{picture.height} does not fit.",
                f"This video is {self.width}x{self.height}.",
            )
        frame = picture.frame
        frame.pts, frame.time_base = self.frames_written, 1 / self.fps
        try:
            self._mux(self._stream.encode(frame))
        except FFmpegError as error:
            raise EncodingFailed(
                f"{self._path.name} failed at frame {self.frames_written}: {describe(error)}.",
                "Check that the disk is not full.",
            ) from error
        self.frames_written += 1

    def write_audio(self, samples: Samples) -> None:
        """Appends (n, channels) float32, full scale at -1 and 1. Raises AudioNotSupported or EncodingFailed."""
        if self._track is None:
            raise AudioNotSupported(
                f"{self._path.name} was opened without a sound track.",
                "Give `audio` when creating the writer.",
            )
        try:
            self._track.write(samples)
        except FFmpegError as error:
            raise EncodingFailed(
                f"The sound of {self._path.name} failed: {describe(error)}.",
                "Check that the disk is not full.",
            ) from error

    @property
    def audio_seconds_written(self) -> float:
        """Seconds of sound taken so far; 0.0 without a sound track."""
        return 0.0 if self._track is None else self._track.samples_written / self._track.format.sample_rate

    def _open(self) -> None:
        self._container = av.open(
            f"file:{self._partial.resolve()}",
            mode="w",
            format="mp4",
            container_options={"movflags": "+faststart", "fflags": "+bitexact"},
        )
        stream = self._container.add_stream("libx264", rate=self.fps, options=self._options)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = BT709, BT709
        context.thread_count = self._threads
        self._stream = stream
        if self._audio is not None:
            self._track = AacTrack(self._container, self._audio)
        # x264 writes its whole command line into a user-data unit (type 6) of the stream.
        self._without_encoder_note = BitStreamFilterContext("filter_units=remove_types=6", stream)

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            for kept in self._without_encoder_note.filter(packet):
                kept.stream = self._stream
                self._container.mux(kept)

    def _finish(self) -> None:
        self._mux(self._stream.encode(None))
        for kept in self._without_encoder_note.filter(None):
            kept.stream = self._stream
            self._container.mux(kept)
        if self._track is not None:
            self._track.finish()
        self._container.close()
        self._container = None
        self._partial.replace(self._path)

    def _discard(self) -> None:
        container, self._container = self._container, None
        # An earlier error is on its way to the caller; failing to finish a file thrown away adds nothing.
        with suppress(FFmpegError):
            if container is not None:
                container.close()
        self._partial.unlink(missing_ok=True)
