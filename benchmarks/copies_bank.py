"""A bank of references in memory, searched and judged with the very functions that the platform uses."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import ClipFingerprint, FrameFingerprint, Keyframe
from provenance.fingerprint.index import EXACT_RADIUS, LinearIndex
from provenance.fingerprint.judging import Judgement, Thresholds, judge, shipped
from provenance.fingerprint.matching.candidates import FEATURE_RADIUS, asked_features, neighbouring, promising
from provenance.fingerprint.matching.clip import (
    candidate_overlays,
    part_segments,
    timed_hits,
    unexplained_share,
    whole_picture_segments,
)
from provenance.fingerprint.matching.looking import FileLook
from provenance.fingerprint.matching.segment import Segment

_UNEXPLAINED = 0.2
_FEATURES = 128
_SECOND_LOOKS = 6


class MemoryBank:
    """References by name; `paths` are their files, for the second look."""

    def __init__(self, clips: Mapping[str, ClipFingerprint], paths: Mapping[str, Path]) -> None:
        self.clips = dict(clips)
        self._paths = paths
        self._frames: list[tuple[str, int, FrameFingerprint]] = []
        features: list[NDArray[np.uint8]] = []
        self._keyframes: list[tuple[str, Keyframe]] = []
        for name, clip in self.clips.items():
            self._frames += [
                (name, number, frame) for number, frame in enumerate(clip.frames) if frame.is_searchable
            ]
            for keyframe in clip.keyframes:
                if not keyframe.is_mirrored:
                    features.append(_padded(keyframe.descriptors))
                    self._keyframes.append((name, keyframe))
        hashes = np.array([list(frame.pdq) for _, _, frame in self._frames], np.uint8)
        self._index = LinearIndex(np.arange(len(hashes)), hashes)
        stacked = np.concatenate(features)
        self._features = LinearIndex(np.arange(len(stacked)), stacked)

    def segments(self, query: ClipFingerprint, path: Path | None) -> dict[str, list[Segment]]:
        """What every reference shares with the query; `path`, its file, allows the second look."""
        found = self._whole_pictures(query)
        explained = [segment for segments in found.values() for segment in segments]
        if path is not None and unexplained_share(query, explained) >= _UNEXPLAINED:
            for name, met in list(self._promising(query).items())[:_SECOND_LOOKS]:
                known = found.get(name, [])
                if unexplained_share(query, known) < _UNEXPLAINED:
                    continue
                reference = self.clips[name]
                pairs = product(query.keyframes, neighbouring(met, reference.keyframes))
                parts = part_segments(
                    candidate_overlays(pairs, known),
                    FileLook(path, threads=1),
                    FileLook(path, is_mirrored=True, threads=1),
                    FileLook(self._paths[name], threads=1),
                    query.duration_s,
                    reference.duration_s,
                )
                if parts:
                    found[name] = [*known, *parts]
        return found

    def judged(self, query: ClipFingerprint, path: Path | None) -> dict[str, Judgement]:
        """The judgement of every reference that shares anything with the query."""
        return {
            name: judge(segments, Thresholds(), shipped())
            for name, segments in self.segments(query, path).items()
        }

    def _whole_pictures(self, query: ClipFingerprint) -> dict[str, list[Segment]]:
        asked = [frame for frame in query.frames if frame.is_searchable]
        pairs: dict[str, list[list[tuple[int, int, int]]]] = defaultdict(lambda: [[], []])
        met: list[dict[int, set[str]]] = [defaultdict(set), defaultdict(set)]
        for turned in (False, True):
            hashes = [frame.mirrored_pdq if turned else frame.pdq for frame in asked]
            if not hashes or not all(hashes):
                continue
            hits = self._index.search(np.array([list(one) for one in hashes], np.uint8), EXACT_RADIUS)
            for own, row, distance in zip(hits.query, hits.row, hits.distance, strict=True):
                name, number, _ = self._frames[int(row)]
                pairs[name][turned].append((int(own), number, int(distance)))
                met[turned][int(own)].add(name)
        found = {}
        for name, (plain, mirrored) in pairs.items():
            clip = self.clips[name]
            hits_of = [
                timed_hits(
                    [asked[own] for own, _, _ in rows],
                    [clip.frames[number] for _, number, _ in rows],
                    np.array([distance for _, _, distance in rows], np.int64),
                    np.array([len(met[turned][own]) for own, _, _ in rows], np.int64),
                )
                for turned, rows in enumerate((plain, mirrored))
            ]
            segments = whole_picture_segments(query, clip, *hits_of)
            if segments:
                found[name] = segments
        return found

    def _promising(self, query: ClipFingerprint) -> dict[str, list[Keyframe]]:
        """By name, the key frames of references that share features with the query, the most promising first."""
        asked, descriptors = asked_features(query)
        if not len(descriptors):
            return {}
        hits = self._features.search(descriptors, FEATURE_RADIUS)
        found: dict[str, list[Keyframe]] = defaultdict(list)
        for pair in promising(asked[hits.query], hits.query, hits.row // _FEATURES, hits.distance):
            name, stored = self._keyframes[pair.stored]
            found[name].append(stored)
        return found


def _padded(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """128 rows, so that a row's number tells its key frame; what is missing lies far from everything real."""
    filler = np.full((_FEATURES - len(descriptors), 32), 0x55, np.uint8)
    return np.concatenate([descriptors[:_FEATURES], filler])
