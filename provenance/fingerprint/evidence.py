"""Weighs hits so that still pictures and slow scenes do not count many times over."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

_SAME_SIGNATURE = 0.9
_SAME_DISTANCE_BITS = 2.0


@dataclass(frozen=True)
class Hit:
    """One frame of the query lies within the search radius of one frame of the reference."""

    query_index: int
    query_time_s: float
    reference_time_s: float
    distance: int


Signature = dict[float, int]


def signatures(hits: Iterable[Hit]) -> dict[float, Signature]:
    """Per query time: which reference times it hits, at which distance."""
    found: dict[float, Signature] = defaultdict(dict)
    for hit in hits:
        earlier = found[hit.query_time_s].get(hit.reference_time_s, hit.distance)
        found[hit.query_time_s][hit.reference_time_s] = min(earlier, hit.distance)
    return dict(found)


def hit_weight(hit: Hit, signature: Signature) -> float:
    """A hit's vote: 1 for a sole hit, less when the same frame hits many others or others more closely."""
    closest = min(signature.values())
    return 1.0 / (1.0 + (hit.distance - closest) / 4.0) / sqrt(len(signature))


def distinct_hits(chain: Sequence[Hit], seen: dict[float, Signature]) -> int:
    """How many hits of a chain stand for different pictures.

    Neighbours whose frames hit the same reference frames at the same distances show the same still picture and
    count once together.
    """
    count, kept = 0, None
    for hit in chain:
        signature = seen[hit.query_time_s]
        if kept is None or not _is_same_picture(kept, signature):
            count, kept = count + 1, signature
    return count


def _is_same_picture(a: Signature, b: Signature) -> bool:
    if len(a) == 1 or len(b) == 1:
        return False
    shared = a.keys() & b.keys()
    if len(shared) < _SAME_SIGNATURE * len(a.keys() | b.keys()):
        return False
    return sum(abs(a[time] - b[time]) for time in shared) <= _SAME_DISTANCE_BITS * len(shared)
