"""Says when a worker was last heard of."""

from django.db import connection

# A worker writes its heartbeat every few seconds; one silent for longer than this takes no runs.
SILENT_AFTER_S = 60.0


def worker_heartbeat_age_s() -> float | None:
    """Seconds since the latest heartbeat of any worker, or None when no worker has ever reported."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers"
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])


def a_worker_is_present() -> bool:
    age_s = worker_heartbeat_age_s()
    return age_s is not None and age_s <= SILENT_AFTER_S
