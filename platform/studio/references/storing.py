"""Writes the fingerprint of a clip into the database, and reads it back unchanged."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.db import connection, transaction

from provenance.fingerprint.contents import (
    PDQ_BYTES,
    ClipFingerprint,
    FrameFingerprint,
    SoundTrack,
    Track,
)
from provenance.fingerprint.contents import Keyframe as KeyframeContents
from provenance.fingerprint.sound.codes import reference_keys
from studio.references.fields import bits_of
from studio.references.models import Algorithm, ClipTrack, Fingerprint, Keyframe, SoundPrint, Work
from studio.takes.models import Take

Owner = dict[str, Any]

# What hashes are kept under that do not say how they were made.
UNKNOWN_ALGORITHM = ("pdq-256",)
ROWS_AT_ONCE = 200

# In the order of FrameFingerprint's fields.
FRAME_COLUMNS = ("frame_index", "time_s", "pdq", "phash", "quality", "duration_s", "is_shot_start")
COPY_FRAMES = """
COPY references_fingerprint
    (work_id, take_id, frame_index, time_s, duration_s, quality, is_shot_start, algorithm_id, pdq, phash)
FROM STDIN
"""


def store_fingerprints(clip: ClipFingerprint, *, work: Work | None = None, take: Take | None = None) -> None:
    """Keep everything extracted from the file of one work or one take, in the caller's transaction if there is one.

    What only queries have, mirrored hashes, is not kept: see `provenance.fingerprint.keyframes.as_reference`. Raises
    IntegrityError where it is given neither or both, or where the clip is kept already.
    """
    _store([({"work": work, "take": take}, clip)])


def store_works(clips: Sequence[tuple[Work, ClipFingerprint]]) -> None:
    """Keep the fingerprints of many works in few statements. Raises IntegrityError where one is kept already."""
    _store([({"work": work, "take": None}, clip) for work, clip in clips])


@transaction.atomic
def _store(clips: Sequence[tuple[Owner, ClipFingerprint]]) -> None:
    algorithms = {names: _algorithm(names) for names in {clip.algorithms for _, clip in clips}}
    owned = [({**owner, "algorithm": algorithms[clip.algorithms]}, clip) for owner, clip in clips]
    # Tracks come first: they are unique, and so refuse a second fingerprint of the same thing.
    ClipTrack.objects.bulk_create((_track_row(*one) for one in owned), batch_size=ROWS_AT_ONCE)
    with connection.cursor() as cursor, cursor.copy(COPY_FRAMES) as copy:
        for owner, clip in owned:
            for row in _frame_rows(owner, clip.frames):
                copy.write_row(row)
    keyframes = (_keyframe_row(keyframe, owner) for owner, clip in owned for keyframe in clip.keyframes)
    Keyframe.objects.bulk_create(keyframes, batch_size=ROWS_AT_ONCE)
    sounds = (_sound_row(owner, clip.sound) for owner, clip in owned if clip.sound is not None)
    SoundPrint.objects.bulk_create(sounds, batch_size=ROWS_AT_ONCE)


def _algorithm(names: tuple[str, ...]) -> Algorithm:
    algorithm, _ = Algorithm.objects.get_or_create(names=list(names or UNKNOWN_ALGORITHM))
    return algorithm


def load_fingerprint(*, work: Work | None = None, take: Take | None = None) -> ClipFingerprint | None:
    """What `store_fingerprints` kept of a work or take; None where nothing was kept."""
    owner: dict[str, Any] = {"work": work} if work is not None else {"take": take}
    track = ClipTrack.objects.select_related("algorithm").filter(**owner).first()
    if track is None:
        return None
    sound = SoundPrint.objects.filter(**owner).first()
    frames = Fingerprint.objects.filter(**owner).order_by("pk")
    keyframes = Keyframe.objects.filter(**owner).order_by("pk")
    return ClipFingerprint(
        algorithms=tuple(track.algorithm.names),
        duration_s=track.duration_s,
        frames=tuple(FrameFingerprint(*row) for row in frames.values_list(*FRAME_COLUMNS)),
        keyframes=tuple(keyframe_of(row) for row in keyframes),
        track=track_of(track),
        sound=None
        if sound is None
        else SoundTrack(
            sound.start_s, sound.interval_s, np.frombuffer(bytes(sound.codes), "<u4").astype(np.uint32)
        ),
    )


def track_of(row: ClipTrack) -> Track:
    """The track that a row keeps."""
    return Track(
        times_s=np.frombuffer(bytes(row.times), "<f8").astype(np.float64),
        hashes=np.frombuffer(bytes(row.hashes), np.uint8).reshape(-1, PDQ_BYTES).copy(),
        qualities=np.frombuffer(bytes(row.qualities), np.uint8).copy(),
    )


def forget_fingerprint(*, work: Work | None = None, take: Take | None = None) -> None:
    """Remove what was kept of a work or take, so that another fingerprint of it can be kept."""
    owner: dict[str, Any] = {"work": work} if work is not None else {"take": take}
    for kind in (Fingerprint, Keyframe, ClipTrack, SoundPrint):
        kind.objects.filter(**owner).delete()


def _frame_rows(owner: Owner, frames: Sequence[FrameFingerprint]) -> Iterator[tuple[Any, ...]]:
    """The rows of COPY_FRAMES."""
    work, take = owner["work"], owner["take"]
    ids = (work and work.pk, take and take.pk)
    for frame in frames:
        yield (
            *ids,
            frame.frame_index,
            frame.time_s,
            frame.duration_s,
            frame.quality,
            frame.is_shot_start,
            owner["algorithm"].pk,
            bits_of(frame.pdq),
            bits_of(frame.phash),
        )


def _track_row(owner: Owner, clip: ClipFingerprint) -> ClipTrack:
    return ClipTrack(
        **owner,
        duration_s=clip.duration_s,
        times=np.ascontiguousarray(clip.track.times_s, "<f8").tobytes(),
        hashes=np.ascontiguousarray(clip.track.hashes, np.uint8).tobytes(),
        qualities=np.ascontiguousarray(clip.track.qualities, np.uint8).tobytes(),
    )


def _sound_row(owner: Owner, sound: SoundTrack) -> SoundPrint:
    return SoundPrint(
        **owner,
        start_s=sound.start_s,
        interval_s=sound.interval_s,
        codes=np.ascontiguousarray(sound.codes, "<u4").tobytes(),
        search_keys=reference_keys(sound.codes),
    )


def _keyframe_row(keyframe: KeyframeContents, owner: Owner) -> Keyframe:
    return Keyframe(
        **owner,
        frame_index=keyframe.frame_index,
        time_s=keyframe.time_s,
        width=keyframe.width,
        height=keyframe.height,
        is_mirrored=keyframe.is_mirrored,
        points=np.ascontiguousarray(keyframe.points, "<u2").tobytes(),
        descriptors=np.ascontiguousarray(keyframe.descriptors, np.uint8).tobytes(),
        preview=keyframe.preview,
    )


def keyframe_of(row: Keyframe) -> KeyframeContents:
    """The key frame that a row keeps."""
    return KeyframeContents(
        frame_index=row.frame_index,
        time_s=row.time_s,
        width=row.width,
        height=row.height,
        points=np.frombuffer(bytes(row.points), "<u2").astype(np.uint16).reshape(-1, 2),
        descriptors=np.frombuffer(bytes(row.descriptors), np.uint8).reshape(-1, 32).copy(),
        preview=bytes(row.preview),
        is_mirrored=row.is_mirrored,
    )
