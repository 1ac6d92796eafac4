"""API routes that start, follow and cancel runs."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from studio.errors import InputRefused
from studio.pages import visible_or_404
from studio.problems import answers
from studio.productions.models import Shot
from studio.runs.models import Run
from studio.runs.schemas import RunIn, RunOut, run_out
from studio.runs.services import cancel_run, request_run
from studio.tenancy.permissions import Action, may

router = Router(tags=["runs"])


@router.post("/shots/{uuid:shot_id}/runs", response=answers({202: RunOut}, 400, 401, 403, 404, 422))
def start_run(request: HttpRequest, shot_id: UUID, body: RunIn) -> Status[dict[str, Any]]:
    """Queue a run on the shot. Follow it with GET /runs/{id}."""
    shots = Shot.objects.select_related("sequence__production__studio")
    shot = visible_or_404(shots, request.user, shot_id)
    if (body.width is None) != (body.height is None):
        raise InputRefused("Only one of width and height was given.", "Give both, or neither.")
    run = request_run(
        shot,
        actor=request.user,
        prompt=body.prompt,
        seconds=body.seconds,
        seed=body.seed,
        negative_prompt=body.negative_prompt,
        size=None if body.width is None or body.height is None else (body.width, body.height),
    )
    return Status(202, run_out(run, with_wording=True))


@router.get("/runs/{uuid:run_id}", response=answers({200: RunOut}, 401, 404))
def get_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """One run: state, stage, progress, and its take or its error once it ended."""
    return _shown(request, _visible_run(request, run_id))


@router.post("/runs/{uuid:run_id}/cancel", response=answers({200: RunOut}, 401, 403, 404, 409))
def stop_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Cancel a run; one that is running stops within a step. 409 when it has ended already."""
    run = _visible_run(request, run_id)
    cancel_run(run, actor=request.user)
    return _shown(request, _visible_run(request, run_id))


def _visible_run(request: HttpRequest, run_id: UUID) -> Run:
    runs = Run.objects.select_related("shot__sequence__production__studio")
    run: Run = visible_or_404(runs, request.user, run_id)
    return run


def _shown(request: HttpRequest, run: Run) -> dict[str, Any]:
    studio = run.shot.production.studio
    return run_out(run, with_wording=may(request.user, Action.READ_PROMPTS, studio))
