"""What the API takes to start a run, and what it says of one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from studio.runs.forms import PROMPT_LENGTH
from studio.runs.models import Run
from studio.runs.services import SEED_LIMIT
from studio.text import Text


class RunIn(Schema):
    prompt: Text("prompt", PROMPT_LENGTH, multiline=True)  # type: ignore[valid-type]
    seconds: float = Field(2.0, gt=0, le=86_400, allow_inf_nan=False)
    seed: int | None = Field(None, ge=-SEED_LIMIT, le=SEED_LIMIT, description="Random when left out.")
    negative_prompt: Text("negative prompt", PROMPT_LENGTH, required=False, multiline=True) = ""  # type: ignore[valid-type]
    width: int | None = Field(
        None, ge=1, le=8192, description="Pixels; the production's raster when left out."
    )
    height: int | None = Field(None, ge=1, le=8192)


class RunError(Schema):
    code: str
    message: str
    hint: str


class RunOut(Schema):
    """`prompt` and `negative_prompt` are null for people who may not read prompts."""

    id: UUID
    shot_id: UUID
    state: str
    stage: str
    progress: float
    prompt: str | None
    negative_prompt: str | None
    seed: int
    width: int
    height: int
    fps: str
    duration_frames: int
    model: str
    attempts_started: int
    take_id: UUID | None
    error: RunError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def run_out(run: Run, *, with_wording: bool) -> dict[str, Any]:
    shown = {name: getattr(run, name) for name in RunOut.model_fields if hasattr(run, name)}
    shown["fps"] = str(run.fps)
    shown["error"] = None
    if run.error_message:
        shown["error"] = {"code": run.error_code, "message": run.error_message, "hint": run.error_hint}
    if not with_wording:
        shown["prompt"] = shown["negative_prompt"] = None
    return shown
