"""Makes a take's pair of encodings once, and from it the signed and checked copy for one recipient."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from provenance.manifest.copies import CopyStatement, sign_copy
from provenance.manifest.signing import SignedFile
from provenance.watermark import WatermarkKey
from provenance.watermark.copies import make_pair, new_word, spell
from studio.credentials.services import ensure_authority, this_generator
from studio.handouts.models import Copy, Pair
from studio.handouts.proving import Proof, prove
from studio.handouts.storage import checked_file, forget, keep
from studio.ids import uuid7
from studio.ledger.services import record
from studio.takes.models import Rendition, Take
from studio.tenancy.models import Studio

# Encoding the pair takes nearly all of the time, and a take has it done once.
PAIR_ENDS_AT = 0.9

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Job:
    """One copy to be made; `folder` is thrown away afterwards."""

    take: Take
    studio: Studio
    master: Rendition
    key: WatermarkKey
    recipient: str
    actor: Any
    folder: Path
    on_progress: OnProgress


@dataclass(frozen=True)
class _Finished:
    """A copy that is proven and stored, and not yet a row."""

    copy_id: UUID
    word: str
    signed: SignedFile
    proof: Proof
    storage_name: str
    sha256: str
    made_at: datetime


def ensure_pair(job: Job) -> Pair:
    """The take's pair, encoded now where there is none yet."""
    existing: Pair | None = Pair.objects.filter(take=job.take).first()
    if existing is not None:
        return existing

    def report(frames: int) -> None:
        job.on_progress("encoding", PAIR_ENDS_AT * min(1.0, frames / job.master.duration_frames))

    with checked_file(job.master.storage_name, job.master.sha256, str(job.take)) as path:
        made = make_pair(path, job.key, job.folder / "first.mp4", job.folder / "second.mp4", on_frame=report)
    (first, first_sha256), (second, second_sha256) = keep(made.first), keep(made.second)
    try:
        with transaction.atomic():
            pair = Pair.objects.create(
                take=job.take,
                letters=made.letters,
                first_storage_name=first,
                first_sha256=first_sha256,
                second_storage_name=second,
                second_sha256=second_sha256,
            )
            record(
                "copy.pair_made",
                subject=job.take,
                studio=job.studio,
                actor=job.actor,
                letters=made.letters,
                first_sha256=first_sha256,
                second_sha256=second_sha256,
            )
    except IntegrityError:
        # Somebody else was faster, and may have stored the very same files.
        pair = Pair.objects.get(take=job.take)
        for name in {first, second} - {pair.first_storage_name, pair.second_storage_name}:
            forget(name)
    return pair


def make_copy(job: Job, pair: Pair) -> Copy | None:
    """Make the copy and the row that owns it; None where other copies came to be meanwhile and it must be redone.

    A recipient who got a copy meanwhile gets that one.
    """
    words = {str(pk): word for pk, word in job.take.copies.values_list("pk", "word")}
    finished = _finish(job, pair, words)
    copy: Copy | None = None
    is_owned = False
    try:
        with transaction.atomic():
            # One at a time per take: words that were drawn side by side might be too alike.
            Take.objects.select_for_update().get(pk=job.take.pk)
            copy = job.take.copies.filter(recipient__iexact=job.recipient).first()
            if copy is None and job.take.copies.count() == len(words):
                copy = _create(job, finished)
        is_owned = copy is not None and copy.pk == finished.copy_id
    finally:
        if not is_owned:
            forget(finished.storage_name)
    return copy


def _finish(job: Job, pair: Pair, words: dict[str, str]) -> _Finished:
    """Put the copy together, sign it, prove it and store it."""
    copy_id, made_at = uuid7(), timezone.now()
    word = new_word(pair.letters, list(words.values()))
    unsigned, path = job.folder / f"{copy_id}-unsigned.mp4", job.folder / f"{copy_id}.mp4"
    job.on_progress("putting together", PAIR_ENDS_AT)
    with (
        checked_file(pair.first_storage_name, pair.first_sha256, str(pair)) as first,
        checked_file(pair.second_storage_name, pair.second_sha256, str(pair)) as second,
        checked_file(job.master.storage_name, job.master.sha256, str(job.take)) as released,
    ):
        spell(first, second, word, unsigned, sound_of=released)
        job.on_progress("signing", 0.92)
        statement = CopyStatement(
            title=f"Copy {copy_id}",
            take_id=str(job.take.pk),
            copy_id=str(copy_id),
            created_at=made_at,
            generator=this_generator(),
        )
        signed = sign_copy(unsigned, path, statement, released, ensure_authority())
    job.on_progress("checking", 0.94)
    proof = prove(path, str(copy_id), job.master, job.key, {**words, str(copy_id): word})
    name, sha256 = keep(path)
    return _Finished(copy_id, word, signed, proof, name, sha256, made_at)


def _create(job: Job, finished: _Finished) -> Copy:
    signed, proof = finished.signed, finished.proof
    copy = Copy.objects.create(
        id=finished.copy_id,
        take=job.take,
        recipient=job.recipient,
        word=finished.word,
        sha256=finished.sha256,
        storage_name=finished.storage_name,
        size_bytes=signed.size_bytes,
        manifest_id=signed.manifest_id,
        manifest=signed.manifest_bytes,
        signed_sha256=signed.sha256,
        signer_serial=signed.signer_serial,
        checked_sha256=proof.sha256,
        p_false_positive=proof.p_false_positive,
        p_chance=proof.p_chance,
        made_by_id=getattr(job.actor, "pk", None),
        made_at=finished.made_at,
    )
    record(
        "copy.handed_out",
        subject=copy,
        studio=job.studio,
        actor=job.actor,
        take_id=str(job.take.pk),
        file_sha256=finished.sha256,
        manifest_id=signed.manifest_id,
        signer_serial=signed.signer_serial,
    )
    return copy
