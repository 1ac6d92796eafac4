"""Serves pages, files and the API over HTTP (ASGI); `serve` starts this beside a worker."""

from typing import Any

import uvicorn
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve HTTP only; a worker and the database run elsewhere."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        uvicorn.run(
            "studio.asgi:application",
            host=options["host"],
            port=options["port"],
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
