"""What the queue runs for banks: one job per file, and every minute what killed workers left."""

import logging
import os
import threading
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from studio.references.claims import Claim, ClaimLost, claim_file, give_back, recover_lost_files
from studio.references.files import forget_upload, sweep_leftovers
from studio.references.indexes.background import start_building_if_needed
from studio.references.ingesting import TASK, abandon_upload, enqueue, finish_if_done
from studio.references.matching import compare_new_works
from studio.references.models import Ingest, IngestFile
from studio.references.working import work_on
from studio.runs.attempts import worker_name
from studio.runs.dispatch import INGEST_QUEUE, MAINTENANCE_QUEUE

logger = logging.getLogger(__name__)

# Rendering goes first: whatever reads files for banks gets what rendering leaves of the processors.
NICENESS = 10
# An upload of which nothing has come for this long was given up by whoever sent it.
BROKEN_OFF_AFTER = timedelta(hours=12)
# So long a file that could not be added can be tried again without being sent again.
KEPT_AFTER_FAILURE = timedelta(days=3)


@app.task(name=TASK, queue=INGEST_QUEUE, pass_context=True)
def ingest(context: JobContext, file_id: str) -> None:
    """Carry one file to its end. The job ends well whatever became of the file: the file's own row tells."""
    claim = claim_file(UUID(file_id), worker_name())
    if claim is None:
        return
    work = _Quietly(claim)
    work.start()
    while work.is_alive():
        work.join(timeout=0.5)
        if context.should_abort():
            # The thread is left behind: it ends with this process, and its child with it.
            give_back(claim, counts=False)
            enqueue(claim.file_id)
            return


class _Quietly(threading.Thread):
    """Works on one file with a low priority, which the child processes it starts inherit."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(daemon=True, name=f"ingest-{claim.file_id}")
        self.claim = claim

    def run(self) -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
            file = work_on(self.claim)
            logger.info("file %s of ingest %s: %s", file.pk, file.ingest_id, file.state)
        except ClaimLost:
            logger.warning("file %s: somebody else took it over", self.claim.file_id)
        except Exception:
            # The claim runs out, and the file gets another attempt.
            logger.exception("file %s", self.claim.file_id)
        finally:
            connection.close()


@app.periodic(cron="* * * * *")
@app.task(name="references.recover", queue=MAINTENANCE_QUEUE, queueing_lock="references.recover")
def recover(timestamp: int) -> None:
    """Return files of killed workers to the queue, end what is over, and sweep what nobody owns."""
    for file in recover_lost_files():
        if file.has_ended:
            finish_if_done(file.ingest)
        elif file.ingest.source != Ingest.Source.COMMAND:
            enqueue(file.pk)
    now = timezone.now()
    receiving = IngestFile.objects.filter(state=IngestFile.State.RECEIVING)
    for file in receiving.filter(changed_at__lt=now - BROKEN_OFF_AFTER).select_related("ingest"):
        abandon_upload(file)
    failed = IngestFile.objects.filter(state=IngestFile.State.FAILED, is_kept=True)
    for file in failed.filter(changed_at__lt=now - KEPT_AFTER_FAILURE):
        IngestFile.objects.filter(pk=file.pk, state=IngestFile.State.FAILED).update(is_kept=False)
        forget_upload(file.pk)
    sweep_leftovers()


@app.periodic(cron="* * * * *")
@app.task(name="references.index", queue=MAINTENANCE_QUEUE, queueing_lock="references.index")
def index(timestamp: int) -> None:
    """Have the search segments follow the database."""
    start_building_if_needed()


@app.periodic(cron="* * * * *")
@app.task(name="references.compare", queue=INGEST_QUEUE, queueing_lock="references.compare")
def compare(timestamp: int) -> None:
    """Look for new works in the takes made before them, until none is left."""
    while compare_new_works():
        pass
