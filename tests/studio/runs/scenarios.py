"""What needs commits and several connections, played in an installation of its own.

Run as a program with SLATE_VAR set: prints one JSON object of what was seen.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 (Django must be set up first)
from django.db import connection  # noqa: E402

from studio.installation import prepare  # noqa: E402
from studio.runs.attempts import Claim, claim_run, return_to_queue, worker_name  # noqa: E402
from studio.runs.execution import execute_run  # noqa: E402
from studio.runs.models import Attempt, Run  # noqa: E402
from studio.runs.renderer import RendererPool  # noqa: E402
from studio.runs.services import cancel_run, request_run  # noqa: E402
from studio.takes.models import Rendition, Take  # noqa: E402
from tests.studio import factories  # noqa: E402


class Scene:
    def __init__(self) -> None:
        prepare()
        studio = factories.make_studio()
        self.artist = factories.make_person(studio)
        self.shot = factories.make_shot(studio)
        self.pool = RendererPool()

    def ask(self) -> Run:
        return request_run(self.shot, actor=self.artist, prompt="a red car at dusk", seconds=2.0)

    def racing_claims(self, racers: int = 8) -> list[int]:
        """How many of `racers` workers that claim at the same moment got each of three runs."""
        runs = [self.ask() for _ in range(3)]
        start = threading.Barrier(racers)
        claims: list[Claim | None] = []

        def race(number: int) -> None:
            start.wait()
            claims.extend([claim_run(run.pk, f"worker {number}") for run in runs])
            connection.close()

        threads = [threading.Thread(target=race, args=(number,)) for number in range(racers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [sum(claim is not None and claim.run_id == run.pk for claim in claims) for run in runs]

    def interrupted(self, interrupt: Any) -> dict[str, Any]:
        """One attempt during which `interrupt(run)` is called once it denoises; how it ended and how soon."""
        run = self.ask()
        interrupted_at: list[float] = []

        def on_progress(stage: str, progress: float) -> None:
            if stage == "denoising" and progress > 0 and not interrupted_at:
                interrupted_at.append(time.monotonic())
                interrupt(Run.objects.get(pk=run.pk))

        ended = execute_run(run.pk, pool=self.pool, worker=worker_name(), on_progress=on_progress)
        return {
            "state": ended.state,
            "outcomes": list(Attempt.objects.filter(run=run).values_list("outcome", flat=True)),
            "was_interrupted": bool(interrupted_at),
            "takes": Take.objects.count(),
            "renditions": Rendition.objects.count(),
            "folders": [path.name for path in Path(settings.WORK_DIR).iterdir()],
        }

    def cancel(self, run: Run) -> None:
        cancel_run(run, actor=self.artist)

    def lose(self, run: Run) -> None:
        assert return_to_queue(run.pk, run.attempt_token, "fell silent", code="run.worker_silent")


def main() -> None:
    scene = Scene()
    try:
        seen = {
            "claims": scene.racing_claims(),
            "cancelled": scene.interrupted(scene.cancel),
            "lost": scene.interrupted(scene.lose),
            "undisturbed": scene.interrupted(lambda _run: None),
        }
    finally:
        scene.pool.close()
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
