"""Takes a work out of the search that suddenly matches everything, before reviewers drown in it."""

from django.db.models import Count

from studio.references.models import Match, Work
from studio.references.standing import quarantine_work
from studio.takes.models import Take

# Of the latest takes of a studio; takes of one shot may well all show the same work.
LATEST_TAKES = 40
FLOODING_TAKES = 12
FLOODING_SHOTS = 5


def quarantine_if_flooding(work: Work) -> bool:
    """Quarantine `work` when it matches 12 of the 40 latest takes that could show it, of 5 shots or more."""
    if not work.is_searched:
        return False
    studios = [work.bank.studio_id, *work.bank.shares.values_list("studio_id", flat=True)]
    latest = Take.objects.filter(shot__sequence__production__studio__in=studios).order_by(
        "-created_at", "-pk"
    )
    matched = Match.objects.filter(work=work, take__in=latest.values("pk")[:LATEST_TAKES])
    counted = matched.aggregate(takes=Count("take", distinct=True), shots=Count("take__shot", distinct=True))
    if counted["takes"] < FLOODING_TAKES or counted["shots"] < FLOODING_SHOTS:
        return False
    quarantine_work(
        work,
        f"It matched {counted['takes']} of the latest {LATEST_TAKES} takes, of {counted['shots']} different shots. "
        "Look at it before it is searched again.",
    )
    return True
