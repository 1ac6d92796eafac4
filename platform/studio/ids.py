"""Makes time-ordered identifiers (UUID version 7, RFC 9562 section 5.7)."""

import secrets
import threading
import time
import uuid

_TICKS_PER_MS = (
    4096  # the 12 bits after the version hold the fraction of the millisecond (section 6.2, method 3)
)
_lock = threading.Lock()
_last_ticks = 0


def uuid7() -> uuid.UUID:
    """48 bits of Unix milliseconds, 12 of their fraction, 62 random ones: new rows land at the end of an index.

    Within one process every identifier is greater than the one before, also where the clock stands or steps back.
    """
    global _last_ticks
    now = time.time_ns() * _TICKS_PER_MS // 1_000_000
    with _lock:
        _last_ticks = ticks = max(now, _last_ticks + 1)
    milliseconds, fraction = divmod(ticks, _TICKS_PER_MS)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | fraction << 64
    return uuid.UUID(int=value | 2 << 62 | secrets.randbits(62))
