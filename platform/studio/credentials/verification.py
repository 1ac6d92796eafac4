"""Says what any file is: asks every layer, finds the take behind it, and decides what that adds up to."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from provenance.errors import ProvenanceError
from provenance.fingerprint import Segment
from provenance.inspect import Inspection, InspectionLimits, inspect_file
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
from studio.credentials.models import Credential
from studio.credentials.services import all_watermark_keys, public_model_name, root_certificate_pem
from studio.errors import InputRefused
from studio.references.models import Work
from studio.references.search import Found, find_takes, find_works
from studio.takes.models import Rendition, Take
from studio.tenancy.models import Studio


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
    """Verify the file at `path`. Raises InputRefused when it cannot be read at all.

    `actor` decides what the answer may show; the verdict itself is the same for everybody.
    """
    try:
        seen = inspect_file(
            path,
            keys=all_watermark_keys(),
            trust_pem=root_certificate_pem(),
            limits=InspectionLimits(media=limits or upload_limits()),
            timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
        )
    except ProvenanceError as error:
        # The library knows the file by its path; an upload's is a temporary name that tells nobody anything.
        message = error.message.replace(path.name, file_name)
        raise InputRefused(message, error.hint, code=error.code) from error
    takes = find_takes(seen.fingerprints)
    own_studios = list(Studio.objects.visible_to(actor).values_list("pk", flat=True))
    works = find_works(seen.fingerprints, own_studios) if own_studios else []
    verdict = decide(_evidence(seen, takes, works, actor))
    take = _take(verdict.take_id)
    visible = Take.objects.visible_to(actor).filter(pk=verdict.take_id).first() if take else None
    return Verification(
        file_name=file_name,
        sha256=seen.sha256,
        verdict=verdict,
        take=visible,
        studio_name=take.shot.production.studio.name if take else "",
        layers=_layers(seen, takes, works, take, named=(path.name, file_name)),
        segments=_segments(takes, works, actor),
        media=dict(seen.media or {}),
    )


def _take(take_id: str | None) -> Take | None:
    if take_id is None:
        return None
    return Take.objects.select_related("shot__sequence__production__studio").filter(pk=take_id).first()


def _evidence(seen: Inspection, takes: list[Found], works: list[Found], actor: Any) -> Evidence:
    mark_take = None
    if seen.watermark is not None:
        mark_id = f"{seen.watermark.payload.asset_id:016x}"
        mark_take = Take.objects.filter(mark_id=mark_id).values_list("pk", flat=True).first()
    released = (
        Rendition.objects.servable().filter(sha256=seen.sha256).values_list("take_id", flat=True).first()
    )
    credential_take = _credential_take(seen.credential)
    titles = Work.objects.in_bulk([one.subject_id for one in works])
    take_ids = {str(one.subject_id) for one in takes}
    take_ids |= {str(take_id) for take_id in (mark_take, released, credential_take) if take_id}
    # Where no frame could be looked at, a credential alone says nothing about the picture.
    broken = seen.errors.get("watermark") if "fingerprint" in seen.errors and not seen.fingerprints else None
    return Evidence(
        credential=CredentialEvidence.of(seen.credential, credential_take),
        watermark=WatermarkEvidence(
            answered="watermark" not in seen.errors and seen.media is not None,
            found=seen.watermark is not None,
            take_id=str(mark_take) if mark_take else None,
        ),
        fingerprint=FingerprintEvidence(
            answered="fingerprint" not in seen.errors and seen.media is not None,
            takes=tuple(TakeMatch(str(one.subject_id), _ranges(one.segments)) for one in takes),
            works=tuple(WorkMatch(titles[one.subject_id].title, _ranges(one.segments)) for one in works),
        ),
        released_take_id=str(released) if released else None,
        unreadable=broken.message if broken else None,
        take_names=_take_names(take_ids, actor),
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
    """The take whose manifest this is, by our own repository: what a manifest says of itself proves nothing."""
    if credential is None or credential.manifest_id is None:
        return None
    take_id = (
        Credential.objects.filter(manifest_id=credential.manifest_id)
        .values_list("rendition__take_id", flat=True)
        .first()
    )
    return str(take_id) if take_id else None


def _layers(
    seen: Inspection, takes: list[Found], works: list[Found], take: Take | None, *, named: tuple[str, str]
) -> dict[str, dict[str, Any]]:
    credential = seen.credential
    mark = seen.watermark
    layers: dict[str, dict[str, Any]] = {
        "credential": {
            "state": str(credential.state) if credential else "unreadable",
            "summary": _credential_sentence(credential),
            "details": credential.as_dict() if credential else {},
        },
        "watermark": {
            "state": "found" if mark else "not_found",
            "summary": (
                f"A Slate watermark was found; the chance of a false alarm is below {mark.p_false_positive:.0e}."
                if mark
                else "No Slate watermark was found."
            ),
            "details": {"p_false_positive": mark.p_false_positive} if mark else {},
        },
        "fingerprint": {
            "state": "found" if takes or works else "not_found",
            "summary": _fingerprint_sentence(takes, works),
            "details": {"frames": len(seen.fingerprints), "takes": len(takes), "works": len(works)},
        },
    }
    for layer, error in seen.errors.items():
        message = error.message.replace(*named)
        layers[layer] = {
            "state": "unreadable",
            "summary": message,
            "details": {**asdict(error), "message": message},
        }
    if take is not None:
        layers["generation"] = {
            "state": "known",
            "summary": f"Generated with Slate at {take.shot.production.studio.name}.",
            "details": {
                "model": public_model_name(take.recipe["model"]),
                "model_digest": take.recipe.get("model_digest"),
                "created_at": take.created_at.isoformat(),
                "manifest_id": take.master.credential.manifest_id,
            },
        }
    return layers


CREDENTIAL_SENTENCES = {
    CredentialState.TRUSTED: "The Content Credentials are intact and signed by this installation.",
    CredentialState.VALID_UNTRUSTED: "The Content Credentials are intact; their signer is not known here.",
    CredentialState.INVALID: "The Content Credentials do not fit this file: it or they were changed after signing.",
    CredentialState.ABSENT: "The file carries no Content Credentials.",
    CredentialState.UNREADABLE: "The Content Credentials could not be checked.",
}


def _credential_sentence(credential: CredentialReport | None) -> str:
    state = credential.state if credential else CredentialState.UNREADABLE
    sentence = CREDENTIAL_SENTENCES[state]
    if credential is not None and not credential.history_intact:
        sentence += " The history of the file is broken at an earlier version."
    return sentence


def _fingerprint_sentence(takes: list[Found], works: list[Found]) -> str:
    if not takes and not works:
        return "No stretch of it matches a take or a reference work."
    parts = []
    if takes:
        parts.append(f"{len(takes)} take{'s' if len(takes) > 1 else ''} of this installation")
    if works:
        parts.append(f"{len(works)} reference work{'s' if len(works) > 1 else ''}")
    return f"Stretches of it match {' and '.join(parts)}."


def _segments(takes: list[Found], works: list[Found], actor: Any) -> list[dict[str, Any]]:
    """Time ranges on both sides. Takes the actor may not see appear without a name."""
    visible = {
        take.pk: take
        for take in Take.objects.visible_to(actor)
        .select_related("shot")
        .filter(pk__in=[one.subject_id for one in takes])
    }
    titles: dict[UUID, Work] = Work.objects.select_related("bank").in_bulk([one.subject_id for one in works])
    rows: list[dict[str, Any]] = []
    for kind, found in (("take", takes), ("work", works)):
        for one in found:
            if kind == "take":
                take = visible.get(one.subject_id)
                name, identifier = (
                    (str(take), str(take.pk)) if take else ("a take of this installation", None)
                )
            else:
                work = titles[one.subject_id]
                name, identifier = f"{work.title} ({work.bank.name})", str(work.pk)
            rows.extend(
                {
                    "kind": kind,
                    "id": identifier,
                    "name": name,
                    "query_start_s": segment.query_start_s,
                    "query_end_s": segment.query_end_s,
                    "reference_start_s": segment.reference_start_s,
                    "reference_end_s": segment.reference_end_s,
                    "speed": segment.speed,
                    "distance": segment.mean_distance,
                    "hits": segment.hits,
                }
                for segment in one.segments
            )
    return rows
