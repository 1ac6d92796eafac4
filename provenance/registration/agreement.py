"""Decides whether a suspect shows what the take shows: a mark only points to a take and can be copied."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint import hamming, pdq, phash
from provenance.registration.clip import Rgb
from provenance.registration.evening import Mask
from provenance.registration.mapping import TamperMap, tamper_map
from provenance.registration.result import Pair, Registration

PDQ_SAME = 64  # of 256 bits; frames of unrelated clips lie around 128
LEAST_LIKENESS = 0.55  # different clips of one room and camera mostly stay below 0.47
LEAST_LIKENESS_IN_MOTION = 0.25
SURE_MOTION = 0.6
LEAST_MOTION = 0.35  # different clips of one room and camera stay below 0.15
MOST_DIFFERING = 0.4
_LEAST_QUALITY = 20
_MOTION_CELL = 8
_MOVING_STEPS = 8.0
_LEAST_MOVING = 0.004
_CHANCE_BITS = 128.0


@dataclass(frozen=True)
class ContentAgreement:
    """Whether a suspect shows the take's content, and what that rests on.

    similarity: 0 to 1, the share of what is shown that was not changed, times the agreement of its fingerprints
    beyond chance. reason: a sentence. pdq_bits: median distance of the PDQ of registered frames, of 256, with what
    was changed left out; phash_bits of 64; None where no frame has enough detail.
    likeness: correlation of structure, -1 to 1. motion: correlation of what changes between frames, None where
    nothing does. differing: share of what is shown that departs from the take.
    """

    same: bool
    similarity: float
    reason: str
    pdq_bits: float | None = None
    phash_bits: float | None = None
    likeness: float = 0.0
    motion: float | None = None
    differing: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def content_agreement(registration: Registration, tamper: TamperMap | None = None) -> ContentAgreement:
    """The decision; a suspect that could not be registered does not show the take.

    tamper: the map of this registration where it is at hand.
    """
    if not registration.is_registered:
        return ContentAgreement(False, 0.0, f"{_opening(registration)}. {registration.reason}")
    pairs = registration.pairs
    tamper = tamper or tamper_map(registration)
    pdq_bits, phash_bits = _hash_distances(pairs, tamper.tampered)
    differing = tamper.tampered_share
    motion = motion_likeness(pairs)
    differs = _difference(registration.likeness, pdq_bits, motion, differing)
    alike = 1 - pdq_bits / _CHANCE_BITS if pdq_bits is not None else registration.likeness
    similarity = max(0.0, alike) * (1 - differing)
    reason = (
        f"{_opening(registration)}: {differs}."
        if differs is not None
        else f"The content is that of the take; {_words(differing)} of what it shows of it was changed."
    )
    return ContentAgreement(
        differs is None, similarity, reason, pdq_bits, phash_bits, registration.likeness, motion, differing
    )


def _opening(registration: Registration) -> str:
    is_marked = registration.on_lattice is not None
    return "A mark is present, but the content differs" if is_marked else "The content differs"


def _difference(
    likeness: float, pdq_bits: float | None, motion: float | None, differing: float
) -> str | None:
    """What speaks against the content being the take's, None where nothing does."""
    # Where things move, their movement speaks; a still needs more structure in common.
    needed = LEAST_LIKENESS_IN_MOTION if motion is not None and motion >= SURE_MOTION else LEAST_LIKENESS
    if likeness < needed:
        return f"laid over the take, its structure correlates only by {likeness:.2f}"
    if pdq_bits is not None and pdq_bits > PDQ_SAME:
        return f"the fingerprints of registered frames are {pdq_bits:.0f} of 256 bits apart"
    if motion is not None and motion < LEAST_MOTION:
        return "the place is the same, but other things move in it"
    if differing > MOST_DIFFERING:
        return f"{_words(differing)} of what it shows departs from the take"
    return None


def _words(share: float) -> str:
    return f"{100 * share:.0f} %"


def _hash_distances(pairs: Sequence[Pair], tampered: Mask) -> tuple[float | None, float | None]:
    """Median bits between the fingerprints of registered frames, over frames with enough detail.

    What is tampered with is judged by its share of the picture: here both show grey in its place.
    """
    of_pdq, of_phash = [], []
    for pair in pairs:
        height, width = pair.inside.shape
        covered = cv2.resize(tampered.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
        take, suspect = (_overlap(rgb, pair.inside, covered) for rgb in (pair.take, pair.suspect))
        known, quality = pdq(take)
        if quality < _LEAST_QUALITY:
            continue
        of_pdq.append(hamming(known, pdq(suspect)[0]))
        of_phash.append(hamming(phash(take), phash(suspect)))
    if not of_pdq:
        return None, None
    return float(np.median(of_pdq)), float(np.median(of_phash))


def _overlap(rgb: Rgb, inside: Mask, covered: Mask) -> Rgb:
    """The box around what both show; where only the take shows something, or a cover lies, both are the same grey."""
    ys, xs = np.nonzero(inside)
    if len(ys) == 0:
        return rgb
    box = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
    return np.ascontiguousarray(np.where((inside & ~covered)[box][..., None], rgb[box], np.uint8(128)))


def motion_likeness(pairs: Sequence[Pair]) -> float | None:
    """Correlation, over all successive pairs, of what changes in the take with what changes in the suspect.

    Only cells in which either changes count. None where less than 0.4 % of the cells do, as in a still.
    """
    ordered = sorted(pairs, key=lambda pair: pair.take_time_s)
    cells = [(_coarse(pair.take), _coarse(pair.suspect), _coarse_mask(pair.inside)) for pair in ordered]
    changes = []
    shown = 0
    for (take, suspect, seen), (later_take, later_suspect, later_seen) in pairwise(cells):
        both = seen & later_seen
        a, b = later_take - take, later_suspect - suspect
        # A change of brightness of the whole picture is no movement in it.
        a, b = (change - np.median(change[both]) if both.any() else change for change in (a, b))
        moving = both & (np.maximum(np.abs(a), np.abs(b)) >= _MOVING_STEPS)
        shown += int(both.sum())
        changes.append(np.stack([a[moving], b[moving]]))
    if not changes or shown == 0:
        return None
    a, b = np.concatenate(changes, axis=1)
    if len(a) < _LEAST_MOVING * shown:
        return None
    return float(np.dot(a, b) / max(float(np.sqrt(np.dot(a, a) * np.dot(b, b))), 1e-6))


def _coarse(rgb: Rgb) -> NDArray[np.float64]:
    size = (max(1, rgb.shape[1] // _MOTION_CELL), max(1, rgb.shape[0] // _MOTION_CELL))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float64)
    # Contrast and brightness of the two may differ: each is measured in its own deviation.
    return np.asarray(small / max(float(small.std()), 4.0) * 40.0, dtype=np.float64)


def _coarse_mask(inside: Mask) -> Mask:
    size = (max(1, inside.shape[1] // _MOTION_CELL), max(1, inside.shape[0] // _MOTION_CELL))
    return cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99
