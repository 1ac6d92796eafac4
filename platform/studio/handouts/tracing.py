"""Says whose copy a clip was made from: by its very bytes, or by the letters that are left in its picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from provenance.errors import ProvenanceError
from provenance.inspect import Inspection, InspectionLimits, inspect_file, read_letters
from provenance.media import Limits
from provenance.watermark import Geometry, WatermarkKey, canonical_scale
from provenance.watermark.copies import Place, Tracing, trace
from studio.credentials.services import issued_marks, watermark_key
from studio.errors import InputRefused
from studio.handouts.models import Copy
from studio.handouts.permissions import studios_of
from studio.ledger.services import record
from studio.references.search import find_takes
from studio.takes.models import Take

# Of the admitted error, what reading at the mark's own geometry may use up.
MARK_SHARE = 0.7


@dataclass(frozen=True)
class Named:
    """A copy the clip was made from, and the bound on the chance that somebody innocent is named like this."""

    copy: Copy
    p_chance: float


@dataclass(frozen=True)
class Answer:
    """What can be said of one clip: a sentence, the take whose mark it carries, and the copies it comes from.

    `named` is empty where nothing can be decided; several are named where several copies were mixed.
    """

    sha256: str
    headline: str
    take: Take | None = None
    named: tuple[Named, ...] = ()
    copies: int = 0
    letters: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "sha256": self.sha256,
            "headline": self.headline,
            "take": str(self.take.pk) if self.take else None,
            "named": [
                {"copy": str(n.copy.pk), "recipient": n.copy.recipient, "p_chance": n.p_chance}
                for n in self.named
            ],
            "copies": self.copies,
            "letters": self.letters,
        }


def trace_clip(path: Path, *, actor: Any, limits: Limits | None = None) -> Answer:
    """Whose copy the clip at `path` was made from, among the copies of the studios `actor` may trace for.

    Every question enters the ledger with its answer. Raises InputRefused where the file cannot be read.
    """
    keys = [watermark_key(studio, epoch) for studio in studios_of(actor) for epoch in studio.watermark_epochs]
    bounds = InspectionLimits(media=limits or Limits(), detection_s=settings.SLATE_DETECTION_BUDGET_S)
    try:
        seen = inspect_file(
            path,
            keys=keys,
            issued=issued_marks(keys),
            want=("watermark", "fingerprint"),
            limits=bounds,
            timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
            query=True,
        )
        answer = _by_bytes(seen, actor) or _by_letters(path, seen, keys, bounds, actor)
    except ProvenanceError as error:
        raise InputRefused(error.message, error.hint, code=error.code) from error
    _log(answer, actor)
    return answer


def _by_bytes(seen: Inspection, actor: Any) -> Answer | None:
    copy = Copy.objects.filter(
        sha256=seen.sha256, take__shot__sequence__production__studio__in=studios_of(actor)
    ).first()
    if copy is None:
        return None
    headline = f"This is the very file that was handed to {copy.recipient}."
    return Answer(seen.sha256, headline, copy.take, (Named(copy, copy.p_chance),), copy.take.copies.count())


@dataclass(frozen=True)
class _Way:
    """One way to read the clip: how its picture and its time lie in the take, and its share of the admitted error."""

    geometry: Geometry
    place: Place
    share: float


def _by_letters(
    path: Path, seen: Inspection, keys: list[WatermarkKey], limits: InspectionLimits, actor: Any
) -> Answer:
    take, ways = _marked_take(seen, actor) or _shown_take(seen, actor) or (None, [])
    if take is None:
        return Answer(
            seen.sha256, "Not decidable: neither its mark nor its content leads to a take of yours."
        )
    copies = {str(copy.pk): copy for copy in take.copies.select_related("take__shot")}
    if not copies:
        return Answer(seen.sha256, f"No copy of {take} was ever handed out.", take)
    key = next(key for key in keys if key.key_id == take.master.watermark.key_id)
    words = {name: copy.word for name, copy in copies.items()}
    tracings = []
    for way in ways:
        letters = read_letters(
            path, key, way.geometry, limits=limits, timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S
        )
        tracings.append(trace(way.place.lay(letters), words, share=way.share))
        if tracings[-1].named:
            break
    tracing = min(tracings, key=lambda one: (not one.named, one.p_letters))
    named = tuple(Named(copies[suspect.copy], suspect.p_chance) for suspect in tracing.named)
    return Answer(seen.sha256, _headline(tracing, named, take), take, named, len(copies), tracing.letters)


def _takes_of(actor: Any) -> QuerySet[Take]:
    takes: QuerySet[Take] = Take.objects.select_related("shot__sequence__production__studio").filter(
        shot__sequence__production__studio__in=studios_of(actor)
    )
    return takes


def _marked_take(seen: Inspection, actor: Any) -> tuple[Take, list[_Way]] | None:
    """The take whose mark the clip carries, to be read as the mark lies, then as if it were merely resized."""
    for mark in seen.watermarks:
        if mark.payload is None:
            continue
        take = _takes_of(actor).filter(mark_id=f"{mark.payload.asset_id:016x}").first()
        if take is not None:
            place = Place.of(mark)
            plain = _Way(_merely_resized(seen, take), place, 1 - MARK_SHARE)
            return take, [_Way(mark.geometry, place, MARK_SHARE), plain]
    return None


def _shown_take(seen: Inspection, actor: Any) -> tuple[Take, list[_Way]] | None:
    """The take the clip shows by its fingerprints, where its mark is lost; its letters may have outlived that."""
    if seen.fingerprint is None:
        return None
    for found in find_takes(seen.fingerprint):
        take = _takes_of(actor).filter(pk=found.subject_id, copies__isnull=False).first()
        if take is not None:
            longest = max(found.segments, key=lambda segment: segment.query_end_s - segment.query_start_s)
            place = Place(longest.query_start_s, longest.reference_start_s, longest.speed)
            return take, [_Way(_merely_resized(seen, take), place, 1.0)]
    return None


def _merely_resized(seen: Inspection, take: Take) -> Geometry:
    """How the pattern lies in a clip that shows the whole picture of the take at any size."""
    media, master = seen.media or {}, take.master
    scale = canonical_scale(master.width, master.height)
    return Geometry(
        xx=media["width"] / master.width * scale,
        xy=0.0,
        yx=0.0,
        yy=media["height"] / master.height * scale,
        x0=0.0,
        y0=0.0,
    )


def _headline(tracing: Tracing, named: tuple[Named, ...], take: Take) -> str:
    names = " and ".join(one.copy.recipient for one in named)
    if len(named) > 1:
        return f"Mixed from the copies of {take} that were handed to {names}."
    if named:
        return f"Made from the copy of {take} that was handed to {names}."
    if tracing.is_spelt:
        return (
            f"Not decidable: made from a copy of {take}, but too little is left of it, or too much was mixed, "
            "to say whose."
        )
    return (
        f"Not decidable: a clip of {take} in which no copy's letters can be seen. "
        "It may come from the released take itself, or have lost too much."
    )


@transaction.atomic
def _log(answer: Answer, actor: Any) -> None:
    if answer.take is None:
        return
    record(
        "copy.traced",
        subject=answer.take,
        studio=answer.take.shot.production.studio,
        actor=actor,
        file_sha256=answer.sha256,
        named=[str(one.copy.pk) for one in answer.named],
        p_chance=[one.p_chance for one in answer.named],
        copies=answer.copies,
    )
