"""Pages of productions: the list, one production's sequences and shots, and adding to them."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studio.errors import NotAllowed
from studio.pages import SeeOther, signed_in, visible_or_404
from studio.productions.forms import MarkProfileForm, ProductionForm, SequenceForm, ShotForm
from studio.productions.models import Production, Sequence, Shot
from studio.productions.overview import with_running, with_shot_count, with_takes
from studio.productions.services import (
    create_production,
    create_shot,
    get_or_create_sequence,
    set_mark_profile,
)
from studio.tenancy.permissions import Action, may, require
from studio.tenancy.scope import studios_where

SHOT_CODE_TAKEN = "shot_code_once_per_sequence"


@signed_in
@require_safe
def production_list(request: HttpRequest) -> HttpResponseBase:
    rows = Production.objects.visible_to(request.user).select_related("studio").order_by("name", "pk")
    productions = with_takes(with_shot_count(rows), "sequences__shots__")
    return render(
        request,
        "productions/list.html",
        {
            "productions": productions,
            "may_create": studios_where(request.user, Action.MANAGE_PRODUCTIONS).exists(),
        },
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def production_new(request: HttpRequest) -> HttpResponseBase:
    studios = studios_where(request.user, Action.MANAGE_PRODUCTIONS)
    if not studios.exists():
        raise NotAllowed(
            "You may not make a production.", "Ask a production manager or an operator of your studio."
        )
    form = ProductionForm(request.POST or None, studios=studios)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        require(request.user, Action.MANAGE_PRODUCTIONS, data["studio"])
        try:
            production = create_production(
                data["studio"],
                data["code"],
                data["name"],
                actor=request.user,
                raster=(data["raster_width"], data["raster_height"]),
                fps=form.chosen_fps,
                mark_profile=data["mark_profile"],
            )
        except IntegrityError:
            form.add_error("code", "The studio has a production with this code already. Give another.")
        else:
            return SeeOther(reverse("production", args=[production.pk]))
    status = 422 if form.is_bound else 200
    return render(request, "productions/new.html", {"form": form}, status=status)


@signed_in
@require_safe
def production_page(request: HttpRequest, production_id: UUID) -> HttpResponseBase:
    production = visible_or_404(Production.objects.select_related("studio"), request.user, production_id)
    return _production_page(request, production)


@signed_in
@require_POST
def mark_profile(request: HttpRequest, production_id: UUID) -> HttpResponseBase:
    production = visible_or_404(Production.objects.select_related("studio"), request.user, production_id)
    require(request.user, Action.MANAGE_PRODUCTIONS, production.studio)
    form = MarkProfileForm(request.POST)
    if not form.is_valid():
        return _production_page(request, production, mark_form=form)
    set_mark_profile(production, form.cleaned_data["mark_profile"], actor=request.user)
    return SeeOther(reverse("production", args=[production.pk]))


@signed_in
@require_POST
def sequence_new(request: HttpRequest, production_id: UUID) -> HttpResponseBase:
    production = visible_or_404(Production.objects.select_related("studio"), request.user, production_id)
    require(request.user, Action.MANAGE_PRODUCTIONS, production.studio)
    form = SequenceForm(request.POST)
    if not form.is_valid():
        return _production_page(request, production, sequence_form=form)
    data = form.cleaned_data
    if production.sequences.filter(code=data["code"]).exists():
        form.add_error("code", f"There is a sequence {data['code']} already. Give another code.")
        return _production_page(request, production, sequence_form=form)
    sequence = get_or_create_sequence(production, data["code"], name=data["name"], actor=request.user)
    return SeeOther(f"{reverse('production', args=[production.pk])}#sequence-{sequence.pk}")


@signed_in
@require_POST
def shot_new(request: HttpRequest, sequence_id: UUID) -> HttpResponseBase:
    sequences = Sequence.objects.select_related("production__studio")
    sequence = visible_or_404(sequences, request.user, sequence_id)
    require(request.user, Action.MANAGE_PRODUCTIONS, sequence.production.studio)
    form = _shot_form(sequence, request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            shot = create_shot(
                sequence,
                code=data["code"] or None,
                description=data["description"],
                duration_seconds=data["duration_seconds"],
                actor=request.user,
            )
        except IntegrityError as error:
            if SHOT_CODE_TAKEN not in str(error):
                raise
            form.add_error("code", "The sequence has a shot with this code already. Give another.")
        else:
            return SeeOther(reverse("shot", args=[shot.pk]))
    return _production_page(request, sequence.production, refused_shot=(sequence, form))


def _shot_form(sequence: Sequence, data: QueryDict | None = None) -> ShotForm:
    # Every sequence of a page has such a form, so the identifiers of its fields carry the sequence's own.
    return ShotForm(data, auto_id=f"{sequence.pk}-%s")


def _production_page(
    request: HttpRequest,
    production: Production,
    *,
    sequence_form: SequenceForm | None = None,
    mark_form: MarkProfileForm | None = None,
    refused_shot: tuple[Sequence, ShotForm] | None = None,
) -> HttpResponse:
    shots = with_running(with_takes(Shot.objects.order_by("position", "code")))
    sequences = list(production.sequences.prefetch_related(Prefetch("shots", queryset=shots)))
    for sequence in sequences:
        is_refused = refused_shot is not None and refused_shot[0] == sequence
        sequence.shot_form = refused_shot[1] if refused_shot and is_refused else _shot_form(sequence)
    context: dict[str, Any] = {
        "production": production,
        "sequences": sequences,
        "may_manage": may(request.user, Action.MANAGE_PRODUCTIONS, production.studio),
        "sequence_form": sequence_form or SequenceForm(),
        "mark_form": mark_form or MarkProfileForm(initial={"mark_profile": production.mark_profile}),
    }
    refused = any(one is not None for one in (sequence_form, mark_form, refused_shot))
    return render(request, "productions/production.html", context, status=422 if refused else 200)
