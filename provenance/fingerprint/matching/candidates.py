"""Chooses which references are worth a closer look, from where single features of the query meet stored ones; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import ClipFingerprint, Keyframe

FEATURE_RADIUS = 44
ASKED_PER_KEYFRAME = 256
ASKED_IN_ALL = 8192
MOST_PAIRS = 160
# Fewer agreeing features than this appear between any two pictures.
_MIN_VOTES = 1.5
MOST_NEIGHBOURS = 48
_NEIGHBOURS_S = 8.0


def asked_features(query: ClipFingerprint) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """(number of the key frame, descriptor) of the features to look up: (n,) and (n, 32) uint8.

    The first 256 of a key frame are spread over it as evenly as all are; of very many key frames, evenly chosen ones.
    """
    most = max(1, ASKED_IN_ALL // ASKED_PER_KEYFRAME)
    count = len(query.keyframes)
    chosen = np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.intp)
    parts = [query.keyframes[int(number)].descriptors[:ASKED_PER_KEYFRAME] for number in chosen]
    if not parts:
        return np.zeros(0, np.intp), np.zeros((0, 32), np.uint8)
    numbers = np.repeat(chosen, [len(part) for part in parts])
    return numbers, np.concatenate(parts)


@dataclass(frozen=True)
class Pair:
    """A key frame of the query (its number) and a stored one (its identity) that share features."""

    asked: int
    stored: int
    votes: float


def promising(
    asked_keyframe: NDArray[np.intp],
    asked_feature: NDArray[np.integer],
    stored_keyframe: NDArray[np.int64],
    distance: NDArray[np.uint8],
) -> list[Pair]:
    """The pairs of key frames with the most agreeing features, best first, at most 160.

    Each array has a row per hit. A feature votes for every key frame it meets, and the less for each the more it meets:
    what appears everywhere says nothing.
    """
    if not len(distance):
        return []
    _, inverse, met = np.unique(asked_feature, return_inverse=True, return_counts=True)
    weight = (1.0 - distance / (2.0 * FEATURE_RADIUS)) / np.sqrt(met[inverse])
    pairs, row = np.unique(np.stack([asked_keyframe, stored_keyframe], 1), axis=0, return_inverse=True)
    votes = np.bincount(row.ravel(), weight)
    order = np.argsort(-votes, kind="stable")[:MOST_PAIRS]
    return [
        Pair(int(pairs[one, 0]), int(pairs[one, 1]), float(votes[one]))
        for one in order
        if votes[one] >= _MIN_VOTES
    ]


def neighbouring(met: Sequence[Keyframe], stored: Sequence[Keyframe]) -> list[Keyframe]:
    """Of a reference's stored key frames those within 8 s of one that was met, at most 48, the nearest in time.

    Where one key frame shares features the ones around it may as well, of which the index kept too few to tell.
    """
    if not met:
        return []
    met_s = np.array([frame.time_s for frame in met])
    apart = [(float(np.abs(met_s - frame.time_s).min()), frame) for frame in stored if not frame.is_mirrored]
    near = sorted((entry for entry in apart if entry[0] <= _NEIGHBOURS_S), key=lambda entry: entry[0])
    return [frame for _, frame in near[:MOST_NEIGHBOURS]]
