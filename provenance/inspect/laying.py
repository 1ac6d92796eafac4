"""Lays one file over another in this very process, and draws where they differ; runs in the child only."""

import base64
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from provenance.inspect.protocol import ComparisonRequest
from provenance.registration import (
    Clip,
    Registration,
    content_agreement,
    draw_tamper_map,
    register,
    tamper_map,
)
from provenance.registration.maps import corners
from provenance.watermark import Geometry


def lay_over(request: ComparisonRequest) -> dict[str, Any]:
    """What came of it, as JSON-able values (see `Comparison`). Raises what reading either file raises."""
    limits = request.limits
    cv2.setNumThreads(limits.threads)
    suspect = Clip.of_file(Path(request.path), limits.media, threads=limits.threads)
    reference = Clip.of_file(Path(request.reference), threads=limits.threads)
    found = register(
        suspect,
        reference,
        geometry=Geometry(*request.geometry) if request.geometry is not None else None,
        span=request.span,
        source_start_s=request.source_start_s,
        speed=request.speed,
    )
    differences = tamper_map(found)
    agreement = content_agreement(found, differences)
    answer: dict[str, Any] = {
        "is_same": bool(agreement.same),
        "similarity": float(agreement.similarity),
        "reason": agreement.reason,
    }
    if found.is_registered:
        picture = draw_tamper_map(differences, found)
        answer |= {
            "place": _place(found),
            "regions": [asdict(region) for region in differences.regions],
            "picture": base64.b64encode(picture).decode(),
        }
    return answer


def _place(found: Registration) -> dict[str, Any]:
    lies = found.take_to_suspect
    width, height = found.suspect_size
    seen = lies.inverse().apply(corners(width, height)) / found.take_size
    (left, top), (right, bottom) = seen.min(axis=0).clip(0, 1).tolist(), seen.max(axis=0).clip(0, 1).tolist()
    return {
        "scale": lies.scale,
        "rotation_deg": lies.rotation_deg,
        "is_mirrored": lies.is_mirrored,
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
    }
