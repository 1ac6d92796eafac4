"""Says in sentences what each layer contributed to a verdict, and never more than it knows."""

from collections.abc import Iterator
from dataclasses import dataclass

from provenance.manifest.report import CredentialState
from provenance.verdict.evidence import CredentialEvidence, Evidence, MarkMatch, TimeRange

EXPIRED = "signingCredential.expired"
UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Reason:
    """One sentence and the layer it rests on: file, credential, watermark, sound or fingerprint."""

    layer: str
    sentence: str


def reasons_for(evidence: Evidence) -> tuple[Reason, ...]:
    """What every layer has to say, in a fixed order."""
    return (
        *(Reason("file", text) for text in _file(evidence)),
        *(Reason("credential", text) for text in _credential(evidence)),
        *(Reason("watermark", text) for text in _watermark(evidence)),
        *(Reason("sound", text) for text in _sound(evidence)),
        *(Reason("fingerprint", text) for text in _fingerprint(evidence)),
    )


def _file(evidence: Evidence) -> Iterator[str]:
    if evidence.unreadable is not None:
        yield evidence.unreadable
    if evidence.released_take_id is not None:
        yield f"The file is, byte for byte, a released file of {evidence.name_of(evidence.released_take_id)}."


def _credential(evidence: Evidence) -> Iterator[str]:
    found = evidence.credential
    take = evidence.name_of(found.take_id) if found.take_id is not None else None
    yield _state_sentence(found, take)
    if not found.history_intact:
        yield "An earlier version of the file, recorded in its credential, fails validation."
    if found.uncovered_bytes:
        yield f"{found.uncovered_bytes} bytes in padding boxes are not covered by any signature."


def _state_sentence(found: CredentialEvidence, take: str | None) -> str:
    signer = f"{found.signer!r}" if found.signer else "an unnamed signer"
    match found.state:
        case None:
            return "Credentials were not looked for."
        case CredentialState.ABSENT:
            return "The file carries no credential."
        case CredentialState.UNREADABLE:
            return "Whether the file carries a credential could not be determined."
        case CredentialState.TRUSTED:
            about = f"is the one issued for {take}" if take else "was not issued for any take known here"
            return f"A trusted credential signed by {signer} is intact; it {about}."
        case CredentialState.VALID_UNTRUSTED:
            return f"A credential is intact, but its signer {signer} is not on this trust list."
        case CredentialState.INVALID:
            return _invalid_sentence(found, take)


def _invalid_sentence(found: CredentialEvidence, take: str | None) -> str:
    if EXPIRED in found.failures and not set(found.failures) - {EXPIRED, UNTRUSTED}:
        return "The file is as it was signed, but the signer's certificate has since expired."
    about = f"The credential issued for {take}" if take else "A credential"
    return (
        f"{about} is present, but does not fit this file ({', '.join(found.failures) or 'no reason given'})."
    )


def _watermark(evidence: Evidence) -> Iterator[str]:
    found = evidence.watermark
    if not found.answered:
        yield "The picture could not be searched for an invisible mark."
        return
    for mark in found.marks:
        yield _mark_sentence(evidence, mark)
    if found.unread:
        yield "An invisible mark of this installation is in the picture, but what it says cannot be read."
    elif not found.marks:
        yield "No invisible mark of this installation was read from the picture."


def _sound(evidence: Evidence) -> Iterator[str]:
    for mark in evidence.sound.marks:
        name = "no take known here" if mark.take_id is None else evidence.name_of(mark.take_id)
        yield f"An inaudible mark in the sound names {name}."
    if evidence.sound.unread:
        yield "An inaudible mark of this installation is in the sound, but what it says cannot be read."


def _mark_sentence(evidence: Evidence, mark: MarkMatch) -> str:
    if mark.take_id is None:
        return "An invisible mark made with a key of this installation names no take known here."
    names = f"The invisible mark in the picture names {evidence.name_of(mark.take_id)}"
    if evidence.is_copied(mark):
        return f"{names}, but laid over that take the picture differs: the mark was possibly copied onto it."
    if mark.shows_take:
        return f"{names}, and laid over that take the picture agrees."
    return f"{names}."


def _fingerprint(evidence: Evidence) -> Iterator[str]:
    found = evidence.fingerprint
    if not found.answered:
        yield "The content could not be compared with known takes and works."
        return
    for take in found.takes:
        yield f"The content matches {evidence.name_of(take.take_id)}{_spans(take.ranges)}."
    if not found.takes:
        yield "The content matches no known take."
    for work in found.works:
        yield f"The content matches the reference work {work.title!r}{_spans(work.ranges)}."


def _spans(ranges: tuple[TimeRange, ...]) -> str:
    if not ranges:
        return ""
    spans = ", ".join(f"{r.query_start_s:.1f}-{r.query_end_s:.1f} s" for r in ranges)
    return f" at {spans}"
