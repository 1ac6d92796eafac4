"""Serves pages, files and the API over HTTP (ASGI); `serve` starts this beside a worker."""

import warnings
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve HTTP only; a worker and the database run elsewhere."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        # WhiteNoise hands out small static files by plain iterators; takes are streamed by asynchronous ones.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
        uvicorn.run(
            "studio.asgi:application",
            host=options["host"],
            port=options["port"],
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
