"""What a clip is searched among, works or takes, and what the database keeps of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from provenance.fingerprint import ClipFingerprint
from provenance.fingerprint import contents as kept_contents
from provenance.fingerprint.judging import Thresholds
from studio.references.models import ClipTrack, Fingerprint, Keyframe, SoundPrint, Work, WorkFile
from studio.references.sounds import sounds_of_takes, sounds_of_works
from studio.references.storing import FRAME_COLUMNS, keyframe_of, track_of
from studio.takes.models import Rendition, Take
from studio.takes.storage import stored_file


@dataclass(frozen=True)
class KeptFrame:
    """When a stored picture is shown, and by what."""

    subject_id: UUID
    time_s: float
    duration_s: float


@dataclass(frozen=True)
class KeptKeyframe:
    """A stored key frame and what it belongs to."""

    keyframe_id: int
    subject_id: UUID
    keyframe: kept_contents.Keyframe


@dataclass(frozen=True)
class Rule:
    """What a match with a work leads to."""

    thresholds: Thresholds
    is_common: bool


class Scope(Protocol):
    """Works or takes that may be found."""

    def frames(self, rows: NDArray[np.int64]) -> Mapping[int, KeptFrame]:
        """The stored pictures with these identities that belong to something in scope."""

    def keyframes(self, identities: Sequence[int]) -> Mapping[int, KeptKeyframe]:
        """The stored key frames with these identities that belong to something in scope."""

    def keyframes_of(self, subject_id: UUID) -> list[kept_contents.Keyframe]:
        """All key frames of one of them."""

    def track(self, subject_id: UUID) -> ClipFingerprint | None:
        """Length and track of one of them."""

    def file(self, subject_id: UUID) -> AbstractContextManager[Path | None]:
        """Its film for a second look; None inside the context where there is none."""

    def sounds(self) -> QuerySet[SoundPrint]:
        """The sounds in scope."""


class WorksScope:
    """The works that may be found in the banks that `studio_ids` own or may read."""

    def __init__(self, studio_ids: list[UUID]) -> None:
        self._studio_ids = studio_ids

    def works(self) -> QuerySet[Work]:
        """The works in scope."""
        return Work.objects.readable_in(self._studio_ids).searchable()

    def thresholds(self, work_ids: Iterable[UUID]) -> dict[UUID, Rule]:
        """The rules of each work's bank."""
        rows = Work.objects.filter(pk__in=list(work_ids)).values_list(
            "pk", "bank__review_at", "bank__block_at", "bank__kind"
        )
        return {
            work_id: Rule(Thresholds(review_at, block_at), kind == "common")
            for work_id, review_at, block_at, kind in rows
        }

    def frames(self, rows: NDArray[np.int64]) -> dict[int, KeptFrame]:
        """See `Scope`."""
        return _frames(rows, "work_id", self.works().values("pk"))

    def keyframes(self, identities: Sequence[int]) -> dict[int, KeptKeyframe]:
        """See `Scope`."""
        return _keyframes(identities, "work_id", self.works().values("pk"))

    def keyframes_of(self, subject_id: UUID) -> list[kept_contents.Keyframe]:
        """See `Scope`."""
        return list(map(keyframe_of, Keyframe.objects.filter(work_id=subject_id).order_by("time_s")))

    def track(self, subject_id: UUID) -> ClipFingerprint | None:
        """See `Scope`."""
        return _track(ClipTrack.objects.filter(work_id=subject_id))

    @contextmanager
    def file(self, subject_id: UUID) -> Iterator[Path | None]:
        """The proxy of the work."""
        proxy = WorkFile.objects.filter(work_id=subject_id, kind=WorkFile.Kind.PROXY).first()
        if proxy is None:
            yield None
            return
        with stored_file(proxy.storage_name) as path:
            yield path

    def sounds(self) -> QuerySet[SoundPrint]:
        """See `Scope`."""
        return sounds_of_works(self._studio_ids)


class TakesScope:
    """All takes of this installation, or of some studios."""

    def __init__(self, takes: "QuerySet[Take] | None" = None) -> None:
        self._takes = takes

    def frames(self, rows: NDArray[np.int64]) -> dict[int, KeptFrame]:
        """See `Scope`."""
        return _frames(rows, "take_id", self._allowed())

    def keyframes(self, identities: Sequence[int]) -> dict[int, KeptKeyframe]:
        """See `Scope`."""
        return _keyframes(identities, "take_id", self._allowed())

    def keyframes_of(self, subject_id: UUID) -> list[kept_contents.Keyframe]:
        """See `Scope`."""
        return list(map(keyframe_of, Keyframe.objects.filter(take_id=subject_id).order_by("time_s")))

    def track(self, subject_id: UUID) -> ClipFingerprint | None:
        """See `Scope`."""
        return _track(ClipTrack.objects.filter(take_id=subject_id))

    @contextmanager
    def file(self, subject_id: UUID) -> Iterator[Path | None]:
        """The master of the take."""
        master = Rendition.objects.filter(take_id=subject_id, kind=Rendition.Kind.MASTER).first()
        if master is None:
            yield None
            return
        with stored_file(master.storage_name) as path:
            yield path

    def sounds(self) -> QuerySet[SoundPrint]:
        """See `Scope`."""
        sounds = sounds_of_takes()
        return sounds if self._takes is None else sounds.filter(take__in=self._takes.values("pk"))

    def _allowed(self) -> QuerySet[Take] | None:
        return None if self._takes is None else self._takes.values("pk")


def _frames(rows: NDArray[np.int64], owner: str, allowed: QuerySet | None) -> dict[int, KeptFrame]:
    kept = Fingerprint.objects.filter(pk__in=rows.tolist(), **_of(owner, allowed))
    values = kept.values_list("pk", owner, "time_s", "duration_s")
    return {key: KeptFrame(subject_id, time_s, span_s) for key, subject_id, time_s, span_s in values}


def _keyframes(identities: Sequence[int], owner: str, allowed: QuerySet | None) -> dict[int, KeptKeyframe]:
    kept = Keyframe.objects.filter(pk__in=list(identities), is_mirrored=False, **_of(owner, allowed))
    return {row.pk: KeptKeyframe(row.pk, getattr(row, owner), keyframe_of(row)) for row in kept}


def _of(owner: str, allowed: QuerySet | None) -> dict[str, object]:
    return {f"{owner}__isnull": False} if allowed is None else {f"{owner}__in": allowed}


def _track(rows: QuerySet[ClipTrack]) -> ClipFingerprint | None:
    row = rows.first()
    if row is None:
        return None
    clip = ClipFingerprint(duration_s=row.duration_s, track=track_of(row))
    if len(clip.track.times_s):
        return clip
    owner = {"work_id": row.work_id} if row.work_id else {"take_id": row.take_id}
    kept = Fingerprint.objects.filter(**owner).order_by("time_s", "pk").values_list(*FRAME_COLUMNS)
    return with_track(replace(clip, frames=tuple(kept_contents.FrameFingerprint(*values) for values in kept)))


def with_track(clip: ClipFingerprint) -> ClipFingerprint:
    """The clip, with a track of its sampled frames where it has no other: of imported works only these are known."""
    if len(clip.track.times_s) or not clip.frames:
        return clip
    frames = sorted(clip.frames, key=lambda frame: frame.time_s)
    hashes = np.frombuffer(b"".join(frame.pdq for frame in frames), np.uint8).reshape(
        -1, kept_contents.PDQ_BYTES
    )
    track = kept_contents.Track(
        times_s=np.array([frame.time_s for frame in frames]),
        hashes=hashes,
        qualities=np.array([frame.quality for frame in frames], np.uint8),
    )
    end_s = max(frame.time_s + frame.duration_s for frame in frames)
    return replace(clip, track=track, duration_s=max(clip.duration_s, end_s))
