"""Builds the segments of the search index, or begins them anew, and says what there is."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from studio.installation import start_database
from studio.references.indexes.building import Built, build
from studio.references.indexing import sources


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Put new hashes into the segments that large installations search; PostgreSQL stays the truth."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--rebuild", action="store_true", help="build everything anew, however little there is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        start_database()
        for source in sources():
            with tqdm(unit="hash", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

                def show(word: str, done: int, total: int, bar: Any = bar) -> None:
                    bar.set_description_str(word, refresh=False)
                    bar.total = total
                    bar.update(done - bar.n)

                built = build(source, rebuild=options["rebuild"], on_progress=show)
            self.stdout.write(f"{source.name.capitalize()}: {_said(built)}")


def _said(built: Built | None) -> str:
    if built is None:
        return "another process is building them just now."
    if not built.segments:
        return "no segments; there are so few hashes that the database searches them itself."
    return f"{built.rows} hashes in {built.segments} segments, {built.added} of them new."
