"""Finds marks in a clip of unknown origin with nothing but the keys, and says how sure it is."""

import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape
from provenance.watermark.embed import grey_of
from provenance.watermark.findings import Detection
from provenance.watermark.keys import WatermarkKey
from provenance.watermark.message import IssuedMessages
from provenance.watermark.residual import Accumulator, Equaliser, reduced, reduction_of
from provenance.watermark.search import Search

_DEFAULT_FRAME_S = 1 / 25


class Detector:
    """Takes the frames of a clip one by one, then answers. Memory does not grow with the length of the clip.

    budget_s: seconds that `detect` may spend; it stops looking for rarer edits once they are over.
    """

    def __init__(self, budget_s: float | None = None) -> None:
        self._budget_s = budget_s
        self._accumulator = Accumulator()
        self._equaliser: Equaliser | None = None
        self._previous_s: float | None = None
        self._shape: tuple[int, int] | None = None
        self._frames_used = 0

    def add(self, luma: NDArray[np.uint8], *, time_s: float | None = None, is_key: bool = False) -> None:
        """Takes one frame of (H, W) uint8 luma; all must have the same size. Raises PictureShape.

        time_s: when it is shown, by default a 25th of a second after the one before.
        """
        self._check(luma)
        if time_s is None:
            time_s = 0.0 if self._previous_s is None else self._previous_s + _DEFAULT_FRAME_S
        frame_s = _DEFAULT_FRAME_S if self._previous_s is None else max(time_s - self._previous_s, 0.0)
        self._previous_s = time_s
        if self._accumulator.wants(time_s, is_key=is_key):
            self._frames_used += 1
            small = reduced(luma)
            if self._equaliser is None:
                self._equaliser = Equaliser(*small.shape)
            self._accumulator.add(self._equaliser(small), time_s, frame_s)

    def detect(
        self, keys: Sequence[WatermarkKey], issued: Mapping[str, IssuedMessages] | None = None
    ) -> list[Detection]:
        """The marks made with any of `keys`, best first; empty where there is none.

        issued: by key id, the messages known to have been given out with it. One of these is recognised where too
        little of the mark is left to decode a message from nothing.
        """
        if self._shape is None or not keys:
            return []
        deadline = None if self._budget_s is None else time.monotonic() + self._budget_s
        search = Search(
            list(keys),
            self._accumulator,
            reduction_of(*self._shape),
            self._frames_used,
            deadline,
            issued or {},
        )
        return search.run()

    def _check(self, luma: NDArray[np.uint8]) -> None:
        if luma.ndim != 2 or luma.dtype != np.uint8 or 0 in luma.shape:
            raise PictureShape(
                f"An array of shape {luma.shape} and type {luma.dtype} is not luma.",
                "It must be uint8 (H, W).",
            )
        if self._shape is None:
            self._shape = luma.shape
        elif self._shape != luma.shape:
            raise PictureShape(
                f"A frame of {luma.shape} follows frames of {self._shape}.", "Use one size per clip."
            )


def detect(
    frames: Iterable[NDArray[np.uint8]],
    keys: Sequence[WatermarkKey],
    *,
    fps: float = 25.0,
    budget_s: float | None = None,
) -> list[Detection]:
    """Detects in a stream of frames: (H, W) uint8 luma or (H, W, 3) uint8 RGB."""
    detector = Detector(budget_s)
    for number, frame in enumerate(frames):
        detector.add(frame if frame.ndim == 2 else grey_of(frame), time_s=number / fps, is_key=number == 0)
    return detector.detect(keys)
