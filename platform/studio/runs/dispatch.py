"""Puts runs on the queue: the one place that knows how jobs are written and what they are called."""

from uuid import UUID

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

GPU_QUEUE = "gpu"
MAINTENANCE_QUEUE = "maintenance"
INGEST_QUEUE = "ingest"
EXECUTE = "runs.execute"


def enqueue(run_id: UUID) -> None:
    """Write the job of a run, in the caller's transaction: both exist, or neither does."""
    # Not through the app: within a worker it speaks over connections of its own, where a job is seen before its run.
    in_transaction = JobManager(DjangoConnector(alias="default"))
    configure_task(name=EXECUTE, job_manager=in_transaction, queue=GPU_QUEUE).defer(run_id=str(run_id))
