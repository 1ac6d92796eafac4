"""Puts what was found about a file into words, and keeps back from strangers what is not theirs to read."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from provenance.fingerprint import Segment
from provenance.inspect import Comparison, Inspection
from provenance.manifest.report import CredentialReport, CredentialState
from studio.credentials.marks import (
    SENTENCES,
    SOUND_SENTENCES,
    SeenMark,
    comparison_details,
    mark_details,
    mark_state,
)
from studio.credentials.services import public_model_name
from studio.references.models import Work
from studio.references.search import Found
from studio.takes.models import Take


@dataclass(frozen=True)
class FoundHere:
    """What this installation knows of a file.

    `takes` and `works` by content, surest first. `released_take_id`: the take of which these very bytes were
    released; `credential_take_id`: the one whose manifest the file carries or was made from. `comparison`: the file
    laid over the first take, where no mark names one.
    """

    takes: list[Found]
    works: list[Found]
    marks: Sequence[SeenMark]
    sound_marks: Sequence[SeenMark]
    released_take_id: UUID | None
    credential_take_id: str | None
    comparison: Comparison | None = None


def layers_for(
    seen: Inspection,
    found: FoundHere,
    take: Take | None,
    own_studios: Collection[UUID],
    *,
    named: tuple[str, str],
) -> dict[str, dict[str, Any]]:
    """What each layer says, by its name; of marks and comparisons, details go to the studio they belong to.

    `take` is the one of the verdict. `named`: the file's name on disk, and the one its sender knows.
    """
    credential = seen.credential
    state = mark_state(found.marks)
    layers: dict[str, dict[str, Any]] = {
        "credential": {
            "state": str(credential.state) if credential else "unreadable",
            "summary": _credential_sentence(credential),
            "details": credential.as_dict() if credential else {},
        },
        "watermark": {
            "state": state,
            "summary": SENTENCES[state],
            "details": _mark_details(found.marks, own_studios),
        },
        "fingerprint": {
            "state": "found" if found.takes or found.works else "not_found",
            "summary": _fingerprint_sentence(found.takes, found.works),
            "details": {
                "frames": len(seen.fingerprints),
                "takes": len(found.takes),
                "works": len(found.works),
                # Made for the take's own people only.
                **({"content": comparison_details(found.comparison)} if found.comparison else {}),
            },
        },
    }
    if seen.sound_watermarks is not None:
        heard = mark_state(found.sound_marks)
        layers["sound"] = {
            "state": heard,
            "summary": SOUND_SENTENCES[heard],
            "details": _mark_details(found.sound_marks, own_studios),
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


def _mark_details(marks: Sequence[SeenMark], own_studios: Collection[UUID]) -> dict[str, Any]:
    own = [mark for mark in marks if mark.studio is not None and mark.studio.pk in own_studios]
    return {"marks": [mark_details(mark) for mark in own]} if own else {}


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


def _how(found: Found, segment: Segment) -> dict[str, Any]:
    return {
        "method": segment.method,
        "is_mirrored": segment.is_mirrored,
        "probability": found.probability,
    }


def segments_for(found: FoundHere, actor: Any) -> list[dict[str, Any]]:
    """Time ranges on both sides. Takes the actor may not see appear without a name."""
    takes, works = found.takes, found.works
    visible = {
        take.pk: take
        for take in Take.objects.visible_to(actor)
        .select_related("shot")
        .filter(pk__in=[one.subject_id for one in takes])
    }
    titles: dict[UUID, Work] = Work.objects.select_related("bank").in_bulk([one.subject_id for one in works])
    rows: list[dict[str, Any]] = []
    for kind, matches in (("take", takes), ("work", works)):
        for one in matches:
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
                    "hits": segment.frames,
                    # Who does not know the reference learns that it matches, and nothing of how the search works.
                    "how": identifier and _how(one, segment),
                }
                for segment in one.segments
            )
    return rows
