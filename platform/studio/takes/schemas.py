"""What the API says of a take and its file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema


class RenditionOut(Schema):
    """`content` is seekable by byte range; `download` is the same file with a name."""

    id: UUID
    kind: str
    sha256: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    fps: str
    duration_frames: int
    content: str
    download: str


class TakeOut(Schema):
    """`recipe` leaves out prompts for people who may not read them."""

    id: UUID
    shot_id: UUID
    number: int
    version: str
    state: str
    recipe: dict[str, Any]
    recipe_sha256: str
    renditions: list[RenditionOut]
    created_at: datetime
