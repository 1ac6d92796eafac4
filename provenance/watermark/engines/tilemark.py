"""The project's own mark as an engine: keyed, tiled, no weights."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from provenance.watermark.carrier import PILOT_SHARE
from provenance.watermark.detect import Detector
from provenance.watermark.embed import embed
from provenance.watermark.engines.contract import (
    Candidate,
    EmbedJob,
    EngineInfo,
    ReadsFrames,
    Rgb,
    TimedPicture,
)
from provenance.watermark.engines.evidence import reliability_of_z
from provenance.watermark.findings import Detection
from provenance.watermark.keys import ALGORITHM, WatermarkKey
from provenance.watermark.polar import CODE_BITS

NAME = "tilemark"


class TileMark(ReadsFrames):
    """Wraps `Embedder` and `Detector`; always available."""

    def info(self) -> EngineInfo:
        """See WatermarkEngine."""
        algorithm, version = ALGORITHM.split("/")
        return EngineInfo(
            name=NAME,
            algorithm=algorithm,
            version=version,
            media_types=("video", "image"),
            channel_bits=CODE_BITS,
            keyed=True,
            needs_weights=False,
            licence="as Slate",
            device="cpu",
            is_available=True,
            reason="",
            message_channel="Every tile of 125x125 pixels carries the whole code word of 256 bits and a keyed pilot.",
            reads_stills=True,
        )

    def embed(self, frames: Iterable[Rgb], job: EmbedJob) -> Iterator[Rgb]:
        """See WatermarkEngine."""
        return embed(frames, job.payload, job.key, job.fps, profile=job.profile, strength=job.strength)

    def detector(self, budget_s: float | None = None) -> "TileMarkDetector":
        """See WatermarkEngine."""
        return TileMarkDetector(budget_s)


class TileMarkDetector:
    """See EngineDetector."""

    def __init__(self, budget_s: float | None) -> None:
        self._detector = Detector(budget_s)

    def add(self, frame: TimedPicture) -> None:
        """See EngineDetector."""
        self._detector.add(frame.luma, time_s=frame.time_s, is_key=frame.is_key)

    def detect(self, keys: Sequence[WatermarkKey]) -> list[Candidate]:
        """See EngineDetector."""
        return [candidate_of(found) for found in self._detector.detect(keys)]


def candidate_of(found: Detection) -> Candidate:
    """A detection of the tiled mark in the words that all engines share."""
    return Candidate(
        engines=(NAME,),
        key_id=found.key_id,
        payload=found.payload,
        soft_bits=np.zeros(CODE_BITS) if found.soft_bits is None else found.soft_bits,
        reliability=reliability_of_z(found.z, PILOT_SHARE, 1 - PILOT_SHARE),
        p_presence=found.p_presence,
        p_message=found.p_message,
        hypotheses=found.hypotheses,
        frames_used=found.frames_used,
        start_s=found.start_s,
        end_s=found.end_s,
        geometry=found.geometry,
        detection=found,
    )
