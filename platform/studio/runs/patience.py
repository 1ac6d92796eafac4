"""Rides out a database that is away for a while: waits, reconnects and tries again."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)
PATIENCE_S = 120.0


def patiently(work: Callable[[], T], *, what: str, patience_s: float = PATIENCE_S) -> T:
    """Call `work` until the database answers; give up after `patience_s` and raise its last error.

    `work` must be safe to repeat: a lost connection does not say whether the last commit arrived.
    """
    deadline = time.monotonic() + patience_s
    pause_s = 0.2
    while True:
        try:
            return work()
        except AWAY as error:
            connection.close()
            if time.monotonic() + pause_s > deadline:
                raise
            logger.warning("database away while %s, trying again: %s", what, str(error).strip())
            revive_embedded_server()
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)


def revive_embedded_server() -> None:
    """Start the embedded server again where it died; any process that needs it may do so."""
    server = settings.EMBEDDED_SERVER
    if server is None:
        return
    try:
        server.ensure_running()
    except Exception:
        # Nothing is lost by it: the caller keeps trying until its patience ends, and says why then.
        logger.exception("the embedded database could not be started again")
