"""Turns agreeing local features into segments: copies that show a part of a picture, or show it within another.

Key frames of both sides are laid over each other one by one. Where enough features lie over the reference in the same
way, the part that both show is cut out of both clips and hashed frame by frame; from there on it is
compared like whole pictures are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import Keyframe, Track
from provenance.fingerprint.matching.frames import match_frames
from provenance.fingerprint.matching.lines import TICK_S, Line, TimedHits
from provenance.fingerprint.matching.poses import Pose, pose_between
from provenance.fingerprint.matching.segment import Box, Segment
from provenance.fingerprint.matching.tracks import Stretch, Timeline, motion_along
from provenance.fingerprint.matching.views import PARTS, View

MIN_FEATURES = 20
EXACT_RADIUS = 31.0
_AROUND_S = 6.0
_FARTHEST_BITS = 64.0
_BEYOND_BITS = 6.0
_SHARPENED = 4
# Parts of a picture have fewer gradients than the whole, and that they belong together is known from elsewhere.
_PLAIN_BELOW = 8
_SHARPEN_REACH_S = 0.6
_SHARPEN_RATE_HZ = 15.0
_APART_S = 0.9
# A view that is nearly the whole picture of both sides is the whole picture: an edge of a few pixels is rounding.
_WHOLE_SHARE = 0.97


class Look(Protocol):
    """A second look into one of the two clips, whose file is at hand. Times are the clip's own seconds."""

    def tracks(self, views: Sequence[View], start_s: float, end_s: float) -> list[Track]:
        """The track of each view from `start_s` up to `end_s`, at the native rate."""

    def keyframes(self, start_s: float, end_s: float, rate_hz: float) -> list[Keyframe]:
        """Key frames from `start_s` up to `end_s`, `rate_hz` of them a second at most."""


@dataclass(frozen=True)
class Meeting:
    """One key frame of the query over one of the reference."""

    query: Keyframe
    reference: Keyframe
    pose: Pose

    @property
    def query_time_s(self) -> float:
        """When the query shows it."""
        return self.query.time_s

    @property
    def reference_time_s(self) -> float:
        """When the reference shows it."""
        return self.reference.time_s


@dataclass(frozen=True)
class Overlay:
    """How a reference lies in a query: one pose, and the key frames that agree on it."""

    pose: Pose
    meetings: tuple[Meeting, ...]
    is_mirrored: bool

    @property
    def features(self) -> int:
        """Features that agree, of every key frame of the query once."""
        return _weight(self.meetings)


def meetings_of(pairs: Iterable[tuple[Keyframe, Keyframe]]) -> list[Meeting]:
    """The pairs (of query, of reference) that lie over each other."""
    found = []
    for query, reference in pairs:
        pose = pose_between(query, reference)
        if pose is not None:
            found.append(Meeting(query, reference, pose))
    return found


def overlays_of(meetings: Sequence[Meeting], *, is_mirrored: bool = False) -> list[Overlay]:
    """Groups of meetings that agree in pose on at least twenty features of the query, best first."""
    overlays: list[Overlay] = []
    remaining = list(meetings)
    while remaining:
        group = max((_agreeing(one, remaining) for one in remaining), key=_weight)
        if _weight(group) >= MIN_FEATURES:
            overlays.append(Overlay(_middle_pose(group), tuple(group), is_mirrored))
        spent = set(map(id, group))
        remaining = [one for one in remaining if id(one) not in spent]
    return sorted(overlays, key=lambda one: -one.features)


def confirm(
    overlay: Overlay, in_query: Look, in_reference: Look, query_duration_s: float, reference_duration_s: float
) -> list[Segment]:
    """The segments that the overlay turns out to be once what both clips show has been hashed in both.

    Where something is laid over the copy the half or so of the view that agrees best is compared.
    """
    overlay = _sharpened(overlay, in_reference)
    query_view, reference_view = views_of(overlay.pose)
    around = _around([one.query_time_s for one in overlay.meetings], query_duration_s)
    reference_around = _around([one.reference_time_s for one in overlay.meetings], reference_duration_s)
    queries = in_query.tracks([query_view.part(*part) for part in PARTS], *around)
    references = in_reference.tracks([reference_view.part(*part) for part in PARTS], *reference_around)
    found: list[list[Segment]] = []
    for query_track, reference_track in zip(queries, references, strict=True):
        query = Timeline(query_track, query_duration_s, _PLAIN_BELOW)
        reference = Timeline(reference_track, reference_duration_s, _PLAIN_BELOW)
        if len(query) and len(reference):
            found.append(
                match_frames(query, reference, near_hits(query, reference), is_mirrored=overlay.is_mirrored)
            )
    best = max(found, key=_strength, default=[])
    whole = (
        Timeline(queries[0], query_duration_s, _PLAIN_BELOW),
        Timeline(references[0], reference_duration_s, _PLAIN_BELOW),
    )
    query_box, reference_box = overlay.pose.boxes()
    return [
        replace(
            segment,
            method="features",
            motion=_motion_of_whole(segment, *whole) if segment.motion is None else segment.motion,
            query_box=_unless_whole(query_box),
            reference_box=_unless_whole(reference_box),
        )
        for segment in best
    ]


def near_hits(query: Timeline, reference: Timeline) -> TimedHits:
    """All pairs of moments, four a second, that lie within 31 bits, or nearly as near as any pair does."""
    own, others = _sampled(query), _sampled(reference)
    bits = query.distances(own[:, None], reference, others[None, :])
    radius = EXACT_RADIUS
    if bits.size:
        radius = min(_FARTHEST_BITS, max(radius, float(np.median(bits.min(1))) + _BEYOND_BITS))
    rows, columns = np.nonzero(bits <= radius)
    count = len(rows)
    return TimedHits(
        query_start_s=query.times_s[own[rows]],
        query_span_s=np.full(count, TICK_S),
        reference_start_s=reference.times_s[others[columns]],
        reference_span_s=np.full(count, TICK_S),
        distance=bits[rows, columns],
        rarity=np.ones(count),
    )


def views_of(pose: Pose) -> tuple[View, View]:
    """(view of the query, view of the reference) of what both show, aligned with the reference's sides."""
    _, box = pose.boxes()
    corners = np.array([[box.left, box.top], [box.right, box.top], [box.left, box.bottom]])
    in_widths = corners * (1.0, pose.reference_aspect)
    mapped = in_widths @ pose.matrix[:, :2].T + pose.matrix[:, 2]
    return _view(mapped / (1.0, pose.query_aspect)), _view(corners)


def _view(corners: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> View:
    first, second, third = ((float(x), float(y)) for x, y in corners)
    return View((first, second, third))


def _agreeing(one: Meeting, others: Sequence[Meeting]) -> list[Meeting]:
    return [other for other in others if one.pose.agrees_with(other.pose)]


def _weight(meetings: Sequence[Meeting]) -> int:
    """Inliers, of every key frame of the query once."""
    best: dict[float, int] = {}
    for meeting in meetings:
        best[meeting.query_time_s] = max(best.get(meeting.query_time_s, 0), meeting.pose.inliers)
    return sum(best.values())


def _middle_pose(group: Sequence[Meeting]) -> Pose:
    """The median of the poses, weighed by how many features each rests on."""
    matrices = np.stack([one.pose.matrix for one in group])
    weights = np.array([one.pose.inliers for one in group], np.float64)
    order = np.argsort(matrices, axis=0, kind="stable")
    ranked = np.take_along_axis(matrices, order, axis=0)
    reached = np.cumsum(weights[order], axis=0) >= weights.sum() / 2
    middle = np.take_along_axis(ranked, reached.argmax(0)[None], axis=0)[0]
    strongest = max(group, key=lambda one: one.pose.inliers).pose
    return replace(strongest, matrix=middle, inliers=int(weights.max()))


def _sharpened(overlay: Overlay, in_reference: Look) -> Overlay:
    """The overlay with its pose taken from the very frames that belong together.

    Key frames of the two clips lie up to half a second apart, in which a moving camera shifts the pose. So the
    reference is looked through around the strongest meetings; the pose with most features is that of the same moment.
    """
    strongest: list[Meeting] = []
    for meeting in sorted(overlay.meetings, key=lambda one: -one.pose.inliers):
        if all(abs(meeting.query_time_s - one.query_time_s) >= _APART_S for one in strongest):
            strongest.append(meeting)
    sharp: list[Meeting] = []
    for meeting in strongest[:_SHARPENED]:
        start_s = max(0.0, meeting.reference_time_s - _SHARPEN_REACH_S)
        near = in_reference.keyframes(start_s, meeting.reference_time_s + _SHARPEN_REACH_S, _SHARPEN_RATE_HZ)
        found = meetings_of((meeting.query, one) for one in near)
        sharp += sorted(found, key=lambda one: -one.pose.inliers)[:1]
    if not sharp:
        return overlay
    group = max((_agreeing(one, sharp) for one in sharp), key=_weight)
    return replace(overlay, pose=_middle_pose(group))


def _around(times_s: Sequence[float], duration_s: float) -> tuple[float, float]:
    return max(0.0, min(times_s) - _AROUND_S), min(duration_s, max(times_s) + _AROUND_S)


def _sampled(timeline: Timeline) -> NDArray[np.intp]:
    """The frames on screen every quarter of a second, flat ones left out."""
    start_s, end_s = float(timeline.times_s[0]), float(timeline.times_s[-1])
    numbers = np.unique(timeline.shown_at(np.arange(start_s, end_s + 1e-6, TICK_S)))
    return numbers[~timeline.is_plain[numbers]]


def _strength(segments: Sequence[Segment]) -> float:
    return sum(
        one.duration_s * (64.0 - one.mean_distance) * (1.0 + max(0.0, one.motion or 0.0)) for one in segments
    )


def _motion_of_whole(segment: Segment, query: Timeline, reference: Timeline) -> float | None:
    """What the whole view says where nothing moves in the part that agrees best: people before a still wall."""
    inside = np.flatnonzero(
        (query.times_s >= segment.query_start_s - 1e-6) & (query.times_s < segment.query_end_s - 1e-6)
    )
    offset_s = segment.reference_start_s - segment.speed * segment.query_start_s
    line = Line(segment.speed, offset_s)
    stretch = Stretch(int(inside[0]), int(inside[-1]), line, segment.mean_distance)
    motion = motion_along(query, reference, stretch)
    return motion.agreement if motion.is_telling else None


def _unless_whole(box: Box) -> Box | None:
    return None if box.area >= _WHOLE_SHARE else box
