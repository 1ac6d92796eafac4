"""Every watermark engine behind one interface: the tiled mark always, neural ones where their weights are declared."""

from provenance.watermark.engines.contract import (
    Candidate,
    EmbedJob,
    EngineDetector,
    EngineInfo,
    RgbPicture,
    TimedPicture,
    WatermarkEngine,
)
from provenance.watermark.engines.errors import (
    EngineFailed,
    EngineUnavailable,
    MarkUnreadable,
    StillUnsupported,
    WeightsUnusable,
)
from provenance.watermark.engines.registry import all_engines, available_engines, engine_named
from provenance.watermark.engines.stills import MarkedStill, detect_still, embed_still
from provenance.watermark.engines.together import Identified, combine, detect_with, embed_with, identify

__all__ = [
    "Candidate",
    "EmbedJob",
    "EngineDetector",
    "EngineFailed",
    "EngineInfo",
    "EngineUnavailable",
    "Identified",
    "MarkUnreadable",
    "MarkedStill",
    "RgbPicture",
    "StillUnsupported",
    "TimedPicture",
    "WatermarkEngine",
    "WeightsUnusable",
    "all_engines",
    "available_engines",
    "combine",
    "detect_still",
    "detect_with",
    "embed_still",
    "embed_with",
    "engine_named",
    "identify",
]
