"""Limits a child sets for itself, irrevocably, before it opens the file."""

import ctypes
import resource
import signal
import sys

from provenance.inspect.limits import InspectionLimits

_GRACE_CPU_S = 5
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine(limits: InspectionLimits) -> None:
    """No more time, memory, files or written bytes than `limits`, no core dump, no life without the parent."""
    _lower(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + _GRACE_CPU_S)
    _lower(resource.RLIMIT_AS, limits.memory_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_FSIZE, limits.written_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        for option, value in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_NO_NEW_PRIVS, 1)):
            if libc.prctl(option, int(value), 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")


def _lower(what: int, soft: int, hard: int | None = None) -> None:
    """Sets a limit, or keeps the one in force where that is stricter already."""
    _, present = resource.getrlimit(what)
    highest = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        highest = min(highest, present)
    resource.setrlimit(what, (min(soft, highest), highest))
