"""Gives the newest take of an installation a match with a work that has a real film; run inside that installation."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.utils import timezone

from provenance.fingerprint.judging import Thresholds, judge, shipped
from provenance.fingerprint.matching.segment import Box, Evidence, Segment
from provenance.media.proxy import make_proxy
from studio.references.files import keep_file
from studio.references.matching import keep_matches
from studio.references.models import Bank, Match, Work, WorkFile
from studio.references.search import Found
from studio.references.services import get_or_create_bank
from studio.takes.models import Take
from tests.studio import factories


def some_segment(start_s: float = 0.4, end_s: float = 1.4, **fields: Any) -> Segment:
    """A second of a take that shows 3.0 to 4.25 s of a work."""
    values: dict[str, Any] = {
        "reference_start_s": 3.0,
        "reference_end_s": 3.0 + 1.25 * (end_s - start_s),
        "speed": 1.25,
        "method": "frames",
        "frames": 24,
        "mean_distance": 24.0,
        "motion": 0.83,
        "score": 0.0,
        "evidence": tuple(
            Evidence(
                start_s + share * (end_s - start_s), 3.0 + 1.25 * share * (end_s - start_s), 18.0 + 40 * share
            )
            for share in (0.0, 0.25, 0.5, 0.75, 0.95)
        ),
    }
    return Segment(start_s, end_s, **{**values, **fields})


def add_match(
    take: Take, work: Work, segment: Segment, *, outcome: str = "", is_retroactive: bool = False
) -> Match:
    """The match as the search keeps it; with `outcome` it has that one, whatever the calibration says."""
    judgement = judge([segment], Thresholds(work.bank.review_at, work.bank.block_at), shipped())
    studio = take.shot.production.studio
    (match,) = keep_matches(take, [Found(work.pk, judgement)], studio, is_retroactive=is_retroactive)
    if outcome:
        Match.objects.filter(pk=match.pk).update(outcome=outcome)
        match.refresh_from_db()
    return match


def add_filmed_work(bank: Bank, title: str, film: Path) -> Work:
    """A work whose proxy and poster are made of `film`; it counts as compared with every take."""
    work = factories.make_work(bank, title)
    Work.objects.filter(pk=work.pk).update(compared_at=timezone.now())
    with tempfile.TemporaryDirectory() as folder:
        proxy, poster = Path(folder, "film.mp4"), Path(folder, "poster.jpg")
        made = make_proxy(film, proxy, poster, threads=1)
        for kind, path, size in (
            (WorkFile.Kind.PROXY, proxy, (made.width, made.height)),
            (WorkFile.Kind.POSTER, poster, (made.poster_width, made.poster_height)),
        ):
            size_bytes = path.stat().st_size
            name, sha256 = keep_file(path)
            WorkFile.objects.create(
                work=work,
                kind=kind,
                sha256=sha256,
                storage_name=name,
                content_type="video/mp4" if kind == WorkFile.Kind.PROXY else "image/jpeg",
                size_bytes=size_bytes,
                width=size[0],
                height=size[1],
                fps_numerator=made.fps.numerator,
                fps_denominator=made.fps.denominator,
                duration_frames=made.duration_frames,
                has_sound=made.has_sound,
            )
    return work


def furnish(film: str) -> None:
    """Print the newest take and its two new matches as JSON; the second is mirrored and in a part of the picture."""
    take = Take.objects.order_by("-created_at")[0]
    bank = get_or_create_bank(take.shot.production.studio, "Known films")
    work = add_filmed_work(bank, f"A cockatoo, seen in {take.shot.code}", Path(film))
    first = add_match(take, work, some_segment(), outcome="block")
    part = some_segment(
        0.2,
        0.9,
        method="features",
        is_mirrored=True,
        query_box=Box(0.5, 0.25, 1.0, 0.75),
        reference_box=Box(0.1, 0.0, 1.0, 1.0),
    )
    second = add_match(take, work, part, outcome="review", is_retroactive=True)
    json.dump({"take": str(take.pk), "first": str(first.pk), "second": str(second.pk)}, sys.stdout)
