"""Starts the building of segments when enough new hashes have come in, in a process of its own."""

import logging
import os
import subprocess
import sys
from contextlib import suppress

from django.conf import settings

from studio.references.indexes.building import needs_build
from studio.references.indexing import sources

logger = logging.getLogger(__name__)

# A build holds a processor and up to a gigabyte for a minute or two: it waits for everybody else.
NICENESS = 10

_builder: "subprocess.Popen[bytes] | None" = None


def start_building_if_needed() -> bool:
    """Start a builder unless one of this process is at work or there is nothing to do; True when it was started.

    Builders of other processes are kept apart by the database.
    """
    global _builder
    if _builder is not None and _builder.poll() is None:
        return False
    if not any(needs_build(source) for source in sources()):
        return False
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "search_index"]
    _builder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, _builder.pid, NICENESS)
    logger.info("search segments are being built (process %d)", _builder.pid)
    return True
