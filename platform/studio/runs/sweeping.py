"""Removes files that no row owns: leftovers of attempts that died, uploads nobody waits for."""

import logging
import shutil
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings

from studio.runs.models import Run
from studio.takes.models import Rendition

logger = logging.getLogger(__name__)

# Long enough for any upload or publication in progress to have become a row.
LEFTOVER_AFTER_S = 3600.0


def sweep_leftovers() -> int:
    """Remove dead attempts' directories, and stored files and uploads without an owner; returns how many."""
    return _sweep_attempts() + _sweep_media() + _sweep_uploads()


def _sweep_attempts() -> int:
    alive = {
        str(token) for token in Run.objects.filter(state="running").values_list("attempt_token", flat=True)
    }
    removed = 0
    for directory in Path(settings.WORK_DIR).iterdir():
        if directory.name not in alive and _is_token(directory.name) and _age_s(directory) > 60:
            shutil.rmtree(directory, ignore_errors=True)
            removed += 1
    return removed


def _sweep_media() -> int:
    removed = 0
    root = Path(settings.MEDIA_DIR)
    for path in root.glob("??/??/*"):
        name = str(path.relative_to(root))
        if _age_s(path) > LEFTOVER_AFTER_S and not Rendition.objects.filter(storage_name=name).exists():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _sweep_uploads() -> int:
    removed = 0
    for path in Path(settings.UPLOAD_DIR).iterdir():
        if path.is_file() and _age_s(path) > LEFTOVER_AFTER_S:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_token(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
