"""Comparisons of clips that are not copies of each other, the harder the better: what probabilities are fitted to.

Three kinds. "same scene": two stretches of one continuous shot that do not overlap, and different clips by one camera
in one room. "reversed": a stretch against itself played backwards, the same pictures at other moments. "unrelated":
stretches of different films.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import ClipFingerprint, Track
from provenance.fingerprint.judging import score_of
from provenance.fingerprint.matching.features import near_hits
from provenance.fingerprint.matching.frames import match_frames
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.matching.tracks import Timeline

LENGTHS_S = (2.0, 4.0, 6.5)
APART_S = 1.0
ONE_ROOM = ".mkv"
# The variants of one shot are copies of each other; its original stands for all.
LEFT_OUT = ("chair-19", "chair-20", "chair-22")
KINDS = ("same scene", "reversed", "unrelated")


@dataclass(frozen=True)
class Trial:
    """One comparison and the best segment that came of it, if any; `source` is the film the query is from."""

    kind: str
    source: str
    segment: Segment | None

    @property
    def score(self) -> float | None:
        """Its score, where motion tells; what stands still is never judged by the tail."""
        if self.segment is None or self.segment.motion is None:
            return None
        return score_of(self.segment)


def negatives(clips: Mapping[str, ClipFingerprint], step_s: float) -> Iterator[Trial]:
    """Every comparison of a stretch that begins each `step_s` of a clip with what it is not a copy of."""
    used = {
        name: clip
        for name, clip in clips.items()
        if len(clip.track.times_s) >= 8 and not any(part in name for part in LEFT_OUT)
    }
    for name, clip in used.items():
        for length_s in LENGTHS_S:
            for start_s in _starts(clip, length_s, step_s):
                query = _cut(clip.track, start_s, start_s + length_s)
                if len(query.times_s) < 8:
                    continue
                asked = _timeline(query)
                for before, after in (
                    (0.0, start_s - APART_S),
                    (start_s + length_s + APART_S, clip.duration_s),
                ):
                    rest = _cut(clip.track, before, after)
                    if len(rest.times_s) >= 8:
                        yield _trial("same scene", name, asked, _timeline(rest))
                yield _trial("reversed", name, asked, _timeline(_reversed(query)))
                for other, there in used.items():
                    if other != name:
                        kind = (
                            "same scene"
                            if name.endswith(ONE_ROOM) and other.endswith(ONE_ROOM)
                            else "unrelated"
                        )
                        yield _trial(kind, name, asked, _timeline(there.track))


def _trial(kind: str, source: str, query: Timeline, reference: Timeline) -> Trial:
    hits = near_hits(query, reference)
    segments = match_frames(query, reference, hits) if len(hits) else []
    telling = [one for one in segments if one.motion is not None]
    best = max(telling or segments, key=score_of, default=None)
    return Trial(kind, source, best)


def _starts(clip: ClipFingerprint, length_s: float, step_s: float) -> NDArray[np.float64]:
    latest_s = clip.duration_s - length_s
    if latest_s > 0:
        return np.arange(0.0, latest_s, step_s)
    # Clips shorter than the stretch are taken whole, once.
    return np.zeros(1 if length_s == LENGTHS_S[1] else 0)


def _timeline(track: Track) -> Timeline:
    frame_s = float(np.median(np.diff(track.times_s)))
    return Timeline(track, float(track.times_s[-1]) + frame_s)


def _cut(track: Track, start_s: float, end_s: float) -> Track:
    inside = (track.times_s >= start_s) & (track.times_s < end_s)
    times_s = track.times_s[inside]
    return Track(
        times_s - (times_s[0] if len(times_s) else 0.0), track.hashes[inside], track.qualities[inside]
    )


def _reversed(track: Track) -> Track:
    return replace(
        track,
        times_s=(track.times_s[-1] - track.times_s)[::-1].copy(),
        hashes=track.hashes[::-1].copy(),
        qualities=track.qualities[::-1].copy(),
    )
