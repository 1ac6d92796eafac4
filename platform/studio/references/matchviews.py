"""Shows one match of a take beside the work it matches, and works its judgement out again on demand."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from provenance.errors import ProvenanceError
from studio.pages import SeeOther, signed_in, visible_or_404
from studio.references.matching import replayed
from studio.references.models import Match
from studio.references.takematches import match_context


@signed_in
@require_safe
def match_page(request: HttpRequest, match_id: UUID) -> HttpResponseBase:
    """What a take's page swaps in when a segment is chosen; by itself, the way to that page with the segment open."""
    match = _visible_match(request, match_id)
    if not getattr(request, "htmx", False):
        return _on_take_page(match)
    return render(request, "references/match.html", match_context(match, request.user))


@signed_in
@require_safe
def match_replay(request: HttpRequest, match_id: UUID) -> HttpResponseBase:
    """Judges the segment anew from what was kept with it, and says whether that gives the same."""
    match = _visible_match(request, match_id)
    if not getattr(request, "htmx", False):
        return _on_take_page(match)
    return render(request, "references/_replayed.html", {"match": match, "replay": _replay(match)})


def _visible_match(request: HttpRequest, match_id: UUID) -> Match:
    matches = Match.objects.select_related("take__shot", "work__bank")
    match: Match = visible_or_404(matches, request.user, match_id)
    return match


def _on_take_page(match: Match) -> SeeOther:
    return SeeOther(f"{reverse('take', args=[match.take_id])}?match={match.pk}")


def _replay(match: Match) -> dict[str, object]:
    """The judgement anew beside the kept one; without `judgement` where too little was kept to judge."""
    try:
        judgement = replayed(match)
    except (KeyError, TypeError, ValueError, ProvenanceError):
        # What an older version kept lacks fields, or has others; the kept outcome still stands.
        return {}
    same = (
        judgement.outcome == match.outcome,
        judgement.probability == match.probability,
        judgement.segments[0].as_dict() == match.segment,
    )
    return {
        "judgement": judgement,
        "is_same": all(same),
        "outcome": Match.Outcome(str(judgement.outcome)).label,
    }
