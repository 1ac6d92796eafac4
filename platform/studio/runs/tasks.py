"""What the queue runs: attempts on the queue "gpu", recovery every minute on "maintenance"."""

import logging
from typing import Any
from uuid import UUID

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from studio.runs.attempts import recover_silent_runs, worker_name
from studio.runs.dispatch import EXECUTE, GPU_QUEUE, MAINTENANCE_QUEUE
from studio.runs.execution import execute_run
from studio.runs.renderer import RendererPool
from studio.runs.sweeping import sweep_leftovers

logger = logging.getLogger(__name__)

pool = RendererPool()


@app.task(name=EXECUTE, queue=GPU_QUEUE, pass_context=True)
def execute(context: JobContext, run_id: str) -> None:
    """One attempt at a run. The job ends well whatever became of the run: the run's own row tells."""
    run = execute_run(UUID(run_id), pool=pool, worker=worker_name(), worker_stopping=context.should_abort)
    logger.info("run %s: %s", run.pk, run.state)


@app.periodic(cron="* * * * *")
@app.task(name="runs.recover", queue=MAINTENANCE_QUEUE, queueing_lock="runs.recover")
def recover(timestamp: int) -> None:
    """Return silent runs to the queue and sweep files that no row owns."""
    recover_silent_runs()
    sweep_leftovers()


@app.periodic(cron="* * * * *")
@app.task(name="runs.close_stalled_jobs", queue=MAINTENANCE_QUEUE, queueing_lock="runs.close_stalled_jobs")
async def close_stalled_jobs(timestamp: int) -> None:
    """Close jobs whose worker is gone. Their runs got new jobs; a dead job must not look alive for ever."""
    stalled: Any = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=120)
    for job in stalled:
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
