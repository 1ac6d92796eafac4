"""Extracts everything a clip is recognised by in one pass over its frames, in memory that only what is kept fills.

Per frame: its place in the track and whether a shot begins. Per sampled frame, and at the start of a shot: both hashes,
and where one is due a key frame. Pictures are taken as they are to be shown: a file whose header turns its pictures by
a quarter, half or three quarters is hashed upright.
"""

from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.fingerprint.borders import Box, content_box, grey_of
from provenance.fingerprint.contents import PDQ_BYTES, ClipFingerprint, Keyframe, SoundTrack, Track
from provenance.fingerprint.features import ORB_ALGORITHM, QUERY, REFERENCE, keyframes_of
from provenance.fingerprint.hashes import PDQ_ALGORITHM, PHASH_ALGORITHM, hash_frame
from provenance.fingerprint.keyframes import (
    MAX_KEYFRAMES,
    QUERY_EVERY_S,
    REFERENCE_EVERY_S,
    KeyframePicker,
    thinned,
)
from provenance.fingerprint.pdq256 import hash_picture
from provenance.fingerprint.sampling import Runs, Sampler, interval_s
from provenance.fingerprint.shots import ShotFinder
from provenance.fingerprint.sound import SOUND_ALGORITHM, SoundUnavailable, sound_of
from provenance.media import Frame, Limits, probe, read_frames

TRACK_ALGORITHM = "pdq-luma-track/1"

Progress = Callable[[float, float], None]
Pixels = NDArray[np.uint8]


class Fingerprinter:
    """Collects the fingerprint of a clip from its frames, handed in one by one; `finish` gives it.

    query: for clips that are looked up. Key frames are then taken twice as often with four times the features, and
    hashes and features of the mirrored picture are added.
    """

    def __init__(self, *, query: bool = False) -> None:
        self._with_mirrored = query
        self._density = QUERY if query else REFERENCE
        self._sampler, self._shots, self._runs = Sampler(), ShotFinder(), Runs()
        self._picker = KeyframePicker(QUERY_EVERY_S if query else REFERENCE_EVERY_S)
        self._keyframes: list[Keyframe] = []
        self._shot_starts: set[int] = set()
        self._box: Box | None = None
        self._shape: tuple[int, ...] = ()
        self._times_s = array("d")
        self._hashes, self._mirrored, self._qualities = bytearray(), bytearray(), bytearray()

    def add(
        self, index: int, time_s: float, luma: Pixels, rgb: Callable[[], Pixels], *, quarter_turns: int = 0
    ) -> bool:
        """Takes the next frame: its (H, W) luma, and a function that gives its (H, W, 3) RGB, which few frames need.

        quarter_turns: clockwise, that the picture is to be shown with. True when the frame was one of the few.
        Raises PictureShape.
        """
        luma = upright(luma, quarter_turns)
        if luma.shape != self._shape:
            self._shape, self._box = luma.shape, None
        hashed = hash_picture(luma, self._box)
        begins = self._shots.begins(time_s, hashed.small)
        is_sampled = self._sampler.wants(time_s) or begins
        if is_sampled:
            picture = upright(rgb(), quarter_turns)
            box = self._take(index, time_s, picture, is_shot_start=begins)
            if box != self._box:
                self._box = box
                hashed = hash_picture(luma, box)
                self._shots.reframe(hashed.small)
        self._times_s.append(time_s)
        self._hashes += hashed.packed
        self._qualities.append(hashed.quality)
        if self._with_mirrored:
            self._mirrored += hashed.mirrored
        return is_sampled

    def add_frame(self, frame: Frame) -> bool:
        """Takes the next frame of a file; as `add`."""
        return self.add(
            frame.index, frame.time_s, frame.luma, lambda: frame.rgb, quarter_turns=frame.quarter_turns
        )

    def finish(self, duration_s: float = 0.0, sound: SoundTrack | None = None) -> ClipFingerprint:
        """All that was collected. duration_s: how long the clip is said to be, used where it has one frame only."""
        times_s = np.array(self._times_s)
        end_s = _end_of(times_s, duration_s)
        algorithms = (PDQ_ALGORITHM, PHASH_ALGORITHM, ORB_ALGORITHM, TRACK_ALGORITHM)
        return ClipFingerprint(
            algorithms=algorithms if sound is None else (*algorithms, SOUND_ALGORITHM),
            duration_s=end_s,
            frames=self._runs.finish(end_s),
            keyframes=tuple(self._keyframes),
            track=Track(
                times_s=times_s,
                hashes=_rows(self._hashes),
                qualities=np.frombuffer(bytes(self._qualities), np.uint8),
                mirrored=_rows(self._mirrored) if self._with_mirrored else None,
            ),
            sound=sound,
        )

    def _take(self, index: int, time_s: float, rgb: Pixels, *, is_shot_start: bool) -> Box:
        """Hashes a sampled frame and makes a key frame of it where one is due; the box inside its bars."""
        grey = grey_of(rgb)
        box = content_box(grey)
        frame = hash_frame(
            index, time_s, rgb, box, is_shot_start=is_shot_start, with_mirrored=self._with_mirrored
        )
        self._runs.add(frame)
        if self._picker.wants(time_s, frame.pdq, is_shot_start=is_shot_start):
            if is_shot_start:
                self._shot_starts.add(index)
            self._keyframes += keyframes_of(
                index, time_s, grey, box, self._density, with_mirrored=self._with_mirrored
            )
            if len(self._keyframes) > MAX_KEYFRAMES:
                self._picker.every_s *= 2
                starts = frozenset(self._shot_starts)
                self._keyframes = thinned(self._keyframes, starts, self._picker.every_s, MAX_KEYFRAMES)
        return box


def fingerprint_file(
    path: Path | str,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
    *,
    query: bool = False,
    threads: int = 2,
) -> ClipFingerprint:
    """Fingerprints the file at `path`, sound included; a still image is a clip of one frame.

    on_progress is called with (seconds done, seconds stated by the header) after each sampled frame. Raises what
    `probe` and `read_frames` raise.
    """
    stated_s = probe(path, limits).duration_s
    fingerprinter = Fingerprinter(query=query)
    for frame in read_frames(path, limits=limits, threads=threads):
        if fingerprinter.add_frame(frame) and on_progress is not None:
            on_progress(frame.time_s, stated_s)
    return fingerprinter.finish(stated_s, sound_or_none(path, limits))


def sound_or_none(path: Path | str, limits: Limits | None = None) -> SoundTrack | None:
    """The fingerprint of the file's sound; None without sound, and where this machine cannot fingerprint any."""
    try:
        return sound_of(path, limits)
    except SoundUnavailable:
        return None


def upright(picture: Pixels, quarter_turns: int) -> Pixels:
    """(H, W) or (H, W, 3), turned clockwise by quarters as it is to be shown."""
    if picture.ndim not in (2, 3) or 0 in picture.shape:
        raise PictureShape(
            f"An array of shape {picture.shape} is not a picture.", "It must be (H, W) or (H, W, 3)."
        )
    return np.ascontiguousarray(np.rot90(picture, -quarter_turns)) if quarter_turns % 4 else picture


def _rows(hashes: bytearray) -> NDArray[np.uint8]:
    return np.frombuffer(bytes(hashes), np.uint8).reshape(-1, PDQ_BYTES)


def _end_of(times_s: NDArray[np.float64], stated_s: float) -> float:
    """When the last frame goes: as long after it as frames usually are apart; as stated for a single frame."""
    if len(times_s) < 2:
        return max(stated_s, interval_s(0.0)) if len(times_s) else 0.0
    return float(times_s[-1] + np.median(np.diff(times_s)))
