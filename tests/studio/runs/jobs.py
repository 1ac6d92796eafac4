"""Looks into the queue's own table."""

from django.db import connection


def queued_run_ids() -> list[str]:
    """The runs for which a job waits, in the order of queueing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'run_id' FROM procrastinate_jobs"
            " WHERE task_name = 'runs.execute' AND status = 'todo' ORDER BY id"
        )
        return [row[0] for row in cursor.fetchall()]
