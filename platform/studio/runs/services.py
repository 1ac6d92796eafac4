"""Asks for runs and cancels them; what cannot work is refused before it costs GPU time."""

import secrets
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generation.capabilities import Capabilities, find_capabilities
from generation.errors import GenerationError
from generation.models import describe_model
from generation.planning import validate_shot
from generation.shots import Shot as ShotRequest
from studio.errors import InputRefused
from studio.ledger.services import record
from studio.productions.models import Shot
from studio.runs.dispatch import enqueue
from studio.runs.errors import RunEnded
from studio.runs.models import Run
from studio.tenancy.permissions import Action, require

SEED_LIMIT = 2**63 - 1
# From smaller pictures the watermark cannot be read back for sure, so the gate would refuse the take.
MIN_LONG_SIDE_PX, MIN_SHORT_SIDE_PX = 320, 180


def model_capabilities(model: str) -> Capabilities:
    """What the model can do, read from its configuration files alone. Raises SlateError."""
    try:
        return find_capabilities(describe_model(model))
    except GenerationError as error:
        raise InputRefused(error.message, error.hint, code=error.code) from error


def frames_for(seconds: float, fps: Fraction) -> int:
    """The frame count of a duration; raises InputRefused for one that is no positive number."""
    if not 0 < seconds < 86_400:
        raise InputRefused(
            f"A duration of {seconds} seconds is impossible.",
            "Give a number of seconds above 0, such as 2 or 4.5.",
            code="generation.duration_impossible",
        )
    return max(1, round(seconds * fps))


def check_request(
    prompt: str, negative_prompt: str, seconds: float, size: tuple[int, int], fps: Fraction, seed: int
) -> ShotRequest:
    """The request as the engine will see it, or SlateError with what is wrong and what would be right."""
    if not -SEED_LIMIT <= seed <= SEED_LIMIT:
        raise InputRefused(f"The seed {seed} does not fit 64 bits.", f"Give a number up to {SEED_LIMIT}.")
    if max(size) < MIN_LONG_SIDE_PX or min(size) < MIN_SHORT_SIDE_PX:
        raise InputRefused(
            f"A size of {size[0]}x{size[1]} pixels is too small to carry a watermark that can be read back.",
            f"Ask for {MIN_LONG_SIDE_PX}x{MIN_SHORT_SIDE_PX} or more.",
            code="generation.size_impossible",
        )
    request = ShotRequest(
        prompt=prompt,
        negative_prompt=negative_prompt,
        duration_frames=frames_for(seconds, fps),
        fps=fps,
        width=size[0],
        height=size[1],
        seed=seed,
    )
    try:
        validate_shot(request, model_capabilities(settings.SLATE_MODEL))
    except GenerationError as error:
        raise InputRefused(error.message, error.hint, code=error.code) from error
    return request


def request_run(
    shot: Shot,
    *,
    actor: Any,
    prompt: str,
    seconds: float,
    seed: int | None = None,
    negative_prompt: str = "",
    size: tuple[int, int] | None = None,
    dispatch: bool = True,
) -> Run:
    """Queue a run on `shot`; the queue's job is written in the same transaction as the run.

    `size` (width, height) defaults to the production's delivery raster, `seed` to a random one.
    `dispatch=False` leaves the run to a caller that executes it itself.
    """
    production = shot.production
    require(actor, Action.GENERATE, production.studio)
    request = check_request(
        prompt=prompt.strip(),
        negative_prompt=negative_prompt.strip(),
        seconds=seconds,
        size=size or (production.raster_width, production.raster_height),
        fps=production.fps,
        seed=secrets.randbelow(2**31) if seed is None else seed,
    )
    with transaction.atomic():
        run = Run.objects.create(
            shot=shot,
            requested_by=actor,
            model=settings.SLATE_MODEL,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            width=request.width,
            height=request.height,
            fps_numerator=request.fps.numerator,
            fps_denominator=request.fps.denominator,
            duration_frames=request.duration_frames,
        )
        record("run.queued", subject=run, studio=production.studio, actor=actor, shot_id=str(shot.pk))
        if dispatch:
            enqueue(run.pk)
    return run


def cancel_run(run: Run, *, actor: Any) -> None:
    """Cancel a waiting run at once, a running one within a step; raises RunEnded when there is nothing left."""
    studio = run.shot.production.studio
    require(actor, Action.GENERATE, studio)
    with transaction.atomic():
        current = Run.objects.select_for_update().get(pk=run.pk)
        if current.has_ended:
            raise RunEnded(
                f"The run has ended already ({current.get_state_display().lower()}).",
                "There is nothing left to cancel.",
            )
        if current.cancel_requested_at is not None:
            return
        current.cancel_requested_at = timezone.now()
        if current.state == Run.State.QUEUED:
            current.state = Run.State.CANCELLED
            current.ended_at = current.cancel_requested_at
            record("run.cancelled", subject=current, studio=studio, actor=actor)
        else:
            record("run.cancel_requested", subject=current, studio=studio, actor=actor)
        current.save()
