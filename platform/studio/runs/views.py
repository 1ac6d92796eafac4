"""The page of a shot: its takes, the prompt, and the runs under way."""

import contextlib
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from studio.errors import SlateError
from studio.pages import SeeOther, signed_in, visible_or_404
from studio.productions.models import Shot
from studio.productions.overview import with_running, with_takes
from studio.runs.errors import RunEnded
from studio.runs.forms import RunForm
from studio.runs.models import Run
from studio.runs.presence import a_worker_is_present
from studio.runs.services import cancel_run, request_run
from studio.takes.models import Take
from studio.tenancy.permissions import Action, may, require

FAILURES_SHOWN = 5
# Beyond this many waiting runs the exact place in the queue is not worth a longer query.
QUEUE_COUNTED = 1000


def _shots() -> "QuerySet[Shot]":
    return Shot.objects.select_related("sequence__production__studio")


def _runs() -> "QuerySet[Run]":
    return Run.objects.select_related("shot__sequence__production__studio", "requested_by", "take")


@signed_in
@require_safe
def shot_page(request: HttpRequest, shot_id: UUID) -> HttpResponseBase:
    """The whole page, or only the stage (player and caption) when htmx swaps another take in."""
    shot = visible_or_404(_shots(), request.user, shot_id)
    takes = takes_of(shot)
    current = _chosen(takes, request.GET.get("take"))
    context = _stage(request, shot, current, latest=takes[0] if takes else None)
    if getattr(request, "htmx", False) and request.htmx.target == "stage":
        return render(request, "runs/_stage.html", context)
    latest_run = next((take.run for take in takes if hasattr(take, "run")), None)
    form = RunForm.for_shot(shot, again=_run_to_repeat(request, shot), latest=latest_run)
    context |= _page(request, shot, takes, form)
    return render(request, "runs/shot.html", context)


@signed_in
@require_POST
def run_new(request: HttpRequest, shot_id: UUID) -> HttpResponseBase:
    shot = visible_or_404(_shots(), request.user, shot_id)
    require(request.user, Action.GENERATE, shot.production.studio)
    form = RunForm(request.POST)
    error: SlateError | None = None
    run = None
    if form.is_valid():
        data = form.cleaned_data
        try:
            run = request_run(
                shot,
                actor=request.user,
                prompt=data["prompt"],
                seconds=data["seconds"],
                seed=data["seed"],
                negative_prompt=data["negative_prompt"],
            )
        except SlateError as refused:
            error = refused
    if getattr(request, "htmx", False):
        context = {
            "shot": shot,
            "form": form,
            "error": error,
            "run": run,
            **_why_waiting([run] if run else []),
        }
        return render(request, "runs/_asked.html", context, status=202 if run else _status(error))
    if run is not None:
        return SeeOther(reverse("shot", args=[shot.pk]))
    takes = takes_of(shot)
    latest = takes[0] if takes else None
    context = _stage(request, shot, latest, latest=latest) | _page(request, shot, takes, form)
    return render(request, "runs/shot.html", context | {"error": error}, status=_status(error))


@signed_in
@require_safe
def run_status(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """The card of a run; an ended one stops asking, and a finished one brings its take along."""
    run = visible_or_404(_runs(), request.user, run_id)
    if not getattr(request, "htmx", False):
        return redirect("shot", run.shot_id)
    return _card(request, run)


@signed_in
@require_POST
def run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    run = visible_or_404(_runs(), request.user, run_id)
    # It may have ended between the drawing of the button and the click; its card tells what became of it.
    with contextlib.suppress(RunEnded):
        cancel_run(run, actor=request.user)
    if not getattr(request, "htmx", False):
        return SeeOther(reverse("shot", args=[run.shot_id]))
    return _card(request, _runs().get(pk=run.pk))


def takes_of(shot: Shot) -> list[Take]:
    """The takes of a shot, newest first, with everything their rows show."""
    takes = Take.objects.filter(shot=shot).select_related("created_by", "run").order_by("-number")
    return list(takes.prefetch_related("renditions__gate"))


def _chosen(takes: list[Take], number: str | None) -> Take | None:
    if number is None:
        return takes[0] if takes else None
    for take in takes:
        if str(take.number) == number:
            return take
    raise Http404(f"The shot has no take {number!r}.")


def _run_to_repeat(request: HttpRequest, shot: Shot) -> Run | None:
    key = request.GET.get("again")
    if key is None or not may(request.user, Action.GENERATE, shot.production.studio):
        return None
    try:
        return visible_or_404(Run.objects.filter(shot=shot), request.user, UUID(key))
    except ValueError as error:
        raise Http404("That is no run.") from error


def _stage(request: HttpRequest, shot: Shot, current: Take | None, *, latest: Take | None) -> dict[str, Any]:
    studio = shot.production.studio
    return {
        "shot": shot,
        "current": current,
        "rendition": servable_master(current) if current else None,
        "is_latest": current is not None and current == latest,
        "may_generate": may(request.user, Action.GENERATE, studio),
        "may_read_prompts": may(request.user, Action.READ_PROMPTS, studio),
    }


def _page(request: HttpRequest, shot: Shot, takes: list[Take], form: RunForm) -> dict[str, Any]:
    active = list(_runs().filter(shot=shot, state__in=(Run.State.QUEUED, Run.State.RUNNING)))
    ended = _runs().filter(shot=shot, state__in=(Run.State.FAILED, Run.State.CANCELLED))
    neighbours = with_running(with_takes(Shot.objects.filter(sequence=shot.sequence)))
    return {
        "takes": takes,
        "form": form,
        "active_runs": active,
        "ended_runs": list(ended.order_by("-created_at")[:FAILURES_SHOWN]),
        "neighbours": list(neighbours.order_by("position", "code")),
        **_why_waiting(active),
    }


def _why_waiting(runs: list[Run]) -> dict[str, Any]:
    """Sets `runs_before` on waiting runs, and says whether any worker is there to take the next one."""
    waiting = [run for run in runs if run.state == Run.State.QUEUED]
    if not waiting:
        return {}
    order = Run.objects.waiting().order_by("created_at").values_list("pk", flat=True)
    place = {key: index for index, key in enumerate(order[:QUEUE_COUNTED])}
    for run in waiting:
        run.runs_before = place.get(run.pk, QUEUE_COUNTED)  # type: ignore[attr-defined]
    return {"no_worker": not a_worker_is_present()}


def _card(request: HttpRequest, run: Run) -> HttpResponse:
    studio = run.shot.production.studio
    context: dict[str, Any] = {
        "run": run,
        "shot": run.shot,
        "may_generate": may(request.user, Action.GENERATE, studio),
        "may_read_prompts": may(request.user, Action.READ_PROMPTS, studio),
        **_why_waiting([run]),
    }
    if run.state != Run.State.SUCCEEDED:
        return render(request, "runs/_run.html", context)
    takes = takes_of(run.shot)
    finished = next(take for take in takes if take.pk == run.take_id)
    context |= _stage(request, run.shot, finished, latest=takes[0])
    context |= {
        "take": finished,
        "neighbour": with_running(with_takes(Shot.objects.filter(pk=run.shot_id))).get(),
    }
    return render(request, "runs/_finished.html", context)


def servable_master(take: Take) -> Any:
    """The take's file if it may be served, from the renditions fetched with the take."""
    for rendition in take.renditions.all():
        if rendition.kind == "master" and rendition.published_at is not None:
            return rendition
    return None


def _status(error: SlateError | None) -> int:
    return 422 if error is None else error.status
