"""The interface of what happens to a rendered file before it may be published.

The setting SLATE_STEPS lists functions by dotted path, in order. Each takes the Draft, may replace its file,
and adds what must be written in the publishing transaction to `draft.records`; raising stops the attempt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from studio.runs.models import Run
from studio.runs.rendering import RenderResult
from studio.takes.models import Rendition, Take
from studio.tenancy.models import Studio

Record = Callable[[Take, Rendition], None]


@dataclass
class Draft:
    """A take in the making; `path` is its file as it stands, inside the attempt's own directory."""

    run: Run
    studio: Studio
    directory: Path
    path: Path
    take_id: UUID
    mark_id: int
    created_at: datetime
    rendered: RenderResult
    state: Any = Take.State.RELEASED
    records: list[Record] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)


Step = Callable[[Draft], None]


def step(stage: str) -> Callable[[Step], Step]:
    """Name the stage a step shows to people while it works."""

    def name(function: Step) -> Step:
        function.stage = stage  # type: ignore[attr-defined]
        return function

    return name


def steps() -> Sequence[tuple[str, Step]]:
    loaded: list[tuple[str, Any]] = []
    for path in settings.SLATE_STEPS:
        function = import_string(path)
        loaded.append((function.stage, function))
    return loaded
