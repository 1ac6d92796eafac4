"""Lays a clip over the stored file of the take it seems to be from."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from provenance.errors import ProvenanceError
from provenance.fingerprint import Segment
from provenance.inspect import Comparison, InspectionLimits, compare_files
from provenance.watermark import Detection
from studio.takes.models import Rendition, Take

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20


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


@contextmanager
def stored_file(name: str) -> Iterator[Path]:
    """A stored file as one on this machine: itself where the storage keeps it here, else a copy for a while."""
    here = _local_path(name)
    if here is not None:
        yield here
        return
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=Path(name).suffix) as copy:
        with default_storage.open(name, "rb") as stored:
            while chunk := stored.read(CHUNK_BYTES):
                copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _local_path(name: str) -> Path | None:
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None
