"""Decides which small segments become one larger one; pure."""

from collections.abc import Sequence

from provenance.fingerprint.index.segment import MAX_SEGMENT_ROWS

FAN_IN = 4
SMALLEST_TIER_ROWS = 1 << 16


def to_merge(rows: Sequence[int]) -> list[int]:
    """Which of the segments, given their numbers of rows, should be merged now: none, or at least two.

    Segments of about the same size are merged as soon as there are four of them, the smallest first: a row is
    rewritten about once per quadrupling of the store. None grows beyond what a segment may hold.
    """
    tiers: dict[int, list[int]] = {}
    for number, size in enumerate(rows):
        tiers.setdefault(_tier(size), []).append(number)
    for tier in sorted(tiers):
        chosen: list[int] = []
        total = 0
        for number in sorted(tiers[tier], key=lambda number: rows[number]):
            if total + rows[number] <= MAX_SEGMENT_ROWS:
                chosen.append(number)
                total += rows[number]
        if len(chosen) >= FAN_IN:
            return sorted(chosen)
    return []


def _tier(size: int) -> int:
    tier = 0
    while size >= SMALLEST_TIER_ROWS:
        size //= FAN_IN
        tier += 1
    return tier
