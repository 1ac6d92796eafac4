"""Turns one file of an ingest into a work: read in a confined child, kept in one transaction, or refused in words."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from provenance.errors import ProvenanceError
from provenance.fingerprint.contents import ClipFingerprint
from provenance.inspect import (
    FILM_NAME,
    POSTER_NAME,
    InspectionLimits,
    inspect_file,
    make_proxy_of,
)
from provenance.media.proxy import Proxy
from studio.ledger.services import record
from studio.references.claims import Claim, ClaimLost, Lease
from studio.references.drawing import draw_content
from studio.references.files import forget_upload, keep_file, received_file
from studio.references.ingesting import finish_if_done
from studio.references.models import Ingest, IngestFile, Work, WorkFile
from studio.references.storing import store_fingerprints
from studio.runs.patience import patiently
from studio.takes.storage import sha256_of

logger = logging.getLogger(__name__)

ANSWER_BYTES = 512 << 20


@dataclass(frozen=True)
class Refused:
    """Why a file is no work."""

    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Known:
    """The bank has these bytes already."""

    sha256: str


@dataclass(frozen=True)
class Read:
    """Everything found out about a file; nothing of it is in the database yet."""

    sha256: str
    clip: ClipFingerprint
    width: int
    height: int
    is_still: bool
    has_audio: bool
    quarter_turns: int
    shown: tuple[dict[str, Any], ...]


Outcome = Refused | Known | Read


def work_on(claim: Claim) -> IngestFile:
    """Carry a claimed file to its end and say what became of it. Raises ClaimLost where somebody else has it by now."""
    file = IngestFile.objects.select_related("ingest__bank__studio", "ingest__requested_by").get(
        pk=claim.file_id
    )
    with Lease(claim):
        try:
            outcome = _read(file)
        except Exception as error:
            # One file must not stop the others; the person reads a sentence, the operator the log.
            logger.exception("file %s of ingest %s", file.pk, file.ingest_id)
            outcome = Refused(
                "ingest.broken",
                f"Something broke while it was read ({type(error).__name__}).",
                "Try it again; if it stays, the operator finds the cause in the log.",
            )
        ended = patiently(lambda: _end(claim, outcome), what="keeping a work")
    if ended.state != IngestFile.State.FAILED and ended.ingest.source == Ingest.Source.UPLOAD:
        forget_upload(ended.pk)
    return ended


def _read(file: IngestFile) -> Outcome:
    try:
        with _at_hand(file) as path:
            return _examine(file, path)
    except FileNotFoundError:
        return Refused(
            "file_missing", "The file is not there any more.", "Choose it again, or give its new path."
        )
    except OSError as error:
        return Refused("file_unreadable", f"It cannot be opened: {error.strerror}.", "Check its permissions.")


@contextmanager
def _at_hand(file: IngestFile) -> Iterator[Path]:
    """The file as one on this machine."""
    if file.ingest.source == Ingest.Source.COMMAND:
        yield Path(os.fsdecode(bytes(file.path)))
    elif file.ingest.source == Ingest.Source.UPLOAD:
        with received_file(file) as path:
            yield path
    else:
        with tempfile.TemporaryDirectory(dir=settings.UPLOAD_DIR, prefix="ingest-") as folder:
            yield draw_content(file.name, Path(folder))


def _examine(file: IngestFile, path: Path) -> Outcome:
    sha256 = sha256_of(path)
    if Work.objects.filter(bank=file.ingest.bank_id, sha256=sha256).exists():
        return Known(sha256)
    limits = InspectionLimits(
        cpu_s=round(settings.SLATE_INGEST_TIMEOUT_S), result_bytes=ANSWER_BYTES, threads=1
    )
    try:
        seen = inspect_file(
            path, want=("fingerprint",), limits=limits, timeout_s=settings.SLATE_INGEST_TIMEOUT_S
        )
        for problem in seen.errors.values():
            # Half a film in a bank would pass for the whole: a file that breaks off is not added.
            return Refused(problem.code, problem.message, problem.hint)
        if seen.media is None or seen.fingerprint is None or not seen.fingerprint.frames:
            return Refused(
                "no_picture", "It has no picture that could be fingerprinted.", "Give a film or a still."
            )
        with tempfile.TemporaryDirectory(dir=settings.UPLOAD_DIR, prefix="ingest-") as folder:
            made = make_proxy_of(path, Path(folder), limits=limits, timeout_s=settings.SLATE_INGEST_TIMEOUT_S)
            shown = tuple(_kept(Path(folder), made))
    except ProvenanceError as error:
        return Refused(error.code, error.message, error.hint)
    sides = (seen.media["width"], seen.media["height"])
    width, height = sides[::-1] if made.quarter_turns % 2 else sides
    return Read(
        sha256=sha256,
        clip=seen.fingerprint,
        width=width,
        height=height,
        is_still=seen.media["is_still"],
        has_audio=seen.media["has_audio"],
        quarter_turns=made.quarter_turns,
        shown=shown,
    )


def _kept(folder: Path, made: Proxy) -> Iterator[dict[str, Any]]:
    """The fields of each file that was made, once its bytes are in the storage."""
    if made.has_film:
        yield {
            "kind": WorkFile.Kind.PROXY,
            "content_type": "video/mp4",
            "width": made.width,
            "height": made.height,
            "fps_numerator": made.fps.numerator,
            "fps_denominator": made.fps.denominator,
            "duration_frames": made.duration_frames,
            "has_sound": made.has_sound,
            **_stored(folder / FILM_NAME),
        }
    yield {
        "kind": WorkFile.Kind.POSTER,
        "content_type": "image/jpeg",
        "width": made.poster_width,
        "height": made.poster_height,
        **_stored(folder / POSTER_NAME),
    }


def _stored(path: Path) -> dict[str, Any]:
    size_bytes = path.stat().st_size
    name, sha256 = keep_file(path)
    return {"storage_name": name, "sha256": sha256, "size_bytes": size_bytes}


def remarks(
    clip: ClipFingerprint, *, is_still: bool, has_audio: bool = True, quarter_turns: int = 0
) -> list[str]:
    """What somebody should know of a film that was added, in sentences; pure, no I/O."""
    searched = sum(frame.is_searchable for frame in clip.frames)
    told = []
    if searched == 0:
        told.append("All of it is too dark or too even to be recognised by its picture.")
    elif searched < len(clip.frames) / 2:
        told.append(
            f"Much of it is too dark or too even to be recognised: {searched} of {len(clip.frames)} pictures count."
        )
    if clip.sound is None and not is_still:
        told.append(
            "Its sound was not fingerprinted." if has_audio else "It has no sound to be recognised by."
        )
    if not is_still and len(clip.track.times_s) == 1:
        told.append("It has one single frame.")
    if quarter_turns:
        told.append(f"It was turned upright by {90 * quarter_turns}°, as the file says.")
    return told


@transaction.atomic
def _end(claim: Claim, outcome: Outcome) -> IngestFile:
    """Write the work, its fingerprint and what became of the file, all or nothing, while the claim holds."""
    file = (
        IngestFile.objects.select_for_update(of=("self",))
        .select_related("ingest__bank__studio", "ingest__requested_by")
        .filter(pk=claim.file_id)
        .first()
    )
    if file is None or file.claim_token != claim.token:
        raise ClaimLost("Somebody else took the file.", "Nothing is lost; it is worked on there.")
    file.claim_token, file.claimed_until = None, None
    if isinstance(outcome, Refused):
        file.state = IngestFile.State.FAILED
        file.reason_code, file.reason, file.hint = outcome.code, outcome.reason, outcome.hint
    elif isinstance(outcome, Known):
        _end_known(file, outcome.sha256)
    else:
        _end_read(file, outcome)
    file.is_kept = file.is_kept and file.state == IngestFile.State.FAILED
    file.save()
    finish_if_done(file.ingest)
    return file


def _end_known(file: IngestFile, sha256: str) -> None:
    file.state, file.sha256 = IngestFile.State.KNOWN, sha256
    file.work = Work.objects.filter(bank=file.ingest.bank_id, sha256=sha256).first()
    if file.work is not None and not file.work.is_searched:
        file.reason_code = "work.set_aside"
        file.reason = (
            f"The bank knows it as {file.work.title}, which is {file.work.get_status_display().lower()}."
        )
        file.hint = "Bring that work back to have it searched again."


def _end_read(file: IngestFile, outcome: Read) -> None:
    bank = file.ingest.bank
    work, created = Work.objects.get_or_create(
        bank=bank,
        sha256=outcome.sha256,
        defaults={
            "title": file.name,
            "duration_seconds": outcome.clip.duration_s,
            "width": outcome.width,
            "height": outcome.height,
            "origin": Work.Origin.DRAWN if file.ingest.source == Ingest.Source.DRAWN else Work.Origin.FILE,
            "added_by": file.ingest.requested_by,
        },
    )
    if not created:
        _end_known(file, outcome.sha256)
        return
    store_fingerprints(outcome.clip, work=work)
    WorkFile.objects.bulk_create(WorkFile(work=work, **fields) for fields in outcome.shown)
    file.state, file.sha256, file.work = IngestFile.State.ADDED, outcome.sha256, work
    file.frames, file.seconds = len(outcome.clip.frames), outcome.clip.duration_s
    file.reason = " ".join(
        remarks(
            outcome.clip,
            is_still=outcome.is_still,
            has_audio=outcome.has_audio,
            quarter_turns=outcome.quarter_turns,
        )
    )
    record(
        "work.added",
        subject=work,
        studio=bank.studio,
        actor=file.ingest.requested_by,
        bank_id=str(bank.pk),
        file_sha256=outcome.sha256,
        frames=len(outcome.clip.frames),
    )
