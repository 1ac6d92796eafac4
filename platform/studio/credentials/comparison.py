"""Lays a clip over the stored file of the take it seems to be from."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings

from provenance.errors import ProvenanceError
from provenance.fingerprint import Segment
from provenance.inspect import Comparison, InspectionLimits, compare_files
from provenance.watermark import Detection
from studio.takes.models import Rendition, Take
from studio.takes.storage import stored_file

logger = logging.getLogger(__name__)


def compare_marked(path: Path, take: Take, found: Detection, limits: InspectionLimits) -> Comparison | None:
    """Where a mark leads to `take`: whether the clip shows it. None where the two could not be compared."""
    return _compare(
        path,
        take,
        limits,
        geometry=found.geometry,
        span=_span(found.start_s, found.end_s),
        source_start_s=found.source_start_s,
        speed=found.speed,
    )


def compare_unmarked(path: Path, take: Take, segment: Segment, limits: InspectionLimits) -> Comparison | None:
    """Where content alone leads to `take`, at `segment`: where the clip differs from it."""
    return _compare(
        path,
        take,
        limits,
        span=_span(segment.query_start_s, segment.query_end_s),
        source_start_s=segment.reference_start_s,
        speed=segment.speed,
    )


def _span(start_s: float, end_s: float) -> tuple[float, float] | None:
    """The stretch, or None (the whole clip) where it has no length: a single frame."""
    return (start_s, end_s) if end_s > start_s else None


def _compare(path: Path, take: Take, limits: InspectionLimits, **where: Any) -> Comparison | None:
    rendition = take.renditions.filter(kind=Rendition.Kind.MASTER).first()
    if rendition is None:
        return None
    try:
        with stored_file(rendition.storage_name) as reference:
            return compare_files(
                path, reference, limits=limits, timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S, **where
            )
    except (ProvenanceError, OSError) as error:
        # The verdict then rests on the fingerprint's search alone, and the operator learns why.
        logger.warning("a clip could not be compared with take %s: %s", take.pk, error)
        return None
