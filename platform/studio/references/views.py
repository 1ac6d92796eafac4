"""Pages of the reference banks: which there are, what one holds, how it is set up, shared, taken out and filled."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studio.errors import InputRefused, NotAllowed
from studio.pages import SeeOther, signed_in, streamed, visible_or_404
from studio.references.access import may_manage, require_manage
from studio.references.common import add_common_content
from studio.references.exchange import FORMATS, writer_for
from studio.references.forms import BankForm, BankSettingsForm, ShareForm, WorkFilter
from studio.references.models import Bank, Ingest, Work
from studio.references.overview import with_contents, with_counts, with_files
from studio.references.services import change_bank, create_bank, share_bank, withdraw_share
from studio.references.transfer import exported_rows, import_file, note_export
from studio.takes.models import Take
from studio.takes.serving import safe_file_name
from studio.tenancy.models import Studio
from studio.tenancy.permissions import Action
from studio.tenancy.scope import studios_where

WORKS_PER_PAGE = 60
SHOWN_INGESTS = 5
ROWS_AT_ONCE = 2000
CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl", "pdq": "text/plain"}


@signed_in
@require_safe
def bank_list(request: HttpRequest) -> HttpResponseBase:
    banks = Bank.objects.visible_to(request.user).select_related("studio").order_by("kind", "name", "pk")
    mine = set(Studio.objects.visible_to(request.user).values_list("pk", flat=True))
    shown = list(with_contents(banks).annotate(reader_count=Count("shares")))
    for bank in shown:
        bank.is_own = bank.studio_id in mine
    may_create = studios_where(request.user, Action.MANAGE_REFERENCES)
    return render(
        request,
        "references/banks.html",
        {
            "banks": sorted(shown, key=lambda bank: (bank.is_common, bank.name)),
            "may_create": may_create.exists(),
            "lacks_common": may_create.exists() and not any(one.is_common and one.is_own for one in shown),
        },
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def bank_new(request: HttpRequest) -> HttpResponseBase:
    studios = studios_where(request.user, Action.MANAGE_REFERENCES)
    if not studios.exists():
        raise NotAllowed(
            "You may not make a bank.", "Ask a production manager or a supervisor of your studio."
        )
    form = BankForm(request.POST or None, studios=studios)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            bank = create_bank(
                data["studio"],
                data["name"],
                kind=data["kind"],
                description=data["description"],
                actor=request.user,
            )
        except InputRefused as error:
            form.add_error("name", f"{error.message} {error.hint}")
        else:
            return SeeOther(reverse("bank", args=[bank.pk]))
    return render(request, "references/new.html", {"form": form}, status=422 if form.is_bound else 200)


@signed_in
@require_POST
def common_content(request: HttpRequest) -> HttpResponseBase:
    """Make a bank of black, bars and leaders in the first studio whose banks the person may change."""
    studio = studios_where(request.user, Action.MANAGE_REFERENCES).first()
    if studio is None:
        raise NotAllowed(
            "You may not make a bank.", "Ask a production manager or a supervisor of your studio."
        )
    bank, ingest = add_common_content(studio, actor=request.user)
    return SeeOther(reverse("ingest", args=[ingest.pk]) if ingest else reverse("bank", args=[bank.pk]))


@signed_in
@require_safe
def bank_page(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    narrowed = WorkFilter(request.GET)
    own_matches = Q(matches__take__in=Take.objects.visible_to(request.user))
    works = narrowed.narrow(with_files(Work.objects.filter(bank=bank)))
    works = works.annotate(match_count=Count("matches", filter=own_matches)).order_by("title", "pk")
    page = Paginator(works, WORKS_PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    manages = may_manage(request.user, bank)
    context = {
        "bank": bank,
        "page": page,
        "filter": narrowed,
        "is_narrowed": bool(request.GET.get("q") or request.GET.get("status")),
        "query": query.urlencode(),
        "may_manage": manages,
        "ingests": _recent_ingests(bank) if manages else [],
        "limit_mib": settings.SLATE_UPLOAD_LIMIT_MIB,
    }
    template = "references/_works.html" if getattr(request, "htmx", False) else "references/bank.html"
    return render(request, template, context)


def _visible_bank(request: HttpRequest, bank_id: UUID) -> Bank:
    banks = with_contents(Bank.objects.select_related("studio"))
    bank: Bank = visible_or_404(banks, request.user, bank_id)
    bank.is_own = Studio.objects.visible_to(request.user).filter(pk=bank.studio_id).exists()
    return bank


def _recent_ingests(bank: Bank) -> list[Ingest]:
    newest = with_counts(Ingest.objects.filter(bank=bank)).select_related("requested_by")
    return list(newest.order_by("-started_at")[:SHOWN_INGESTS])


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def bank_settings(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    form = BankSettingsForm(request.POST or None, bank=bank)
    if request.method == "POST":
        require_manage(request.user, bank)
        if form.is_valid():
            try:
                change_bank(bank, actor=request.user, **form.cleaned_data)
            except InputRefused as error:
                form.add_error("name", f"{error.message} {error.hint}")
            else:
                return SeeOther(reverse("bank-settings", args=[bank.pk]))
    return _settings_page(request, bank, form=form)


@signed_in
@require_POST
def bank_share(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    require_manage(request.user, bank)
    form = ShareForm(request.POST)
    if form.is_valid():
        try:
            share_bank(bank, form.cleaned_data["slug"], actor=request.user)
        except InputRefused as error:
            form.add_error("slug", f"{error.message} {error.hint}")
        else:
            return SeeOther(f"{reverse('bank-settings', args=[bank.pk])}#sharing")
    return _settings_page(request, bank, share_form=form)


@signed_in
@require_POST
def bank_unshare(request: HttpRequest, bank_id: UUID, studio_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    require_manage(request.user, bank)
    share = get_object_or_404(bank.shares.select_related("studio"), studio=studio_id)
    withdraw_share(bank, share.studio, actor=request.user)
    return SeeOther(f"{reverse('bank-settings', args=[bank.pk])}#sharing")


@signed_in
@require_safe
def bank_export(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    require_manage(request.user, bank)
    kind = request.GET.get("format", "csv")
    if kind not in FORMATS:
        raise InputRefused(f"There is no format {kind[:20]!r}.", f"Give one of {', '.join(FORMATS)}.")
    response = streamed(request, _exported(bank, kind, request.user), content_type=CONTENT_TYPES[kind])
    name = safe_file_name(f"{bank.name}.{'txt' if kind == 'pdq' else kind}")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


def _exported(bank: Bank, kind: str, actor: Any) -> Iterator[bytes]:
    """The export in pieces of some thousand rows; the ledger has its entry before the first of them is sent."""
    note_export(bank, kind, actor=actor)
    lines = _Lines()
    write = writer_for(kind, lines)  # type: ignore[arg-type]
    for number, (_, row) in enumerate(exported_rows(bank), start=1):
        write(row)
        if number % ROWS_AT_ONCE == 0:
            yield lines.taken()
    yield lines.taken()


class _Lines:
    """Collects text until somebody takes it."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        return len(text)

    def taken(self) -> bytes:
        text, self._parts = "".join(self._parts), []
        return text.encode("utf-8")


@signed_in
@require_POST
def bank_import(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = _visible_bank(request, bank_id)
    require_manage(request.user, bank)
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise InputRefused("No file was sent.", "Choose a list of hashes.", code="upload.missing")
        with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, prefix="import-") as copy:
            for chunk in upload.chunks():
                copy.write(chunk)
            copy.flush()
            counts = import_file(bank, Path(copy.name), name=Path(upload.name).name, actor=request.user)
    except InputRefused as error:
        return _settings_page(request, bank, import_error=error)
    return _settings_page(request, bank, imported=counts)


def _settings_page(
    request: HttpRequest,
    bank: Bank,
    *,
    form: BankSettingsForm | None = None,
    share_form: ShareForm | None = None,
    import_error: InputRefused | None = None,
    imported: Any = None,
) -> HttpResponse:
    manages = may_manage(request.user, bank)
    shares = bank.shares.select_related("studio", "shared_by") if manages else []
    context = {
        "bank": bank,
        "may_manage": manages,
        "form": form or BankSettingsForm(bank=bank),
        "share_form": share_form or ShareForm(),
        "shares": shares,
        "import_error": import_error,
        "imported": imported,
    }
    refused = import_error or share_form or (form is not None and form.is_bound)
    return render(request, "references/settings.html", context, status=422 if refused else 200)
