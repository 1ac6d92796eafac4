"""Finds the works and takes that a clip shares anything with: whole pictures, parts of them, or sound."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from provenance.errors import ProvenanceError
from provenance.fingerprint import ClipFingerprint, FrameFingerprint, Keyframe, mirror_pdq
from provenance.fingerprint.index import Hits
from provenance.fingerprint.judging import Judgement, Outcome, Thresholds, judge, shipped
from provenance.fingerprint.matching.candidates import FEATURE_RADIUS, asked_features, neighbouring, promising
from provenance.fingerprint.matching.clip import timed_hits, unexplained_share, whole_picture_segments
from provenance.fingerprint.matching.lines import TimedHits
from provenance.fingerprint.matching.segment import Segment
from provenance.fingerprint.sound.matching import SoundSegment
from provenance.inspect import InspectionLimits, find_parts
from studio.references.explaining import without_common
from studio.references.indexing import FEATURES_PER_KEYFRAME, feature_index, frame_index
from studio.references.sounds import find_sounds
from studio.references.subjects import KeptFrame, Scope, TakesScope, WorksScope

logger = logging.getLogger(__name__)

# A clip of common content meets thousands of references; those that share most with it are looked at closely.
MOST_SUBJECTS = 40
MOST_SECOND_LOOKS = 6
_UNEXPLAINED = 0.2


@dataclass(frozen=True)
class Found:
    """One work or take that shares a stretch with the asked clip, and what that amounts to."""

    subject_id: UUID
    judgement: Judgement

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self.judgement.segments

    @property
    def probability(self) -> float:
        return self.judgement.probability


def find_works(clip: ClipFingerprint, studio_ids: Iterable[UUID], *, path: Path | None = None) -> list[Found]:
    """Works in the banks these studios own or may read that share a stretch with the clip, the surest first.

    path: the clip's file; without it copies that show only a part of a picture are not found. What the common banks
    explain is left out. Only what is for review or for blocking by its bank's rules is returned.
    """
    scope = WorksScope(list(studio_ids))
    segments = _segments(clip, path, scope)
    rules = scope.thresholds(segments)
    common = {work_id for work_id in segments if rules[work_id].is_common}
    kept = without_common(segments, common)
    found = [
        Found(work_id, judge(own, rules[work_id].thresholds, shipped())) for work_id, own in kept.items()
    ]
    return _surest(found)


def find_takes(clip: ClipFingerprint, *, path: Path | None = None) -> list[Found]:
    """Takes of this installation that share a stretch with the clip, the surest first."""
    found = [
        Found(take_id, judge(own, Thresholds(), shipped()))
        for take_id, own in _segments(clip, path, TakesScope()).items()
    ]
    return _surest(found)


def find_among_takes(
    clip: ClipFingerprint, scope: TakesScope, thresholds: Thresholds, *, path: Path | None = None
) -> list[Found]:
    """Takes in `scope` that share a stretch with the clip of a work, judged by its bank's thresholds."""
    segments = _segments(clip, path, scope)
    return _surest(Found(take_id, judge(own, thresholds, shipped())) for take_id, own in segments.items())


def _surest(found: Iterable[Found]) -> list[Found]:
    matching = (one for one in found if one.judgement.outcome is not Outcome.CLEAR)
    return sorted(matching, key=lambda one: (one.probability, -_explained_s(one.segments)))


def _explained_s(segments: Sequence[Segment]) -> float:
    return sum(segment.duration_s for segment in segments)


def _segments(clip: ClipFingerprint, path: Path | None, scope: Scope) -> dict[UUID, list[Segment]]:
    """Everything the subjects of `scope` share with the clip, not yet judged."""
    found: dict[UUID, list[Segment]] = defaultdict(list)
    for subject_id, segments in _by_pictures(clip, scope).items():
        found[subject_id] += segments
    if (
        path is not None
        and unexplained_share(clip, [s for one in found.values() for s in one]) >= _UNEXPLAINED
    ):
        for subject_id, segments in _by_parts(clip, path, scope, found).items():
            found[subject_id] += segments
    if clip.sound is not None:
        for heard in find_sounds([clip.sound], scope.sounds()):
            found[heard.subject_id] += [_of_sound(segment) for segment in heard.segments]
    return {subject_id: segments for subject_id, segments in found.items() if segments}


def _by_pictures(clip: ClipFingerprint, scope: Scope) -> dict[UUID, list[Segment]]:
    """Segments of whole pictures, as they are and mirrored."""
    asked = [frame for frame in clip.frames if frame.is_searchable]
    if not asked:
        return {}
    # One question for both: most of what a single one costs are statements to the database.
    hashes = [*(frame.pdq for frame in asked), *map(_mirrored_pdq, asked)]
    both = frame_index().search(_stacked(hashes), settings.SLATE_MATCH_RADIUS)
    is_mirrored = both.query >= len(asked)
    turned_hits = both.only(is_mirrored)
    answers = [both.only(~is_mirrored), replace(turned_hits, query=turned_hits.query - len(asked))]
    kept = scope.frames(np.unique(np.concatenate([answer.row for answer in answers])))
    per_subject: dict[UUID, list[list[tuple[int, int]]]] = defaultdict(lambda: [[], []])
    for turned, answer in enumerate(answers):
        for number, row in enumerate(answer.row.tolist()):
            if row in kept:
                per_subject[kept[row].subject_id][turned].append((number, row))
    met = [_subjects_met(answer, kept, len(asked)) for answer in answers]
    found: dict[UUID, list[Segment]] = {}
    mirrored_clip = _with_mirrored_track(clip)
    for subject_id in _most_hit(per_subject):
        reference = scope.track(subject_id)
        if reference is None:
            continue
        plain, mirrored = (
            _timed(asked, answer, pairs, kept, subjects)
            for answer, pairs, subjects in zip(answers, per_subject[subject_id], met, strict=True)
        )
        found[subject_id] = whole_picture_segments(mirrored_clip, reference, plain, mirrored)
    return found


def _by_parts(
    clip: ClipFingerprint, path: Path, scope: Scope, known: Mapping[UUID, Sequence[Segment]]
) -> dict[UUID, list[Segment]]:
    """Segments of parts of pictures: where features meet, both files are looked into again."""
    numbers, descriptors = asked_features(clip)
    if not len(descriptors):
        return {}
    hits = feature_index().search(descriptors, FEATURE_RADIUS)
    pairs = promising(numbers[hits.query], hits.query, hits.row // FEATURES_PER_KEYFRAME, hits.distance)
    kept = scope.keyframes([pair.stored for pair in pairs])
    met: dict[UUID, list[Keyframe]] = defaultdict(list)
    for pair in pairs:
        if pair.stored in kept:
            met[kept[pair.stored].subject_id].append(kept[pair.stored].keyframe)
    found: dict[UUID, list[Segment]] = {}
    for subject_id in list(met)[:MOST_SECOND_LOOKS]:
        explained = [one for one in known.get(subject_id, ()) if one.method == "frames"]
        if unexplained_share(clip, explained) >= _UNEXPLAINED:
            found[subject_id] = _second_look(clip, path, scope, subject_id, met[subject_id], explained)
    return found


def _second_look(
    clip: ClipFingerprint,
    path: Path,
    scope: Scope,
    subject_id: UUID,
    met: Sequence[Keyframe],
    known: Sequence[Segment],
) -> list[Segment]:
    reference = scope.track(subject_id)
    if reference is None:
        return []
    near = neighbouring(met, scope.keyframes_of(subject_id))
    try:
        with scope.file(subject_id) as file:
            return find_parts(
                path,
                file,
                clip,
                replace(reference, keyframes=tuple(near)),
                list(product(range(len(clip.keyframes)), range(len(near)))),
                known,
                limits=InspectionLimits(),
                timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
            )
    except (ProvenanceError, OSError) as error:
        # What whole pictures and sound say still stands, and the operator learns what is missing.
        logger.warning("no second look at %s: %s", subject_id, error)
        return []


def _most_hit(per_subject: Mapping[UUID, list[list[tuple[int, int]]]]) -> list[UUID]:
    def hits(subject_id: UUID) -> int:
        return sum(map(len, per_subject[subject_id]))

    return sorted(per_subject, key=hits, reverse=True)[:MOST_SUBJECTS]


def _timed(
    asked: Sequence[FrameFingerprint],
    answer: Hits,
    pairs: Collection[tuple[int, int]],
    kept: Mapping[int, KeptFrame],
    subjects_met: NDArray[np.int64],
) -> TimedHits:
    numbers = np.array([number for number, _ in pairs], np.intp)
    of_query = answer.query[numbers]
    return timed_hits(
        [asked[number] for number in of_query.tolist()],
        [kept[row] for _, row in pairs],
        answer.distance[numbers],
        subjects_met[of_query],
    )


def _subjects_met(answer: Hits, kept: Mapping[int, KeptFrame], count: int) -> NDArray[np.int64]:
    """How many works or takes each of the `count` asked pictures meets."""
    met = {
        (number, kept[row].subject_id)
        for number, row in zip(answer.query.tolist(), answer.row.tolist(), strict=True)
        if row in kept
    }
    return np.bincount(np.array([number for number, _ in met], np.int64), minlength=count)


def _mirrored_pdq(frame: FrameFingerprint) -> bytes:
    return frame.mirrored_pdq or mirror_pdq(frame.pdq)


def _with_mirrored_track(clip: ClipFingerprint) -> ClipFingerprint:
    """The clip with mirrored hashes of its track, derived where they were not extracted."""
    if clip.track.mirrored is not None:
        return clip
    mirrored = [np.frombuffer(mirror_pdq(bytes(one)), np.uint8) for one in clip.track.hashes]
    stacked = np.stack(mirrored) if mirrored else np.zeros((0, 32), np.uint8)
    return replace(clip, track=replace(clip.track, mirrored=stacked))


def _stacked(hashes: Iterable[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def _of_sound(segment: SoundSegment) -> Segment:
    return Segment(
        query_start_s=segment.query_start_s,
        query_end_s=segment.query_end_s,
        reference_start_s=segment.reference_start_s,
        reference_end_s=segment.reference_end_s,
        speed=segment.speed,
        method="sound",
        frames=0,
        mean_distance=segment.bit_error_rate,
        motion=None,
        score=0.0,
        false_match=segment.probability,
    )
