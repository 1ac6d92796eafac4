"""Writes takes and renditions; the caller owns the transaction that makes them exist."""

import hashlib
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

import rfc8785
from django.db.models import Max
from django.utils import timezone

from studio.productions.models import Shot
from studio.takes.models import Rendition, Take


def add_take(
    shot_id: UUID,
    *,
    take_id: UUID,
    mark_id: int,
    state: Take.State,
    recipe: dict[str, Any],
    created_by_id: int,
    created_at: datetime,
) -> Take:
    """The shot's next version. The shot is locked until the transaction ends, so numbers stay dense."""
    shot = Shot.objects.select_for_update().get(pk=shot_id)
    last = shot.takes.aggregate(last=Max("number"))["last"] or 0
    return Take.objects.create(
        id=take_id,
        shot=shot,
        number=last + 1,
        state=state,
        mark_id=f"{mark_id:016x}",
        recipe=recipe,
        recipe_sha256=hashlib.sha256(rfc8785.dumps(recipe)).hexdigest(),
        created_by_id=created_by_id,
        created_at=created_at,
    )


def add_master(
    take: Take,
    *,
    sha256: str,
    storage_name: str,
    size_bytes: int,
    size: tuple[int, int],
    fps: Fraction,
    duration_frames: int,
) -> Rendition:
    """The master rendition, not yet published."""
    return Rendition.objects.create(
        take=take,
        kind=Rendition.Kind.MASTER,
        sha256=sha256,
        storage_name=storage_name,
        content_type="video/mp4",
        size_bytes=size_bytes,
        width=size[0],
        height=size[1],
        fps_numerator=fps.numerator,
        fps_denominator=fps.denominator,
        duration_frames=duration_frames,
    )


def publish_rendition(rendition: Rendition) -> None:
    """Make it servable; the database refuses at commit unless everything that proves it is there."""
    rendition.published_at = timezone.now()
    rendition.save(update_fields=["published_at"])
