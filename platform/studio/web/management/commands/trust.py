"""Prints the root certificate with which a stranger checks a take by public tools."""

from typing import Any

from django.core.management.base import BaseCommand

from studio.credentials.services import root_certificate_pem


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Print Slate's root certificate (PEM), the trust anchor for checking takes with public tools."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(root_certificate_pem().strip())
