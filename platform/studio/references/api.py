"""API routes that read banks and works, and fill a bank by upload."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router, Status

from studio.pages import visible_or_404
from studio.paging import MAX_ITEMS, page_after
from studio.problems import answers
from studio.references.access import require_manage
from studio.references.ingesting import Announced, begin_upload, receive_part
from studio.references.models import Bank, Ingest, IngestFile, Work, WorkFile
from studio.references.overview import with_contents
from studio.references.schemas import BankOut, BankPage, IngestFileOut, IngestIn, IngestOut, WorkOut, WorkPage
from studio.tenancy.models import Studio

router = Router(tags=["references"])

Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS)]
Offset = Annotated[int, Query(ge=0, le=2**62)]

RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/banks", response=answers({200: BankPage}, 401, 422))
def list_banks(request: HttpRequest, after: UUID | None = None, limit: Limit = 50) -> dict[str, Any]:
    """The banks of your studios and those shared with them, oldest first."""
    banks = with_contents(Bank.objects.visible_to(request.user).select_related("studio"))
    items, next_after = page_after(banks, after, limit)
    own = _own_studios(request)
    return {"items": [_bank_out(bank, own) for bank in items], "next_after": next_after}


@router.get("/banks/{uuid:bank_id}", response=answers({200: BankOut}, 401, 404))
def get_bank(request: HttpRequest, bank_id: UUID) -> dict[str, Any]:
    """One bank."""
    bank = visible_or_404(with_contents(Bank.objects.select_related("studio")), request.user, bank_id)
    return _bank_out(bank, _own_studios(request))


@router.get("/banks/{uuid:bank_id}/works", response=answers({200: WorkPage}, 401, 404, 422))
def list_works(
    request: HttpRequest, bank_id: UUID, after: UUID | None = None, limit: Limit = 50
) -> dict[str, Any]:
    """The works of a bank, oldest first."""
    bank = visible_or_404(Bank.objects.all(), request.user, bank_id)
    works = Work.objects.filter(bank=bank).prefetch_related("files")
    items, next_after = page_after(works, after, limit)
    return {"items": [_work_out(work) for work in items], "next_after": next_after}


@router.get("/works/{uuid:work_id}", response=answers({200: WorkOut}, 401, 404))
def get_work(request: HttpRequest, work_id: UUID) -> dict[str, Any]:
    """One work."""
    return _work_out(visible_or_404(Work.objects.prefetch_related("files"), request.user, work_id))


@router.post("/banks/{uuid:bank_id}/ingests", response=answers({202: IngestOut}, 400, 401, 403, 404, 422))
def start_ingest(request: HttpRequest, bank_id: UUID, body: IngestIn) -> Status[dict[str, Any]]:
    """Announce files for a bank; then send the bytes of each to its `parts`, in order and in parts of any size."""
    bank = visible_or_404(Bank.objects.select_related("studio"), request.user, bank_id)
    require_manage(request.user, bank)
    ingest = begin_upload(
        bank, [Announced(one.name, one.size_bytes) for one in body.files], actor=request.user
    )
    return Status(202, _ingest_out(ingest))


@router.get("/ingests/{uuid:ingest_id}", response=answers({200: IngestOut}, 401, 404))
def get_ingest(request: HttpRequest, ingest_id: UUID) -> dict[str, Any]:
    """An ingest with what became of each file."""
    return _ingest_out(visible_or_404(Ingest.objects.all(), request.user, ingest_id))


@router.post(
    "/ingest-files/{uuid:ingest_file_id}/parts",
    response=answers({200: IngestFileOut}, 400, 401, 403, 404, 409, 413, 422),
    openapi_extra=RAW_BODY,
)
def send_part(request: HttpRequest, ingest_file_id: UUID, offset: Offset = 0) -> dict[str, Any]:
    """The bytes of a file from `offset` on. 409 says where to go on when that is somewhere else."""
    files = IngestFile.objects.select_related("ingest__bank__studio")
    file = visible_or_404(files, request.user, ingest_file_id)
    require_manage(request.user, file.ingest.bank)
    return _file_out(receive_part(file, offset, request))  # type: ignore[arg-type]


def _own_studios(request: HttpRequest) -> set[UUID]:
    return set(Studio.objects.visible_to(request.user).values_list("pk", flat=True))


def _bank_out(bank: Any, own: set[UUID]) -> dict[str, Any]:
    facts = ("id", "name", "kind", "description", "review_at", "block_at", "film_seconds", "created_at")
    return {
        **{name: getattr(bank, name) for name in facts},
        "studio": bank.studio.name,
        "is_shared": bank.studio_id not in own,
        "works": bank.work_count,
    }


def _work_out(work: Work) -> dict[str, Any]:
    facts = [name for name in WorkOut.model_fields if name not in ("proxy", "poster")]
    files = {file.kind: reverse("work-file", args=[file.pk]) for file in work.files.all()}
    return {
        **{name: getattr(work, name) for name in facts},
        "proxy": files.get(WorkFile.Kind.PROXY),
        "poster": files.get(WorkFile.Kind.POSTER),
    }


def _ingest_out(ingest: Ingest) -> dict[str, Any]:
    facts = ("id", "bank_id", "source", "state", "started_at", "finished_at")
    return {
        **{name: getattr(ingest, name) for name in facts},
        "page": reverse("ingest", args=[ingest.pk]),
        "files": [_file_out(file) for file in ingest.files.order_by("position")],
    }


def _file_out(file: IngestFile) -> dict[str, Any]:
    facts = [name for name in IngestFileOut.model_fields if name not in ("code", "parts")]
    return {
        **{name: getattr(file, name) for name in facts},
        "code": file.reason_code,
        "parts": reverse("api:send_part", args=[file.pk]),
    }
