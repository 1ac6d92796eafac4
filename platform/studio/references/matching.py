"""Keeps what takes share with reference works, and looks for works that come later in the takes made before."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from provenance.fingerprint.judging import Judgement, Outcome, Thresholds, judge, shipped
from provenance.fingerprint.judging.calibration import loaded
from provenance.fingerprint.matching.segment import Segment
from studio.ledger.services import record
from studio.references.flooding import quarantine_if_flooding
from studio.references.models import Match, Work
from studio.references.search import Found, find_among_takes
from studio.references.storing import load_fingerprint
from studio.references.subjects import TakesScope, WorksScope, with_track
from studio.takes.models import Take
from studio.tenancy.models import Studio

WORKS_AT_ONCE = 50
_STATES = {Outcome.REVIEW: Take.State.IN_REVIEW, Outcome.BLOCK: Take.State.BLOCKED}


def state_for(found: Sequence[Found]) -> str:
    """What becomes of a take with these matches."""
    outcomes = {one.judgement.outcome for one in found}
    worst = next((one for one in (Outcome.BLOCK, Outcome.REVIEW) if one in outcomes), None)
    return str(Take.State.RELEASED if worst is None else _STATES[worst])


@transaction.atomic
def keep_matches(
    take: Take, found: Sequence[Found], studio: Studio, *, is_retroactive: bool = False, actor: Any = None
) -> list[Match]:
    """Write the matches of one take, each with its ledger entry; a work that matches everything is quarantined."""
    kept = []
    works = Work.objects.in_bulk([one.subject_id for one in found])
    for one in found:
        work = works[one.subject_id]
        kept += [_keep(take, work, one.judgement, segment, is_retroactive) for segment in one.segments]
    for match in kept:
        record(
            "match.found",
            subject=match,
            studio=studio,
            actor=actor,
            take_id=str(take.pk),
            work_id=str(match.work_id),
            outcome=match.outcome,
            probability=f"{match.probability:.3g}",
        )
    for work in works.values():
        quarantine_if_flooding(work)
    return kept


def replayed(match: Match) -> Judgement:
    """The judgement of the match's segment anew, from what was kept with it."""
    segment = Segment.from_dict(match.segment)
    return judge([segment], Thresholds(**match.thresholds), loaded(match.calibration))


def compare_new_works(limit: int = WORKS_AT_ONCE) -> int:
    """Look for the works that came since last time in the takes made before them; how many works that were.

    A work is done once its row says so: a process that dies in the middle leaves it to the next one.
    """
    new = Work.objects.searchable().filter(compared_at__isnull=True).select_related("bank")
    works = list(new.order_by("created_at", "pk")[:limit])
    for work in works:
        match_takes_made_before(work)
        Work.objects.filter(pk=work.pk).update(compared_at=timezone.now())
    return len(works)


def match_takes_made_before(work: Work) -> int:
    """Look for a work in the takes already made by the studios that search its bank; how many takes show it.

    Released takes stay released: they may have left the house. People are told by the match and the ledger.
    """
    clip = load_fingerprint(work=work)
    if clip is None or work.bank.is_common or not work.is_searched:
        return 0
    studios = {work.bank.studio_id, *work.bank.shares.values_list("studio_id", flat=True)}
    takes = Take.objects.filter(shot__sequence__production__studio__in=studios).exclude(matches__work=work)
    thresholds = Thresholds(work.bank.review_at, work.bank.block_at)
    with WorksScope([work.bank.studio_id]).file(work.pk) as path:
        found = find_among_takes(with_track(clip), TakesScope(takes), thresholds, path=path)
    for one in found:
        take = Take.objects.select_related("shot__sequence__production__studio").get(pk=one.subject_id)
        judgement = judge([turned_round(segment) for segment in one.segments], thresholds, shipped())
        studio = take.shot.production.studio
        keep_matches(take, [Found(work.pk, judgement)], studio, is_retroactive=True)
    return len(found)


def turned_round(segment: Segment) -> Segment:
    """The segment seen from the other side: query and reference change places."""
    return replace(
        segment,
        query_start_s=segment.reference_start_s,
        query_end_s=segment.reference_end_s,
        reference_start_s=segment.query_start_s,
        reference_end_s=segment.query_end_s,
        speed=1.0 / segment.speed,
        query_box=segment.reference_box,
        reference_box=segment.query_box,
        evidence=tuple(
            replace(one, query_time_s=one.reference_time_s, reference_time_s=one.query_time_s)
            for one in segment.evidence
        ),
    )


def _keep(take: Take, work: Work, judgement: Judgement, segment: Segment, is_retroactive: bool) -> Match:
    alone = judge([segment], judgement.thresholds, judgement.calibration)
    return Match.objects.create(
        take=take,
        work=work,
        take_start_s=segment.query_start_s,
        take_end_s=segment.query_end_s,
        work_start_s=segment.reference_start_s,
        work_end_s=segment.reference_end_s,
        speed=segment.speed,
        hits=segment.frames,
        mean_distance=segment.mean_distance,
        method=segment.method,
        is_mirrored=segment.is_mirrored,
        probability=alone.probability,
        outcome=str(alone.outcome),
        segment=alone.segments[0].as_dict(),
        thresholds=asdict(judgement.thresholds),
        calibration=judgement.calibration.as_dict(),
        is_retroactive=is_retroactive,
    )
