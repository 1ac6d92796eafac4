"""Runs a worker: one attempt at a time on the queue "gpu"; beside it, files for banks and the minute's maintenance."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app

from studio.runs.attempts import recover_runs_of_dead_workers, worker_name
from studio.runs.dispatch import GPU_QUEUE, INGEST_QUEUE, MAINTENANCE_QUEUE
from studio.runs.tasks import pool

# After this long an orderly shutdown stops the attempt in hand; its run goes back to the queue.
GRACE_S = 1.0


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Work on queued runs until stopped (Ctrl-C or SIGTERM)."

    def handle(self, *args: Any, **options: Any) -> None:
        recover_runs_of_dead_workers()
        try:
            connector: Any = app.connector
            with app.replace_connector(connector.get_worker_connector()) as worker_app:
                asyncio.run(open_and_work(worker_app))
        finally:
            pool.close()


async def open_and_work(worker_app: Any) -> None:
    async with worker_app.open_async():
        await work(worker_app)


async def work(worker_app: Any) -> None:
    """All queues until a signal comes or one of them loses its database; then stop both."""
    name = worker_name()
    tasks = [
        asyncio.create_task(
            worker_app.run_worker_async(
                queues=[queue],
                name=f"{name}/{queue}",
                concurrency=1,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE_S,
                fetch_job_polling_interval=2.0,
            )
        )
        for queue in (GPU_QUEUE, INGEST_QUEUE, MAINTENANCE_QUEUE)
    ]
    loop = asyncio.get_running_loop()

    asked = False

    def stop() -> None:
        # Once only: a second cancel would break off the orderly shutdown that the first one began.
        nonlocal asked
        if not asked:
            asked = True
            for task in tasks:
                task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
