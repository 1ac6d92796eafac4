"""What each layer found about a file, with takes already looked up in this installation."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from provenance.manifest.report import CredentialReport, CredentialState


@dataclass(frozen=True)
class TimeRange:
    """A stretch of the file and the stretch of the reference it shows, in seconds."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float

    @property
    def length_s(self) -> float:
        """How long the stretch is in the file."""
        return max(0.0, self.query_end_s - self.query_start_s)


@dataclass(frozen=True)
class TakeMatch:
    """Content of one of our takes, found by fingerprint."""

    take_id: str
    ranges: tuple[TimeRange, ...] = ()


@dataclass(frozen=True)
class WorkMatch:
    """Content of a reference work, found by fingerprint; it is reported and never decides."""

    title: str
    ranges: tuple[TimeRange, ...] = ()


@dataclass(frozen=True)
class CredentialEvidence:
    """The credential's state, None where it was not looked for, and our take whose manifest it is, if any."""

    state: CredentialState | None = None
    take_id: str | None = None
    history_intact: bool = True
    failures: tuple[str, ...] = ()
    signer: str | None = None
    uncovered_bytes: int = 0

    @classmethod
    def of(cls, report: CredentialReport | None, take_id: str | None) -> "CredentialEvidence":
        """The evidence in a report; `take_id` is what this installation knows its manifest as."""
        if report is None:
            return cls()
        return cls(
            state=report.state,
            take_id=take_id,
            history_intact=report.history_intact,
            failures=report.failures,
            signer=report.signer_organisation or report.signer_name,
            uncovered_bytes=report.uncovered_bytes,
        )

    @property
    def answered(self) -> bool:
        """Whether the layer could say anything."""
        return self.state not in (None, CredentialState.UNREADABLE)

    @property
    def vouched_take_id(self) -> str | None:
        """The take a trusted credential names; what any other credential says proves nothing."""
        return self.take_id if self.state is CredentialState.TRUSTED else None


@dataclass(frozen=True)
class MarkMatch:
    """A mark of ours that was read, and the take its payload names: None where we know of none.

    A mark can be copied from one clip onto another, so it only points. `shows_take` says what came of laying the
    file over that take: True where it shows the same, False where it does not, None where they were not compared.
    """

    take_id: str | None
    shows_take: bool | None = None


@dataclass(frozen=True)
class WatermarkEvidence:
    """The marks of ours that were read, the surest first.

    `unread` tells of a mark of ours that is certainly there, although what it says could not be read.
    """

    answered: bool = False
    marks: tuple[MarkMatch, ...] = ()
    unread: bool = False

    @property
    def take_ids(self) -> tuple[str, ...]:
        """The takes the marks name, each once, the surest first."""
        return tuple(dict.fromkeys(mark.take_id for mark in self.marks if mark.take_id is not None))


@dataclass(frozen=True)
class FingerprintEvidence:
    """Which of our takes and which reference works the content was found in."""

    answered: bool = False
    takes: tuple[TakeMatch, ...] = ()
    works: tuple[WorkMatch, ...] = ()

    @property
    def take_ids(self) -> frozenset[str]:
        """The takes that match."""
        return frozenset(match.take_id for match in self.takes)

    def longest_of(self, take_ids: Collection[str]) -> str | None:
        """The take among `take_ids` that most of the file shows, or None where it shows none of them."""
        ours = [match for match in self.takes if match.take_id in take_ids]
        return FingerprintEvidence(self.answered, tuple(ours)).longest_take_id

    @property
    def longest_take_id(self) -> str | None:
        """The take that most of the file shows, the first of several that show it equally long."""
        if not self.takes:
            return None
        return max(self.takes, key=lambda match: sum(r.length_s for r in match.ranges)).take_id


@dataclass(frozen=True)
class Evidence:
    """All that is known about a file.

    `sound` tells of marks in the file's sound; they are reported and never decide, since sound is laid under other
    pictures every day. `released_take_id` is the take one of whose released renditions has exactly these bytes.
    `unreadable` says why the file could not be looked into at all. `take_names` gives takes the names people know
    them by.
    """

    credential: CredentialEvidence = field(default_factory=CredentialEvidence)
    watermark: WatermarkEvidence = field(default_factory=WatermarkEvidence)
    fingerprint: FingerprintEvidence = field(default_factory=FingerprintEvidence)
    released_take_id: str | None = None
    unreadable: str | None = None
    take_names: Mapping[str, str] = field(default_factory=dict)
    sound: WatermarkEvidence = field(default_factory=WatermarkEvidence)

    def bears_out(self, mark: MarkMatch) -> bool:
        """Whether the content is that of the take the mark names, by fingerprint or laid over it."""
        return mark.take_id is not None and (
            bool(mark.shows_take) or mark.take_id in self.fingerprint.take_ids
        )

    def is_copied(self, mark: MarkMatch) -> bool:
        """Whether the mark names a take that the file was compared with and does not show."""
        return mark.shows_take is False and not self.bears_out(mark)

    def name_of(self, take_id: str) -> str:
        """The name of a take, or its id where it has none."""
        return self.take_names.get(take_id, take_id)
