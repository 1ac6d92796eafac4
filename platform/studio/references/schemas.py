"""What the API takes to fill a bank, and what it says of banks, works and ingests."""

from datetime import datetime
from uuid import UUID

from ninja import Field, Schema


class BankOut(Schema):
    """`review_at` and `block_at` are probabilities of a false alarm; `is_shared`: your studio only reads it."""

    id: UUID
    name: str
    kind: str
    description: str
    studio: str
    is_shared: bool
    review_at: float
    block_at: float
    works: int
    film_seconds: float
    created_at: datetime


class BankPage(Schema):
    items: list[BankOut]
    next_after: UUID | None


class WorkOut(Schema):
    """`width` and `height` are null for works known by their hashes alone, `proxy` and `poster` where there is none."""

    id: UUID
    bank_id: UUID
    title: str
    sha256: str
    duration_seconds: float
    width: int | None
    height: int | None
    origin: str
    status: str
    status_reason: str
    owner: str
    licence: str
    source: str
    proxy: str | None
    poster: str | None
    created_at: datetime


class WorkPage(Schema):
    items: list[WorkOut]
    next_after: UUID | None


class AnnouncedIn(Schema):
    name: str = Field(min_length=1, max_length=1000)
    size_bytes: int = Field(ge=0, le=2**62)


class IngestIn(Schema):
    files: list[AnnouncedIn]


class IngestFileOut(Schema):
    """Send the bytes to `parts?offset=` in order, beginning at `received_bytes`; `reason` says why it is no work."""

    id: UUID
    name: str
    size_bytes: int
    received_bytes: int
    state: str
    code: str
    reason: str
    hint: str
    frames: int
    seconds: float
    work_id: UUID | None
    parts: str


class IngestOut(Schema):
    id: UUID
    bank_id: UUID
    source: str
    state: str
    page: str
    started_at: datetime
    finished_at: datetime | None
    files: list[IngestFileOut]
