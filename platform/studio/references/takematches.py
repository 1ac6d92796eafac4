"""Gathers what a take's page says of its matches with works, as far as the person who asks may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from studio.references.matchlanes import match_lanes
from studio.references.matchwords import (
    Box,
    name_of,
    proofs,
    segment_words,
    sentences,
    sureness,
    take_box,
    threshold_words,
    work_box,
)
from studio.references.models import Bank, Match, Work, WorkFile
from studio.takes.models import Rendition, Take

# A list of more is folded away: the lanes tell first.
LISTED_OPENLY = 8
UNSHARED = "A work that is no longer shared with you"


@dataclass(frozen=True)
class Checked:
    """How many works of how many banks a take was compared with, and how many wait to be."""

    works: int
    banks: int
    waiting: int


def matches_of(take: Take, actor: Any) -> list[Match]:
    """The take's matches that `actor` may see, with `name`, and `may_open`: whether the work may be seen too."""
    matches = list(
        Match.objects.visible_to(actor)
        .filter(take=take)
        .exclude(outcome=Match.Outcome.CLEAR)
        .select_related("work__bank")
        .order_by("take_start_s", "pk")
    )
    open_to = _visible_works(matches, actor)
    for match in matches:
        _name(match, may_open=match.work_id in open_to)
    return matches


def take_matches(take: Take, actor: Any, *, duration_s: float, chosen: str = "") -> dict[str, Any]:
    """The context of the lanes under a take's player; `chosen` is the identity of the match to open, if any."""
    matches = matches_of(take, actor)
    for match in matches:
        match.words = segment_words(match, match.name, duration_s)
    opened = next((one for one in matches if str(one.pk) == chosen), None)
    context: dict[str, Any] = {
        "matches": matches,
        "match_lanes": match_lanes(matches, duration_s),
        "is_listed_openly": len(matches) <= LISTED_OPENLY,
        "standing": standing_words(take, matches),
    }
    if not matches:
        context["checked"] = checked_against(take)
    if opened is not None:
        context |= match_context(opened, actor)
    return context


def shown_matches_of(work: Work, actor: Any) -> QuerySet[Match]:
    """The work's matches with takes that `actor` may see, each with the take's file to show, if it has one."""
    masters = Rendition.objects.servable().filter(take=OuterRef("take"), kind=Rendition.Kind.MASTER)
    return (
        Match.objects.visible_to(actor)
        .filter(work=work)
        .exclude(outcome=Match.Outcome.CLEAR)
        .select_related("take__shot")
        .annotate(rendition_id=Subquery(masters.values("pk")[:1]))
    )


def match_context(match: Match, actor: Any) -> dict[str, Any]:
    """What is shown of one match: the take and the work side by side, and how sure it is. The take is loaded."""
    may_open = match.work_id in _visible_works([match], actor)
    _name(match, may_open=may_open)
    files = {}
    if may_open:
        files = {one.kind: one for one in WorkFile.objects.filter(work_id=match.work_id)}
    proxy, poster = files.get(WorkFile.Kind.PROXY), files.get(WorkFile.Kind.POSTER)
    rendition = match.take.renditions.filter(kind=Rendition.Kind.MASTER, published_at__isnull=False).first()
    return {
        "match": match,
        "take": match.take,
        "match_rendition": rendition,
        "proxy": proxy,
        "poster": poster,
        "take_box": _on_picture(take_box(match), rendition),
        "work_box": _on_picture(work_box(match), proxy or poster),
        "sentences": sentences(match, match.name),
        "proofs": proofs(match),
        "sureness": sureness(match),
        "threshold_words": threshold_words(match.thresholds),
    }


def standing_words(take: Take, matches: Sequence[Match]) -> str:
    """Why a take was blocked or waits for review, and who decides; empty where there is nothing to say."""
    later = [one for one in matches if one.is_retroactive]
    if take.state == Take.State.RELEASED:
        if not later:
            return ""
        return (
            "Released before this was found: it matches works that were added later, and copies may have left the "
            "house. A supervisor or a production manager decides what follows."
        )
    is_blocked = take.state == Take.State.BLOCKED
    outcome = Match.Outcome.BLOCK if is_blocked else Match.Outcome.REVIEW
    count = sum(one.outcome == outcome for one in matches)
    what = "one stretch of it matches a reference work"
    if count != 1:
        what = f"{count or 'some'} stretches of it match reference works"
    why = " more surely than the bank lets pass" if is_blocked else ", and a person has to look at that"
    return f"{take.get_state_display()}: {what}{why}. A supervisor or a production manager decides."


def checked_against(take: Take) -> Checked:
    """What the take was compared with: works there were when it was made, and works looked for in it since."""
    studio_id = take.shot.production.studio_id
    protected = Work.objects.searchable().filter(bank__kind=Bank.Kind.PROTECTED)
    own = protected.filter(bank__studio_id=studio_id)
    done = Q(created_at__lte=take.created_at) | Q(compared_at__isnull=False)
    shared = protected.filter(bank__shares__studio_id=studio_id).annotate(
        shared_at=F("bank__shares__created_at")
    )
    shared_done = Q(created_at__lte=take.created_at, shared_at__lte=take.created_at) | Q(
        compared_at__gte=F("shared_at")
    )
    compared = [
        queryset.aggregate(works=Count("pk", distinct=True), banks=Count("bank", distinct=True))
        for queryset in (own.filter(done), shared.filter(shared_done))
    ]
    return Checked(
        works=sum(one["works"] for one in compared),
        banks=sum(one["banks"] for one in compared),
        waiting=own.exclude(done).count(),
    )


def _visible_works(matches: Sequence[Match], actor: Any) -> set[Any]:
    wanted = {one.work_id for one in matches}
    return set(Work.objects.visible_to(actor).filter(pk__in=wanted).values_list("pk", flat=True))


def _name(match: Match, *, may_open: bool) -> None:
    match.may_open = may_open
    match.name = name_of(match) if may_open else UNSHARED


def _on_picture(box: Box | None, picture: Rendition | WorkFile | None) -> dict[str, float] | None:
    """The box in the picture's own units, to be drawn over it; None where either is missing."""
    if box is None or picture is None:
        return None
    across, down = picture.width / 1000.0, picture.height / 1000.0
    sides = {"x": box.x * across, "y": box.y * down, "width": box.width * across, "height": box.height * down}
    return {name: round(value, 1) for name, value in sides.items()}
