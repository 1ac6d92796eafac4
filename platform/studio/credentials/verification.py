"""Says what any file is: asks every layer, finds the take behind it, and decides what that adds up to."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from provenance.errors import ProvenanceError
from provenance.fingerprint import Segment
from provenance.inspect import Comparison, Inspection, InspectionLimits, inspect_file
from provenance.manifest.report import CredentialReport, CredentialState
from provenance.media import Limits
from provenance.verdict import (
    CredentialEvidence,
    Evidence,
    FingerprintEvidence,
    TakeMatch,
    TimeRange,
    Verdict,
    WatermarkEvidence,
    WorkMatch,
    decide,
)
from provenance.watermark import Detection
from studio.credentials.answers import FoundHere, layers_for, segments_for
from studio.credentials.comparison import compare_marked, compare_unmarked
from studio.credentials.marks import mark_matches, mark_state, seen_marks
from studio.credentials.models import Credential
from studio.credentials.queries import log_answer, log_refusal
from studio.credentials.services import all_watermark_keys, issued_marks, root_certificate_pem
from studio.errors import InputRefused
from studio.references.models import Work
from studio.references.search import Found, find_takes, find_works
from studio.takes.models import Rendition, Take
from studio.tenancy.models import Studio

# Laying a clip over a take costs seconds; a clip with more marks than this is a cut, which content tells as well.
COMPARED_MARKS = 3


@dataclass(frozen=True)
class Verification:
    """The verdict on one file, with what each layer said.

    `take` and everything about works are for members of the studio only; a stranger gets the system's
    provenance (studio, model, date, manifest) and nothing of prompt, person, production or shot.
    """

    file_name: str
    sha256: str
    verdict: Verdict
    take: Take | None
    studio_name: str
    layers: dict[str, dict[str, Any]]
    segments: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file_name,
            "sha256": self.sha256,
            "outcome": str(self.verdict.outcome),
            "headline": self.verdict.headline,
            "reasons": [
                {"layer": reason.layer, "sentence": reason.sentence} for reason in self.verdict.reasons
            ],
            "exit_status": self.verdict.exit_code,
            "take": str(self.take.pk) if self.take else None,
            "studio": self.studio_name or None,
            "layers": self.layers,
            "segments": self.segments,
            "media": self.media,
        }


def upload_limits() -> Limits:
    return Limits(
        max_bytes=settings.SLATE_UPLOAD_LIMIT_MIB << 20, max_seconds=settings.SLATE_UPLOAD_MAX_SECONDS
    )


def verify_file(
    path: Path, *, actor: Any = None, file_name: str, limits: Limits | None = None
) -> Verification:
    """Verify the file at `path`, and enter the answer into the ledger. Raises InputRefused when it cannot be read.

    `actor` decides what the answer may show; the verdict itself is the same for everybody.
    """
    bounds = InspectionLimits(media=limits or upload_limits(), detection_s=settings.SLATE_DETECTION_BUDGET_S)
    keys = all_watermark_keys()
    try:
        seen = inspect_file(
            path,
            keys=keys,
            issued=issued_marks(keys),
            trust_pem=root_certificate_pem(),
            limits=bounds,
            timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
            query=True,
        )
    except ProvenanceError as error:
        log_refusal(actor, path, error.code)
        # The library knows the file by its path; an upload's is a temporary name that tells nobody anything.
        message = error.message.replace(path.name, file_name)
        raise InputRefused(message, error.hint, code=error.code) from error
    own_studios = list(Studio.objects.visible_to(actor).values_list("pk", flat=True))
    found = _look_up(path, seen, own_studios, bounds)
    verdict = decide(_evidence(seen, found, actor))
    take = _take(verdict.take_id)
    visible = Take.objects.visible_to(actor).filter(pk=verdict.take_id).first() if take else None
    owner = take.shot.production.studio if take else next((m.studio for m in found.marks if m.studio), None)
    log_answer(
        actor,
        sha256=seen.sha256,
        outcome=str(verdict.outcome),
        watermark=mark_state(found.marks),
        studio=owner,
    )
    return Verification(
        file_name=file_name,
        sha256=seen.sha256,
        verdict=verdict,
        take=visible,
        studio_name=take.shot.production.studio.name if take else "",
        layers=layers_for(seen, found, take, own_studios, named=(path.name, file_name)),
        segments=segments_for(found, actor),
        media=dict(seen.media or {}),
    )


def _look_up(path: Path, seen: Inspection, own_studios: list[UUID], limits: InspectionLimits) -> FoundHere:
    """What this installation knows of the file: takes and works by content, takes by mark, each compared."""
    clip = seen.fingerprint
    takes = find_takes(clip, path=path) if clip else []
    works = find_works(clip, own_studios, path=path) if clip and own_studios else []
    released = (
        Rendition.objects.servable().filter(sha256=seen.sha256).values_list("take_id", flat=True).first()
    )
    credential_take = _credential_take(seen.credential)
    found = FoundHere(
        takes=takes,
        works=works,
        marks=seen_marks(seen.watermarks),
        sound_marks=seen_marks(seen.sound_watermarks or ()),
        released_take_id=released,
        credential_take_id=credential_take,
    )
    trusted = seen.credential is not None and seen.credential.state is CredentialState.TRUSTED
    if released or (credential_take and trusted):
        # The bytes themselves prove the take; there is no copied mark to look for.
        return found
    compared = [
        mark.compared(compare_marked(path, mark.take, mark.detection, limits))
        if mark.take is not None and isinstance(mark.detection, Detection) and number < COMPARED_MARKS
        else mark
        for number, mark in enumerate(found.marks)
    ]
    comparison = None
    if takes and not any(mark.take for mark in compared):
        comparison = _compare_content(path, takes[0], own_studios, limits)
    return replace(found, marks=compared, comparison=comparison)


def _compare_content(
    path: Path, found: Found, own_studios: list[UUID], limits: InspectionLimits
) -> Comparison | None:
    """A copy that lost its mark, laid over its take for the take's own people, who may see what was changed."""
    take = Take.objects.filter(
        pk=found.subject_id, shot__sequence__production__studio__in=own_studios
    ).first()
    if take is None:
        return None
    longest = max(found.segments, key=lambda segment: segment.query_end_s - segment.query_start_s)
    return compare_unmarked(path, take, longest, limits)


def _take(take_id: str | None) -> Take | None:
    if take_id is None:
        return None
    return Take.objects.select_related("shot__sequence__production__studio").filter(pk=take_id).first()


def _evidence(seen: Inspection, found: FoundHere, actor: Any) -> Evidence:
    titles = Work.objects.in_bulk([one.subject_id for one in found.works])
    take_ids = {str(one.subject_id) for one in found.takes}
    take_ids |= {str(mark.take.pk) for mark in (*found.marks, *found.sound_marks) if mark.take}
    take_ids |= {str(take_id) for take_id in (found.released_take_id, found.credential_take_id) if take_id}
    # Where no frame could be looked at, a credential alone says nothing about the picture.
    broken = seen.errors.get("watermark") if "fingerprint" in seen.errors and not seen.fingerprints else None
    return Evidence(
        credential=CredentialEvidence.of(seen.credential, found.credential_take_id),
        watermark=WatermarkEvidence(
            answered="watermark" not in seen.errors and seen.media is not None,
            marks=mark_matches(found.marks),
            unread=any(not mark.is_read for mark in found.marks),
        ),
        fingerprint=FingerprintEvidence(
            answered="fingerprint" not in seen.errors and seen.media is not None,
            takes=tuple(TakeMatch(str(one.subject_id), _ranges(one.segments)) for one in found.takes),
            works=tuple(
                WorkMatch(titles[one.subject_id].title, _ranges(one.segments)) for one in found.works
            ),
        ),
        released_take_id=str(found.released_take_id) if found.released_take_id else None,
        unreadable=broken.message if broken else None,
        take_names=_take_names(take_ids, actor),
        sound=WatermarkEvidence(
            answered=seen.sound_watermarks is not None,
            marks=mark_matches(found.sound_marks),
            unread=any(not mark.is_read for mark in found.sound_marks),
        ),
    )


def _ranges(segments: tuple[Segment, ...]) -> tuple[TimeRange, ...]:
    return tuple(
        TimeRange(s.query_start_s, s.query_end_s, s.reference_start_s, s.reference_end_s) for s in segments
    )


def _take_names(take_ids: set[str], actor: Any) -> dict[str, str]:
    """Members read a take's own name, strangers only which studio made it."""
    related = "shot__sequence__production__studio"
    known = Take.objects.select_related(related).filter(pk__in=take_ids)
    own = set(Take.objects.visible_to(actor).filter(pk__in=take_ids).values_list("pk", flat=True))
    return {
        str(take.pk): str(take) if take.pk in own else f"a take of {take.shot.production.studio.name}"
        for take in known
    }


def _credential_take(credential: CredentialReport | None) -> str | None:
    """The take whose manifest this is, by our own repository: what a manifest says of itself proves nothing.

    A copy handed out has a manifest of its own; that it was made from the take's file, we signed.
    """
    if credential is None or credential.manifest_id is None:
        return None
    is_ours = credential.state is CredentialState.TRUSTED
    manifest_ids = [credential.manifest_id, credential.parent_manifest_id if is_ours else None]
    for manifest_id in filter(None, manifest_ids):
        take_ids = Credential.objects.filter(manifest_id=manifest_id).values_list(
            "rendition__take_id", flat=True
        )
        if take_ids:
            return str(take_ids[0])
    return None
