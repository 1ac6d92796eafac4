"""Decides what may be said about a file: recognised, altered, contradictory, not recognised or unreadable.

A take is named by the exact bytes of a released file, by a trusted credential, by a mark, or by content.
Bytes and credential name one take, and must agree. Content may match several takes at once, because takes of one
shot resemble each other and a cut shows several, each with its own mark. A mark alone proves nothing, since it can
be copied: the content must bear it out. Nothing is ever called a fake: what is not recognised is only that.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from provenance.verdict.evidence import Evidence
from provenance.verdict.reasons import Reason, reasons_for


class Outcome(StrEnum):
    """The five things that can be said; `EXIT_CODES` maps them to what a command line returns."""

    RECOGNISED = "recognised"
    ALTERED = "altered"
    CONTRADICTORY = "contradictory"
    NOT_RECOGNISED = "not_recognised"
    UNREADABLE = "unreadable"


EXIT_CODES = {
    Outcome.RECOGNISED: 0,
    Outcome.NOT_RECOGNISED: 1,
    Outcome.ALTERED: 2,
    Outcome.CONTRADICTORY: 2,
    Outcome.UNREADABLE: 3,
}


_COPIED = "Contradictory: a mark is present, but the content differs from its take; possibly a copied mark."
_INCONCLUSIVE = (
    "Inconclusive: a mark of this installation is in the picture, but too faint to tell which take it names."
)
_SOUND_ONLY = "Not recognised by its picture, but a mark of this installation is in the sound."


@dataclass(frozen=True)
class Verdict:
    """The answer: `take_id` is set when, and only when, the file is recognised or altered."""

    outcome: Outcome
    take_id: str | None
    headline: str
    reasons: tuple[Reason, ...]

    @property
    def exit_code(self) -> int:
        """0 recognised and intact, 1 not recognised, 2 altered or contradictory, 3 unreadable."""
        return EXIT_CODES[self.outcome]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "outcome": self.outcome.value, "exit_code": self.exit_code}


def decide(evidence: Evidence) -> Verdict:
    """The verdict on `evidence`."""
    outcome, take_id, headline = _weigh(evidence)
    return Verdict(outcome, take_id, headline, reasons_for(evidence))


def _weigh(evidence: Evidence) -> tuple[Outcome, str | None, str]:
    if not _answered(evidence):
        return Outcome.UNREADABLE, None, "The file could not be read, so nothing can be said about it."
    conflict = _conflict(evidence)
    if conflict is not None:
        return Outcome.CONTRADICTORY, None, conflict
    if evidence.released_take_id is not None:
        return _recognised(evidence, evidence.released_take_id)
    vouched = evidence.credential.vouched_take_id
    if vouched is not None and evidence.credential.history_intact:
        return _recognised(evidence, vouched)
    take_id = vouched or _named_by_picture(evidence)
    if take_id is not None:
        name = evidence.name_of(take_id)
        return Outcome.ALTERED, take_id, f"Recognised as {name}, but not as it was released."
    if evidence.watermark.unread:
        return Outcome.NOT_RECOGNISED, None, _INCONCLUSIVE
    if evidence.sound.marks:
        return Outcome.NOT_RECOGNISED, None, _SOUND_ONLY
    return Outcome.NOT_RECOGNISED, None, "Not recognised: nothing here leads to a take of this installation."


def _named_by_picture(evidence: Evidence) -> str | None:
    """The take that mark and content lead to; of several marked ones, the take most of the file shows."""
    marked = evidence.watermark.take_ids
    if marked:
        return evidence.fingerprint.longest_of(marked) or marked[0]
    return evidence.fingerprint.longest_take_id


def _recognised(evidence: Evidence, take_id: str) -> tuple[Outcome, str, str]:
    return Outcome.RECOGNISED, take_id, f"Recognised and intact: {evidence.name_of(take_id)}."


def _answered(evidence: Evidence) -> bool:
    if evidence.released_take_id is not None:
        return True
    layers = (evidence.credential, evidence.watermark, evidence.fingerprint)
    return evidence.unreadable is None and any(layer.answered for layer in layers)


def _conflict(evidence: Evidence) -> str | None:
    """How the layers contradict each other, or None."""
    marked, content = evidence.watermark.take_ids, evidence.fingerprint
    certain = {evidence.released_take_id, evidence.credential.vouched_take_id} - {None}
    if len(certain) > 1 or (certain and marked and not certain & set(marked)):
        return "Contradictory: the layers name different takes."
    if evidence.released_take_id is not None:
        # These very bytes were released, whatever else resembles them or has been forgotten since.
        return None
    if any(evidence.is_copied(mark) for mark in evidence.watermark.marks):
        return _COPIED
    if certain:
        if evidence.watermark.marks and not marked:
            return "Contradictory: the mark is not the one of the take its credential names."
        if content.takes and not certain & content.take_ids:
            return "Contradictory: the content is that of other takes than its credential names."
        return None
    return _unfounded_mark(evidence)


def _unfounded_mark(evidence: Evidence) -> str | None:
    """Why a mark, with no credential beside it, does not convince; None where there is none or it does."""
    marks, content = evidence.watermark.marks, evidence.fingerprint
    known = [mark for mark in marks if mark.take_id is not None]
    unfounded = [mark for mark in known if not evidence.bears_out(mark)]
    if content.takes and (unfounded or (marks and not known)):
        return "Contradictory: the mark and the content name different takes."
    if marks and not known:
        return "Contradictory: a mark of this installation names no take known here; possibly a copied mark."
    if content.answered and unfounded:
        return "Contradictory: a mark is present, but the content is no known take; possibly a copied mark."
    return None
