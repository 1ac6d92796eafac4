"""Manages reference banks from the command line: fill, list, withdraw and restore, import and export."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from studio.errors import InputRefused
from studio.installation import create_demo, prepare, print_people
from studio.output import require_writable
from studio.references.adding import add_works, media_files, path_of, work_through
from studio.references.common import add_common_content
from studio.references.exchange import FORMATS
from studio.references.models import Bank, IngestFile, Work
from studio.references.overview import with_contents
from studio.references.services import get_or_create_bank, restore_work, withdraw_work
from studio.references.transfer import export_bank, import_file
from studio.tenancy.models import Studio

State = IngestFile.State


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Manage reference banks: add, banks, withdraw, restore, common, export, import"

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="fingerprint files or folders into a bank")
        add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        add.add_argument("--bank", required=True, help="the bank's name; made if there is none")
        add.add_argument("--jobs", type=int, default=1, help="files at once (default: 1)")
        banks = verbs.add_parser("banks", help="list banks with what is in them")
        withdraw = verbs.add_parser("withdraw", help="stop searching for a work")
        withdraw.add_argument("work", help="its id, or its title if only one has it")
        withdraw.add_argument("--reason", required=True)
        restore = verbs.add_parser("restore", help="search for a withdrawn work again")
        restore.add_argument("work", help="its id, or its title if only one has it")
        common = verbs.add_parser("common", help="make a bank of black, bars and leaders")
        export = verbs.add_parser("export", help="write a bank's hashes to a file or to the output")
        export.add_argument("bank")
        export.add_argument("file", nargs="?", type=Path)
        export.add_argument("--format", choices=FORMATS, help="default: what the file's name says, else csv")
        taken = verbs.add_parser("import", help="read hashes from a CSV, JSON-lines or PDQ hash list")
        taken.add_argument("file", type=Path)
        taken.add_argument("--bank", required=True, help="the bank's name; made if there is none")
        for verb in (add, banks, withdraw, restore, common, export, taken):
            verb.add_argument("--studio", default="", help="slug of the studio (default: the first one)")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
        people = create_demo()
        if people:
            print_people(self.stdout, people)
        getattr(self, f"do_{options['verb']}")(self.studio(options["studio"]), options)

    def studio(self, slug: str) -> Studio:
        studios = Studio.objects.order_by("created_at")
        studio = (studios.filter(slug=slug) if slug else studios).first()
        if studio is None:
            known = ", ".join(Studio.objects.values_list("slug", flat=True))
            raise CommandError(f"There is no studio {slug!r}. Known: {known}")
        return studio

    def do_add(self, studio: Studio, options: dict[str, Any]) -> None:
        if options["jobs"] < 1:
            raise InputRefused(f"{options['jobs']} files at once are none.", "Give --jobs 1 or more.")
        files = media_files(options["paths"])
        bank = get_or_create_bank(studio, options["bank"])
        with tqdm(total=len(files), unit="file", disable=not sys.stderr.isatty()) as bar:

            def show(file: IngestFile) -> None:
                bar.update()
                bar.set_postfix_str(file.name[:40])
                if file.state == State.FAILED:
                    bar.write(
                        f"not added  {path_of(file)}: {file.reason} {file.hint}".strip(), file=sys.stderr
                    )

            results = add_works(bank, files, paths=options["paths"], jobs=options["jobs"], on_file=show)
        self.summarise(bank.name, results)
        if results and all(file.state == State.FAILED for file in results):
            sys.exit(1)

    def summarise(self, bank_name: str, results: list[IngestFile]) -> None:
        counts = Counter(file.state for file in results)
        frames = sum(file.frames for file in results)
        seconds = sum(file.seconds for file in results)
        self.stdout.write(
            f"Bank {bank_name}: {counts[State.ADDED]} added ({frames} frames, {seconds:.0f} s of film), "
            f"{counts[State.KNOWN]} known already, {counts[State.FAILED]} not added."
        )

    def do_banks(self, studio: Studio, options: dict[str, Any]) -> None:
        banks = list(with_contents(Bank.objects.readable_in([studio.pk])).select_related("studio"))
        if not banks:
            self.stdout.write("There is no bank yet. Make one: references add PATH… --bank NAME")
            return
        rows = [
            (
                bank.name if bank.studio_id == studio.pk else f"{bank.name} (of {bank.studio.name})",
                bank.kind,
                f"{bank.work_count} works",
                f"{bank.film_seconds / 60:.1f} min",
                f"review at {bank.review_at:g}, block at {bank.block_at:g}",
            )
            for bank in banks
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.stdout.write(
                "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
            )

    def do_withdraw(self, studio: Studio, options: dict[str, Any]) -> None:
        work = withdraw_work(find_work(studio, options["work"]), options["reason"])
        self.stdout.write(f"{work.title} is withdrawn: it matches nothing from now on.")

    def do_restore(self, studio: Studio, options: dict[str, Any]) -> None:
        work = restore_work(find_work(studio, options["work"]))
        self.stdout.write(f"{work.title} is searched again.")

    def do_common(self, studio: Studio, options: dict[str, Any]) -> None:
        bank, ingest = add_common_content(studio, dispatch=False)
        if ingest is not None:
            work_through(ingest)
        self.stdout.write(f"Bank {bank.name}: {bank.works.count()} works of common content.")

    def do_export(self, studio: Studio, options: dict[str, Any]) -> None:
        bank = find_bank(studio, options["bank"])
        out: Path | None = options["file"]
        named = out.suffix[1:] if out is not None and out.suffix[1:] in FORMATS else "csv"
        kind = options["format"] or named
        if out is None:
            export_bank(bank, kind, self.stdout)
            return
        require_writable(out, f"bank.{kind}")
        with out.open("w", encoding="utf-8", newline="") as lines:
            counts = export_bank(bank, kind, lines)
        self.stdout.write(f"{out}: {counts.frames} hashes of {counts.works} works.")

    def do_import(self, studio: Studio, options: dict[str, Any]) -> None:
        # A refused file leaves no empty bank behind.
        with transaction.atomic():
            bank = get_or_create_bank(studio, options["bank"])
            counts = import_file(bank, options["file"], name=options["file"].name)
        self.stdout.write(
            f"Bank {bank.name}: {counts.works} works with {counts.frames} frames imported, "
            f"{counts.known} known already."
        )


def find_bank(studio: Studio, name: str) -> Bank:
    """The studio's bank of this name. Raises InputRefused, naming those there are."""
    bank = Bank.objects.filter(studio=studio, name=name.strip()).first()
    if bank is None:
        known = ", ".join(Bank.objects.filter(studio=studio).values_list("name", flat=True)) or "none yet"
        raise InputRefused(f"There is no bank {name!r}.", f"Known banks: {known}.")
    return bank


def find_work(studio: Studio, name: str) -> Work:
    """The studio's work with this id, or the only one with this title. Raises InputRefused."""
    works = Work.objects.filter(bank__studio=studio).select_related("bank")
    try:
        found = list(works.filter(pk=UUID(name)))
    except ValueError:
        found = list(works.filter(title=name)[:10])
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputRefused(f"There is no work {name!r}.", "Give its id, or its title as the bank shows it.")
    listed = ", ".join(f"{work.pk} in {work.bank.name}" for work in found)
    raise InputRefused(f"Several works are called {name!r}.", f"Give the id of one: {listed}.")
