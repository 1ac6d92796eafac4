"""Puts runs on the queue: the one place that knows how jobs are written and what they are called."""

from uuid import UUID

from procrastinate.contrib.django import app

GPU_QUEUE = "gpu"
MAINTENANCE_QUEUE = "maintenance"
EXECUTE = "runs.execute"


def enqueue(run_id: UUID) -> None:
    """Write the job of a run, in the caller's transaction: both exist, or neither does."""
    app.configure_task(EXECUTE, queue=GPU_QUEUE).defer(run_id=str(run_id))
