"""The page of a work, what may be done to it there, and its proxy and poster."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from studio.pages import SeeOther, signed_in, visible_or_404
from studio.references.access import may_manage, require_manage
from studio.references.coverage import Picture, coverage_of
from studio.references.forms import NotesForm, StandingForm
from studio.references.models import Work, WorkFile
from studio.references.standing import (
    annotate_work,
    delete_work,
    release_work,
    restore_work,
    withdraw_work,
)
from studio.references.takematches import shown_matches_of
from studio.takes.serving import StoredFile, serve_stored
from studio.tenancy.models import Studio

SHOWN_MATCHES = 50


@signed_in
@require_safe
def work_page(request: HttpRequest, work_id: UUID) -> HttpResponseBase:
    return _work_page(request, _visible_work(request, work_id))


@signed_in
@require_POST
def work_standing(request: HttpRequest, work_id: UUID) -> HttpResponseBase:
    """Withdraw the work, bring it back, or let it out of quarantine."""
    work = _visible_work(request, work_id)
    require_manage(request.user, work.bank)
    form = StandingForm(request.POST)
    if not form.is_valid():
        return _work_page(request, work, standing_form=form)
    data = form.cleaned_data
    if data["action"] == "withdraw":
        withdraw_work(work, data["reason"], actor=request.user)
    elif data["action"] == "restore":
        restore_work(work, actor=request.user)
    else:
        release_work(work, actor=request.user)
    return SeeOther(reverse("work", args=[work.pk]))


@signed_in
@require_POST
def work_notes(request: HttpRequest, work_id: UUID) -> HttpResponseBase:
    work = _visible_work(request, work_id)
    require_manage(request.user, work.bank)
    form = NotesForm(request.POST)
    if not form.is_valid():
        return _work_page(request, work, notes_form=form)
    annotate_work(work, actor=request.user, **form.cleaned_data)
    return SeeOther(reverse("work", args=[work.pk]))


@signed_in
@require_POST
def work_delete(request: HttpRequest, work_id: UUID) -> HttpResponseBase:
    work = _visible_work(request, work_id)
    require_manage(request.user, work.bank)
    delete_work(work, actor=request.user)
    return SeeOther(reverse("bank", args=[work.bank_id]))


@signed_in
@require_safe
def work_file(request: HttpRequest, work_file_id: UUID) -> HttpResponseBase:
    """A proxy or poster, whole or by range, for whoever may read the bank."""
    file = visible_or_404(WorkFile.objects.select_related("work"), request.user, work_file_id)
    stored = StoredFile(
        storage_name=file.storage_name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        content_type=file.content_type,
        stored_at=file.created_at,
        shown_as=file.work.title,
        file_name=f"{file.work.title}.{'mp4' if file.kind == WorkFile.Kind.PROXY else 'jpg'}",
    )
    return serve_stored(request, stored)


def _visible_work(request: HttpRequest, work_id: UUID) -> Work:
    works = Work.objects.select_related("bank__studio", "added_by", "status_by")
    work: Work = visible_or_404(works, request.user, work_id)
    work.is_own = Studio.objects.visible_to(request.user).filter(pk=work.bank.studio_id).exists()
    return work


def _work_page(
    request: HttpRequest,
    work: Work,
    *,
    standing_form: StandingForm | None = None,
    notes_form: NotesForm | None = None,
) -> HttpResponse:
    kept = work.fingerprints.order_by("time_s").values_list(
        "time_s", "duration_s", "quality", "is_shot_start"
    )
    coverage = coverage_of((Picture(*row) for row in kept.iterator(chunk_size=5000)), work.duration_seconds)
    matches = shown_matches_of(work, request.user)
    files = {file.kind: file for file in work.files.all()}
    track = getattr(work, "track", None)
    sound = getattr(work, "sound", None)
    notes = {name: getattr(work, name) for name in NotesForm.base_fields}
    context = {
        "work": work,
        "bank": work.bank,
        "proxy": files.get(WorkFile.Kind.PROXY),
        "poster": files.get(WorkFile.Kind.POSTER),
        "coverage": coverage,
        "keyframe_count": work.keyframes.count(),
        "has_sound": sound is not None,
        "algorithms": track.algorithm.names if track else [],
        "matches": matches.order_by("-created_at", "take_start_s")[:SHOWN_MATCHES],
        "match_count": matches.count(),
        "may_manage": may_manage(request.user, work.bank),
        "standing_form": standing_form or StandingForm(),
        "notes_form": notes_form or NotesForm(initial=notes),
    }
    refused = standing_form is not None or notes_form is not None
    return render(request, "references/work.html", context, status=422 if refused else 200)
