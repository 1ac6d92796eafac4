"""Adds files of this machine to a bank within this process: the same rows and the same work as uploads have."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection

from studio.errors import InputRefused
from studio.references.claims import Claim, ClaimLost, claim_next, give_back, recover_lost_files
from studio.references.ingesting import begin_command, finish_if_done
from studio.references.models import Bank, Ingest, IngestFile
from studio.references.working import work_on
from studio.runs.attempts import worker_name

MEDIA_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".mxf"),
        *(".wmv", ".flv", ".gif", ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"),
    }
)
_PAUSE_S = 0.5

OnFile = Callable[[IngestFile], None]


def media_files(paths: Iterable[Path]) -> list[Path]:
    """The files to fingerprint: given files as they are, folders walked for media by suffix, sorted.

    Raises InputRefused for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputRefused(f"There is nothing at {path}.", "Give existing files or folders.")
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in MEDIA_SUFFIXES)
            files.extend(sorted(inside))
        else:
            files.append(path)
    return files


def add_works(
    bank: Bank,
    files: Sequence[Path],
    *,
    paths: Sequence[Path] | None = None,
    jobs: int = 1,
    actor: Any = None,
    on_file: OnFile = lambda _: None,
) -> list[IngestFile]:
    """Fingerprint `files` into the bank, `jobs` at once; every file with what became of it, in the order given.

    A call that was killed is gone on with by the next one for the same `paths` (by default the files themselves).
    Repeating it changes nothing: a work is known by its content.
    """
    ingest = begin_command(bank, paths or files, files, actor=actor)
    try:
        work_through(ingest, jobs=jobs, on_file=on_file)
    finally:
        _give_back_mine(ingest)
    return list(ingest.files.select_related("work").order_by("position"))


def work_through(ingest: Ingest, *, jobs: int = 1, on_file: OnFile = lambda _: None) -> None:
    """Work on the files of an ingest until none is open, beside other processes that do the same.

    on_file is called in this thread with each file that ended here.
    """
    ended: list[IngestFile] = []
    helpers = [_Helper(ingest, ended) for _ in range(jobs - 1)]
    for helper in helpers:
        helper.start()
    while True:
        while ended:
            on_file(ended.pop(0))
        recover_lost_files()
        claim = claim_next(ingest, worker_name())
        if claim is not None:
            file = _carry(claim)
            if file is not None:
                on_file(file)
            continue
        if any(helper.is_alive() for helper in helpers):
            time.sleep(_PAUSE_S / 10)
        elif not ended and finish_if_done(ingest):
            return
        elif not ended:
            # Another process has what is left.
            time.sleep(_PAUSE_S)


class _Helper(threading.Thread):
    """Works beside the main thread for as long as a file waits."""

    def __init__(self, ingest: Ingest, ended: list[IngestFile]) -> None:
        super().__init__(daemon=True)
        self.ingest = ingest
        self.ended = ended

    def run(self) -> None:
        try:
            while (claim := claim_next(self.ingest, worker_name())) is not None:
                file = _carry(claim)
                if file is not None:
                    self.ended.append(file)
        finally:
            connection.close()


def _carry(claim: Claim) -> IngestFile | None:
    try:
        return work_on(claim)
    except ClaimLost:
        return None


def _give_back_mine(ingest: Ingest) -> None:
    """Whatever this process still holds when it is stopped waits for the next one at once."""
    held = IngestFile.objects.filter(ingest=ingest, state=IngestFile.State.WORKING, claimed_by=worker_name())
    for file_id, token in held.values_list("pk", "claim_token"):
        give_back(Claim(file_id, token), counts=False)


def path_of(file: IngestFile) -> Path:
    """Where a file given to the command lies."""
    return Path(os.fsdecode(bytes(file.path)))
