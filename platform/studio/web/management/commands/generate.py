"""Makes one take without a browser: the same run, the same attempt, the same gate."""

import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from studio.accounts.models import User
from studio.errors import InputRefused, SlateError
from studio.installation import create_demo, prepare, print_people
from studio.output import require_writable
from studio.productions.models import Production
from studio.productions.services import create_shot, get_or_create_sequence
from studio.runs.attempts import worker_name
from studio.runs.execution import execute_run
from studio.runs.models import Run
from studio.runs.renderer import RendererPool
from studio.runs.services import cancel_run, check_request, request_run
from studio.takes.models import Take
from studio.takes.storage import sha256_of
from studio.tenancy.models import Role

SEQUENCE_CODE = "CLI"


class RunFailed(SlateError):
    code = "run.failed"


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Generate a take from a prompt, signed, marked and recognised like any other."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("prompt", metavar="PROMPT")
        parser.add_argument("--seconds", type=float, default=2.0)
        parser.add_argument("--size", default="", help="WIDTHxHEIGHT (default: the production's raster)")
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument("--production", default="", help="code of the production (default: the first)")
        parser.add_argument("--out", type=Path, default=None, help="also copy the signed file here")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path | None = options["out"]
        size = parse_size(options["size"])
        if out is not None:
            require_writable(out, "take.mp4")
        prepare()
        people = create_demo()
        if people:
            print_people(self.stdout, people)
        production = find_production(options["production"])
        prompt = options["prompt"].strip()
        raster = size or (production.raster_width, production.raster_height)
        # Refused before a shot is made for it.
        check_request(prompt, "", options["seconds"], raster, production.fps, options["seed"] or 0)
        actor = find_maker(production)
        sequence = get_or_create_sequence(
            production, SEQUENCE_CODE, name="From the command line", actor=actor
        )
        shot = create_shot(sequence, description=prompt, duration_seconds=options["seconds"], actor=actor)
        run = request_run(
            shot,
            actor=actor,
            prompt=prompt,
            seconds=options["seconds"],
            seed=options["seed"],
            size=size,
            dispatch=False,
        )
        take = self.carry_out(run, actor)
        path = out or shot_path(take)
        if out is not None:
            copy_out(take, out)
        self.show(take, path)

    def carry_out(self, run: Run, actor: Any) -> Take:
        pool = RendererPool()

        def cancel(_number: int, _frame: FrameType | None) -> None:
            cancel_run(run, actor=actor)

        previous = signal.signal(signal.SIGINT, cancel)
        layout = "{desc:<14} {percentage:3.0f}%|{bar:30}| {elapsed}"
        try:
            with tqdm(total=1.0, bar_format=layout, disable=not sys.stderr.isatty()) as bar:

                def show(stage: str, progress: float) -> None:
                    bar.set_description_str(stage)
                    bar.update(max(0.0, progress - bar.n))

                run = execute_run(run.pk, pool=pool, worker=worker_name(), on_progress=show)
        finally:
            signal.signal(signal.SIGINT, previous)
            pool.close()
        if run.state != Run.State.SUCCEEDED or run.take is None:
            message = (
                run.error_message or f"The run ended without a take ({run.get_state_display().lower()})."
            )
            raise RunFailed(message, run.error_hint)
        return run.take

    def show(self, take: Take, path: Path) -> None:
        master = take.master
        mark = master.watermark
        matches = take.matches.select_related("work")
        rows = {
            "take": f"{take}  ({take.pk})",
            "model": f"{take.recipe['model']}  sha256:{take.recipe['model_digest'][:16]}…",
            "seed": str(take.recipe["seed"]),
            "seconds": f"{master.duration_seconds:.2f} s, {master.width}x{master.height}, {master.fps:g} fps",
            "watermark": f"{take.mark_id}, chance of a false alarm below {mark.p_false_positive:.0e}",
            "credential": f"{master.gate.layers['credential']['state']}, {master.credential.manifest_id}",
            "matches": ", ".join(str(match) for match in matches) or "none",
            "path": str(path),
        }
        self.stdout.write("")
        for name, value in rows.items():
            self.stdout.write(f"{name:<11} {value}")


def parse_size(text: str) -> tuple[int, int] | None:
    """ "1280x720" as numbers; None for the empty text. Raises InputRefused."""
    if not text:
        return None
    width, times, height = text.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal() and len(text) < 12):
        raise InputRefused(f"The size {text!r} is not understood.", "Write WIDTHxHEIGHT, such as 1280x720.")
    return int(width), int(height)


def find_production(code: str) -> Production:
    productions = Production.objects.select_related("studio").order_by("created_at")
    found = (productions.filter(code=code) if code else productions).first()
    if found is None:
        known = ", ".join(productions.values_list("code", flat=True)) or "none"
        raise InputRefused(f"There is no production {code!r}.", f"Known productions: {known}.")
    return found


def find_maker(production: Production) -> User:
    """The person in whose name the command generates."""
    makers = production.studio.memberships.filter(
        role__in=[Role.OPERATOR, Role.ARTIST], user__is_active=True
    ).select_related("user")
    first = makers.order_by("pk").first()
    if first is None:
        raise InputRefused(
            f"{production.studio} has neither an operator nor an artist to generate for.",
            "Make somebody one of them first.",
        )
    maker: User = first.user
    return maker


def shot_path(take: Take) -> Path:
    from django.core.files.storage import default_storage

    return Path(default_storage.path(take.master.storage_name))


def copy_out(take: Take, out: Path) -> None:
    """Copy the published file; what lands there is compared with what was signed."""
    shutil.copyfile(shot_path(take), out)
    if sha256_of(out) != take.master.sha256:
        out.unlink()
        raise RunFailed(
            f"The copy at {out} came out damaged and was removed.", "Check the disk, then try again."
        )
