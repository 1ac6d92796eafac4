"""Looks a rendered take up in the studio's banks before it is signed, and keeps its fingerprints."""

from studio.ledger.services import record
from studio.references.models import Match
from studio.references.search import find_works
from studio.references.services import store_fingerprints
from studio.runs.steps import Draft, step
from studio.takes.models import Rendition, Take


@step("matching")
def match(draft: Draft) -> None:
    """A take that shows a stretch of a reference work goes to review instead of being released."""
    frames = draft.rendered.fingerprints
    found = find_works(frames, [draft.studio.pk])
    if found:
        draft.state = Take.State.IN_REVIEW

    def write(take: Take, _rendition: Rendition) -> None:
        store_fingerprints(frames, take=take)
        for one in found:
            for segment in one.segments:
                row = Match.objects.create(
                    take=take,
                    work_id=one.subject_id,
                    take_start_s=segment.query_start_s,
                    take_end_s=segment.query_end_s,
                    work_start_s=segment.reference_start_s,
                    work_end_s=segment.reference_end_s,
                    speed=segment.speed,
                    hits=segment.hits,
                    mean_distance=segment.mean_distance,
                )
                record(
                    "match.found",
                    subject=row,
                    studio=draft.studio,
                    take_id=str(take.pk),
                    work_id=str(one.subject_id),
                )

    draft.records.append(write)
