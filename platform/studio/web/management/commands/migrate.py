"""Applies migrations as the owning role, then grants the app role its rights."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from studio.installation import grant_app_role


class Command(DjangoMigrate):
    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not options.get("plan") and not options.get("check_unapplied"):
            grant_app_role(options["database"])
