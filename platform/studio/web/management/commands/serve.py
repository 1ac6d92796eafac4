"""Prepares the installation, makes the demo studio on a first start, and serves until Ctrl-C."""

import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand

from studio.installation import create_demo, prepare, print_people
from studio.productions.models import Shot
from studio.runs.models import Run
from studio.runs.services import request_run
from studio.supervision import Supervisor, require_free_port
from studio.tenancy.models import Role

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Start Slate: database, web server and one worker. Ctrl-C ends it; the data stays."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (default: loopback only)"
        )
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="make no demo studio on a first start")

    def handle(self, *args: Any, **options: Any) -> None:
        require_free_port(options["host"], options["port"])
        self.stdout.write("Preparing the database …")
        prepare()
        if not options["no_demo"]:
            people = create_demo()
            if people:
                print_people(self.stdout, people)
                queue_first_clip()
        supervisor = Supervisor(options["host"], options["port"])
        supervisor.run(on_ready=self.announce)
        self.stdout.write("Slate has stopped; its data is kept.")

    def announce(self, address: str) -> None:
        self.stdout.write(f"\nSlate is ready at {address}  (Ctrl-C stops it)")
        sys.stdout.flush()


def queue_first_clip() -> None:
    """One run on the demo's first shot, so that there is something to see."""
    if Run.objects.exists():
        return
    shot = Shot.objects.select_related("sequence__production__studio").order_by("created_at").first()
    if shot is None:
        return
    artist = shot.production.studio.memberships.get(role=Role.ARTIST).user
    request_run(shot, actor=artist, prompt=shot.description, seconds=shot.duration_seconds)
