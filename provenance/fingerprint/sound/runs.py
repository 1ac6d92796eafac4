"""The inner loop of comparing two tracks, compiled: stretches along a diagonal where codes differ in few bits."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.sound.codes import CODE_BITS, SILENT_CODE

# Codes of unrelated sound differ in 0.487 of their bits with a deviation of 0.06 over a second; copies mostly in
# less than 0.15, under another voice in 0.2 to 0.3.
MAX_BIT_ERROR = 0.30
# Codes of speech and music change by four to five bits from one to the next, those of a hum or a tone by none.
_BITS_OF_FULL_CHANGE = 3.0
# A stretch ends for good where so much was lost since its best: about 1.5 s of unrelated sound, or what a cut blurs.
_LARGEST_LOSS = 2.5

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))


@_compiled
def _ones(value: Any) -> Any:
    value = value - ((value >> np.uint32(1)) & np.uint32(0x55555555))
    value = (value & np.uint32(0x33333333)) + ((value >> np.uint32(2)) & np.uint32(0x33333333))
    value = (value + (value >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return ((value * np.uint32(0x01010101)) & np.uint32(0xFFFFFFFF)) >> np.uint32(24)


@_compiled
def news(codes: Any) -> Any:
    """How much each of (n,) uint32 codes says that the one before did not: (n,) float64, 0 to 1."""
    shares = np.ones(codes.shape[0])
    for at in range(1, codes.shape[0]):
        shares[at] = min(1.0, _ones(codes[at] ^ codes[at - 1]) / _BITS_OF_FULL_CHANGE)
    return shares


@_compiled
def find_runs(query: Any, reference: Any, slope: float, offsets: Any, least: float, runs: Any) -> int:
    """Writes the stretches that score at least `least` and returns how many there were, also beyond the room for them.

    query, reference: (n,) and (m,) uint32. Query code i is laid on reference code offset + round(slope x i), for each
    of `offsets`, (k,) int64. runs: (room, 4) float64, written: offset, first and last query code, score.

    Where the codes of a place differ in a share e of their bits, the score grows by `MAX_BIT_ERROR` - e, weighed by
    how much both sides changed since the place before, so that a hum or a tone gathers none. Silence on both sides
    counts nothing, silence on one is another sound.
    """
    silent = np.uint32(SILENT_CODE)
    query_news, reference_news = news(query), news(reference)
    found = 0
    for offset in offsets:
        score = best = 0.0
        first = last = 0
        for at in range(query.shape[0] + 1):
            other = offset + int(np.floor(slope * at + 0.5))
            is_over = at == query.shape[0] or other >= reference.shape[0]
            if not is_over and other < 0:
                continue
            if not is_over:
                a, b = query[at], reference[other]
                if a == silent or b == silent:
                    gain = 0.0 if a == b else MAX_BIT_ERROR - 0.5
                else:
                    gain = (MAX_BIT_ERROR - _ones(a ^ b) / CODE_BITS) * min(
                        query_news[at], reference_news[other]
                    )
                if score == 0.0:
                    first = at
                score += gain
                if score > best:
                    best, last = score, at
            if score <= 0.0 or best - score > _LARGEST_LOSS or is_over:
                if best >= least:
                    if found < runs.shape[0]:
                        runs[found, 0], runs[found, 1] = offset, first
                        runs[found, 2], runs[found, 3] = last, best
                    found += 1
                score = best = 0.0
            if is_over:
                break
    return found


def runs_of(
    query: NDArray[np.uint32],
    reference: NDArray[np.uint32],
    slope: float,
    offsets: NDArray[np.int64],
    least: float,
) -> NDArray[np.float64]:
    """(n, 4): offset, first and last query code, and score of every stretch that scores at least `least`."""
    room = 256
    while True:
        runs = np.empty((room, 4))
        found = find_runs(query, reference, slope, offsets, least, runs)
        if found <= room:
            return runs[:found]
        room = found
