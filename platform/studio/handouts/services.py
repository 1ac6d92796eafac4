"""Hands out copies of takes, lists them, and gives their files out; each copy is proven before it exists."""

import shutil
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from provenance.errors import ProvenanceError
from provenance.watermark.copies import letters_in, require_room
from studio.credentials.services import watermark_key
from studio.errors import InputRefused, SlateError
from studio.handouts.errors import CopiesCrowded, TakeNotReleased
from studio.handouts.making import Job, OnProgress, ensure_pair, make_copy
from studio.handouts.models import Copy
from studio.handouts.permissions import require_hand_out
from studio.handouts.storage import copy_out
from studio.ledger.services import record
from studio.takes.models import Rendition, Take

MAX_RECIPIENT_LENGTH = 200
_FOLDER_PREFIX = "copy-"
_LEFTOVER_AFTER_S = 24 * 3600.0
_ATTEMPTS = 5


def hand_out_copy(
    take: Take, recipient: str, *, actor: Any, on_progress: OnProgress = lambda *_: None
) -> Copy:
    """The copy of a released take for `recipient`; the same one again where they have one already.

    `on_progress` gets the stage and the share done. Raises NotAllowed, InputRefused (a name that cannot be),
    TakeNotReleased, CopyUnproven, CopyUnavailable, and SlateError with the code take_too_short or too_many_copies.
    """
    studio = take.shot.production.studio
    require_hand_out(actor, studio)
    recipient = _cleaned(recipient)
    existing: Copy | None = take.copies.filter(recipient__iexact=recipient).first()
    if existing is not None:
        return existing
    master = _released_master(take)
    key = watermark_key(studio, master.watermark.key_epoch)
    _sweep()
    try:
        # Refused before anything is encoded for it.
        fps = Fraction(master.fps_numerator, master.fps_denominator)
        require_room(letters_in(master.duration_frames, fps), take.copies.count())
        with tempfile.TemporaryDirectory(prefix=_FOLDER_PREFIX, dir=settings.WORK_DIR) as folder:
            job = Job(take, studio, master, key, recipient, actor, Path(folder), on_progress)
            pair = ensure_pair(job)
            for _ in range(_ATTEMPTS):
                copy = make_copy(job, pair)
                if copy is not None:
                    return copy
    except ProvenanceError as error:
        raise SlateError.of(error) from error
    raise CopiesCrowded(
        f"Other copies of {take} are being made so fast that this one could not be finished.",
        "Try again in a moment.",
    )


def fetch_copy(copy: Copy, dest: Path, *, actor: Any) -> None:
    """Write the file of a copy to `dest`, and enter that into the ledger. Raises NotAllowed or CopyUnavailable."""
    studio = copy.take.shot.production.studio
    require_hand_out(actor, studio)
    copy_out(copy.storage_name, copy.sha256, f"a copy of {copy.take}", dest)
    with transaction.atomic():
        record("copy.fetched", subject=copy, studio=studio, actor=actor, file_sha256=copy.sha256)


def copies_of(take: Take, *, actor: Any) -> list[Copy]:
    """Every copy of a take, the oldest first. Raises NotAllowed."""
    require_hand_out(actor, take.shot.production.studio)
    return list(take.copies.select_related("take__shot__sequence__production", "made_by"))


def _cleaned(recipient: str) -> str:
    name = " ".join(recipient.split())
    if not 0 < len(name) <= MAX_RECIPIENT_LENGTH or not name.isprintable():
        raise InputRefused(
            f"{recipient!r} cannot be the name of a recipient.",
            f"Give 1 to {MAX_RECIPIENT_LENGTH} printable characters, such as 'Festival jury, Ms Ito'.",
        )
    return name


def _released_master(take: Take) -> Rendition:
    master: Rendition | None = (
        Rendition.objects.servable().filter(take=take, kind=Rendition.Kind.MASTER).first()
    )
    if take.state != Take.State.RELEASED or master is None:
        raise TakeNotReleased(
            f"{take} is not released ({take.get_state_display().lower()}).",
            "Copies are handed out of released takes only.",
        )
    return master


def _sweep() -> None:
    """Remove what a copy whose process was killed left in the working folder."""
    for folder in Path(settings.WORK_DIR).glob(f"{_FOLDER_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _LEFTOVER_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)
