"""How many CPU threads this process may really use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")


def usable_threads(quota_file: Path = _QUOTA_FILE) -> int:
    """Cores allowed by the affinity mask and the container's quota, at least 1.

    More threads than that make torch's barriers spin against each other and slow everything down.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if quota_file.is_file():
        quota, _, period = quota_file.read_text().partition(" ")
        if quota.isdigit() and period.strip().isdigit():
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)
