"""Pages of ingests: files sent without scripts, the live report, and trying failed files again."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from studio.bodies import OVER_LIMIT
from studio.errors import InputRefused, SlateError
from studio.pages import SeeOther, signed_in, visible_or_404
from studio.references.access import may_manage, require_manage
from studio.references.ingesting import Announced, begin_upload, receive_part, retry_failed, retryable
from studio.references.models import Bank, Ingest, IngestFile
from studio.references.overview import with_counts
from studio.runs.presence import a_worker_is_present

FILES_PER_PAGE = 100
SHOWN = {"": IngestFile.State.values, "failed": [IngestFile.State.FAILED], "added": [IngestFile.State.ADDED]}


class UploadTooLarge(SlateError):
    code = "upload.too_large"
    status = 413


@signed_in
@require_POST
def upload(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    """Take whole files from a form, for browsers that run no scripts; scripts send parts through the API."""
    bank = visible_or_404(Bank.objects.select_related("studio"), request.user, bank_id)
    require_manage(request.user, bank)
    ingest = ingest_uploads(bank, request.FILES.getlist("files"), actor=request.user, request=request)
    return SeeOther(reverse("ingest", args=[ingest.pk]))


def ingest_uploads(bank: Bank, files: list[UploadedFile], *, actor: Any, request: HttpRequest) -> Ingest:
    """An ingest of files that came with one form. Raises InputRefused and UploadTooLarge."""
    if getattr(request, "scope", {}).get(OVER_LIMIT) or hasattr(request, "upload_over_limit_mib"):
        raise UploadTooLarge(
            "The files are too large for one form.", "Send them one by one, or with scripts on."
        )
    if not files:
        raise InputRefused("No file was sent.", "Choose one or more files.", code="upload.missing")
    ingest = begin_upload(bank, [Announced(one.name or "", one.size or 0) for one in files], actor=actor)
    for row, one in zip(ingest.files.order_by("position"), files, strict=True):
        if row.state == IngestFile.State.RECEIVING:
            receive_part(row, 0, one)
    return ingest


@signed_in
@require_safe
def ingest_page(request: HttpRequest, ingest_id: UUID) -> HttpResponseBase:
    ingest = _visible_ingest(request, ingest_id)
    shown = request.GET.get("show", "")
    files = ingest.files.filter(state__in=SHOWN.get(shown, SHOWN[""])).select_related("work")
    manages = may_manage(request.user, ingest.bank)
    context = {
        "ingest": ingest,
        "page": Paginator(files.order_by("position"), FILES_PER_PAGE).get_page(request.GET.get("page")),
        "show": shown if shown in SHOWN else "",
        "may_retry": manages and bool(retryable(ingest)),
        "no_worker": ingest.state == Ingest.State.OPEN
        and ingest.source != Ingest.Source.COMMAND
        and not a_worker_is_present(),
    }
    template = "references/_report.html" if getattr(request, "htmx", False) else "references/ingest.html"
    return render(request, template, context)


@signed_in
@require_POST
def ingest_retry(request: HttpRequest, ingest_id: UUID) -> HttpResponseBase:
    ingest = _visible_ingest(request, ingest_id)
    require_manage(request.user, ingest.bank)
    retry_failed(ingest, actor=request.user)
    return SeeOther(reverse("ingest", args=[ingest.pk]))


def _visible_ingest(request: HttpRequest, ingest_id: UUID) -> Ingest:
    ingests = with_counts(Ingest.objects.select_related("bank__studio", "requested_by"))
    ingest: Ingest = visible_or_404(ingests, request.user, ingest_id)
    return ingest
