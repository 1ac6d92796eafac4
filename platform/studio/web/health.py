"""Answers whether this installation can do its work: one check per thing it leans on."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import Error as DatabaseError
from django.db import connection

from studio.credentials.services import trust_self_test
from studio.errors import SlateError
from studio.ids import uuid7
from studio.runs.presence import SILENT_AFTER_S, worker_heartbeat_age_s

TRUST_TEST_KEPT_S = 60.0


@dataclass(frozen=True)
class Finding:
    """What one check found; `sentence` is shown to anybody who asks, so it names no path and no host."""

    ok: bool
    sentence: str

    def as_dict(self) -> dict[str, object]:
        return {"ok": self.ok, "sentence": self.sentence}


Check = Callable[[], Finding]


@dataclass
class Remembered:
    """Runs a costly check at most once per `kept_s` seconds; callers in between get its last finding."""

    check: Check
    kept_s: float
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: tuple[float, Finding] | None = None

    def __call__(self) -> Finding:
        with self._lock:
            now = self.clock()
            if self._last is None or now - self._last[0] >= self.kept_s:
                self._last = (now, self.check())
            return self._last[1]


def database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Finding(False, "The database does not answer.")
    return Finding(True, "The database answers.")


def storage() -> Finding:
    """Write a file, read it back, remove it."""
    content = uuid7().bytes
    name = f"health/{content.hex()}"
    try:
        saved = default_storage.save(name, ContentFile(content))
        try:
            with default_storage.open(saved, "rb") as handle:
                same = handle.read() == content
        finally:
            default_storage.delete(saved)
    except OSError as error:
        return Finding(False, f"The storage cannot be written: {error.strerror or type(error).__name__}.")
    if not same:
        return Finding(False, "The storage gave back other bytes than were written.")
    return Finding(True, "The storage can be written and read.")


def worker() -> Finding:
    try:
        age_s = worker_heartbeat_age_s()
    except DatabaseError:
        return Finding(False, "Workers report to the database, which does not answer.")
    if age_s is None:
        return Finding(False, "No worker has reported.")
    sentence = f"A worker reported {age_s:.0f} s ago."
    return Finding(age_s <= SILENT_AFTER_S, sentence)


def trust() -> Finding:
    try:
        trust_self_test()
    except SlateError as error:
        return Finding(False, f"Signing does not prove itself ({error.code}).")
    return Finding(True, "A signed file reads as trusted; altered and foreign ones do not.")


CHECKS: dict[str, Check] = {
    "database": database,
    "storage": storage,
    "worker": worker,
    "trust": Remembered(trust, TRUST_TEST_KEPT_S),
}


def examine(checks: dict[str, Check] | None = None) -> dict[str, Finding]:
    return {name: check() for name, check in (CHECKS if checks is None else checks).items()}
