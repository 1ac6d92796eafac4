"""What the API says of productions and shots."""

from datetime import datetime
from uuid import UUID

from ninja import Schema

from studio.productions.models import Production, Shot


class ProductionOut(Schema):
    id: UUID
    studio_id: UUID
    code: str
    name: str
    raster_width: int
    raster_height: int
    fps: str
    mark_profile: str
    created_at: datetime

    @staticmethod
    def resolve_fps(production: Production) -> str:
        return str(production.fps)


class ProductionPage(Schema):
    items: list[ProductionOut]
    next_after: UUID | None


class ShotOut(Schema):
    id: UUID
    production_id: UUID
    sequence_id: UUID
    sequence_code: str
    code: str
    description: str
    duration_seconds: float
    take_ids: list[UUID]
    created_at: datetime

    @staticmethod
    def resolve_production_id(shot: Shot) -> UUID:
        return shot.sequence.production_id

    @staticmethod
    def resolve_sequence_code(shot: Shot) -> str:
        return shot.sequence.code

    @staticmethod
    def resolve_take_ids(shot: Shot) -> list[UUID]:
        """Newest first."""
        return [take.pk for take in sorted(shot.takes.all(), key=lambda take: -take.number)]


class ShotPage(Schema):
    items: list[ShotOut]
    next_after: UUID | None
