"""Looks into a clip a second time, at its file or, where that is not kept, at the previews of its key frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.borders import content_box
from provenance.fingerprint.contents import Keyframe, Track
from provenance.fingerprint.extraction import upright
from provenance.fingerprint.features import QUERY, keyframes_of
from provenance.fingerprint.matching.views import View, tracks_of_views
from provenance.media import Limits, read_frames

_TOLERANCE_S = 1e-3


class FileLook:
    """A look into the file at `path`, mirrored where asked for. Raises what `read_frames` raises."""

    def __init__(
        self, path: Path | str, limits: Limits | None = None, *, is_mirrored: bool = False, threads: int = 2
    ) -> None:
        self._path = path
        self._limits = limits
        self._is_mirrored = is_mirrored
        self._threads = threads

    def tracks(self, views: Sequence[View], start_s: float, end_s: float) -> list[Track]:
        """As `Look.tracks`."""
        frames = ((time_s, luma) for _, time_s, luma in self._frames(start_s, end_s))
        return tracks_of_views(frames, views)

    def keyframes(self, start_s: float, end_s: float, rate_hz: float) -> list[Keyframe]:
        """As `Look.keyframes`, with as many features as queries have."""
        found: list[Keyframe] = []
        due_s = start_s
        for index, time_s, luma in self._frames(start_s, end_s):
            if time_s + _TOLERANCE_S >= due_s:
                due_s = time_s + 1.0 / rate_hz
                found += keyframes_of(index, time_s, luma, content_box(luma), QUERY)
        return found

    def _frames(self, start_s: float, end_s: float) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
        for frame in read_frames(
            self._path, start_s=start_s, end_s=end_s, limits=self._limits, threads=self._threads
        ):
            luma = upright(frame.luma, frame.quarter_turns)
            yield (
                frame.index,
                frame.time_s,
                np.ascontiguousarray(luma[:, ::-1]) if self._is_mirrored else luma,
            )


class PreviewLook:
    """A look at the previews of a clip's key frames: coarse and a second apart, for works without a file."""

    def __init__(self, keyframes: Sequence[Keyframe]) -> None:
        self._keyframes = keyframes

    def tracks(self, views: Sequence[View], start_s: float, end_s: float) -> list[Track]:
        """As `Look.tracks`, at the key frames' times."""
        shown = (
            (frame.time_s, cv2.imdecode(np.frombuffer(frame.preview, np.uint8), cv2.IMREAD_GRAYSCALE))
            for frame in self.keyframes(start_s, end_s, 0.0)
        )
        return tracks_of_views(((time_s, np.asarray(grey, np.uint8)) for time_s, grey in shown), views)

    def keyframes(self, start_s: float, end_s: float, rate_hz: float) -> list[Keyframe]:
        """The key frames there are, whatever the rate."""
        return [frame for frame in self._keyframes if start_s <= frame.time_s < end_s]
