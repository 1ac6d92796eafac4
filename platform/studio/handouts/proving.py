"""Reads a finished copy back in fresh processes: credential, mark, and whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from provenance.errors import ProvenanceError
from provenance.inspect import Inspection, inspect_file, read_letters
from provenance.manifest.report import CredentialState
from provenance.watermark import Detection, WatermarkKey
from provenance.watermark.copies import Place, Tracing, trace
from studio.credentials.services import root_certificate_pem
from studio.handouts.errors import CopyUnproven
from studio.takes.models import Rendition

FALSE_ALARM = 1e-6


@dataclass(frozen=True)
class Proof:
    """What was read back from the bytes with this digest."""

    sha256: str
    p_false_positive: float
    p_chance: float


def prove(path: Path, copy_id: str, master: Rendition, key: WatermarkKey, words: Mapping[str, str]) -> Proof:
    """Raises CopyUnproven unless the file's credential is trusted and names the take as its parent, its mark is
    the take's, and of all `words` its letters name `copy_id` alone."""
    try:
        seen = inspect_file(
            path,
            keys=[key],
            trust_pem=root_certificate_pem(),
            want=("credential", "watermark"),
            timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
        )
        payload = bytes(master.watermark.payload)
        mark = next((m for m in seen.watermarks if m.payload and m.payload.to_bytes() == payload), None)
        tracing = _trace(path, key, mark, words) if mark is not None else None
    except ProvenanceError as error:
        raise CopyUnproven(
            f"The finished copy could not be read back: {error.message}", error.hint
        ) from error
    problems = _credential_problems(seen, master)
    if mark is None:
        problems.append("the take's watermark was not found in it")
    elif mark.p_false_positive > FALSE_ALARM:
        problems.append(f"its watermark is too faint (chance {mark.p_false_positive:.1e})")
    if tracing is not None and [suspect.copy for suspect in tracing.named] != [copy_id]:
        problems.append("its letters do not name its recipient")
    if problems or mark is None or tracing is None:
        raise CopyUnproven(
            f"The finished copy did not pass its check: {'; '.join(problems)}.",
            "Nothing was handed out. Very flat or very short pictures leave the letters of a copy little room.",
        )
    return Proof(seen.sha256, mark.p_false_positive, tracing.named[0].p_chance)


def _trace(path: Path, key: WatermarkKey, mark: Detection, words: Mapping[str, str]) -> Tracing:
    # The copy begins where its take begins; there is nothing to search.
    letters = read_letters(path, key, mark.geometry, timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S)
    return trace(Place().lay(letters), words, search_s=0.0)


def _credential_problems(seen: Inspection, master: Rendition) -> list[str]:
    credential = seen.credential
    if credential is None or credential.state != CredentialState.TRUSTED:
        found = "missing" if credential is None else f"{credential.state} ({', '.join(credential.failures)})"
        return [f"its credential is {found}"]
    problems = []
    if not credential.history_intact:
        problems.append("its history is broken")
    if credential.parent_manifest_id != master.credential.manifest_id:
        problems.append("its credential does not name the released take as its parent")
    return problems
