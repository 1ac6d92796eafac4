"""Fills reference banks from the command line."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from studio.installation import create_demo, prepare, print_people
from studio.references.services import Added, add_works, get_or_create_bank, media_files
from studio.tenancy.models import Studio


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Manage reference banks: references add PATH… --bank NAME"

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="fingerprint files or folders into a bank")
        add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        add.add_argument("--bank", required=True, help="the bank's name; made if there is none")
        add.add_argument("--studio", default="", help="slug of the studio (default: the first one)")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
        people = create_demo()
        if people:
            print_people(self.stdout, people)
        studios = Studio.objects.order_by("created_at")
        if options["studio"]:
            studios = studios.filter(slug=options["studio"])
        studio = studios.first()
        if studio is None:
            known = ", ".join(Studio.objects.values_list("slug", flat=True))
            raise CommandError(f"There is no studio {options['studio']!r}. Known: {known}")
        files = media_files(options["paths"])
        bank = get_or_create_bank(studio, options["bank"])
        with tqdm(total=len(files), unit="file", disable=not sys.stderr.isatty()) as bar:

            def show(added: Added) -> None:
                bar.update()
                bar.set_postfix_str(added.path.name[:40])
                if added.outcome == "unreadable":
                    bar.write(f"unreadable  {added.path}: {added.reason}", file=sys.stderr)

            results = add_works(bank, files, on_file=show)
        self.summarise(bank.name, results)
        if results and all(added.outcome == "unreadable" for added in results):
            sys.exit(1)

    def summarise(self, bank_name: str, results: list[Added]) -> None:
        counts = {
            outcome: sum(added.outcome == outcome for added in results)
            for outcome in ("added", "known", "unreadable")
        }
        frames = sum(added.frames for added in results)
        seconds = sum(added.seconds for added in results)
        self.stdout.write(
            f"Bank {bank_name}: {counts['added']} added ({frames} frames, {seconds:.0f} s of film), "
            f"{counts['known']} known already, {counts['unreadable']} unreadable."
        )
