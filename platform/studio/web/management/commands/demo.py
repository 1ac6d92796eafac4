"""Makes the demo studio where there is no studio yet."""

from typing import Any

from django.core.management.base import BaseCommand

from studio.installation import create_demo, prepare, print_people


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Make a demo studio: a production, a sequence, three shots, one person per role."

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
        people = create_demo()
        if people:
            print_people(self.stdout, people)
        else:
            self.stdout.write("There is a studio already; nothing was changed.")
