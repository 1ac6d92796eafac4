"""Makes productions, sequences and shots; each change enters the ledger in the same transaction."""

from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Max

from studio.ledger.services import record
from studio.productions.models import MarkProfile, Production, Sequence, Shot
from studio.tenancy.models import Studio


@transaction.atomic
def create_production(
    studio: Studio,
    code: str,
    name: str,
    *,
    actor: Any = None,
    raster: tuple[int, int] = (1280, 720),
    fps: Fraction = Fraction(24),
    mark_profile: str = str(MarkProfile.CLEAN),
) -> Production:
    production = Production.objects.create(
        studio=studio,
        code=code,
        name=name,
        raster_width=raster[0],
        raster_height=raster[1],
        fps_numerator=fps.numerator,
        fps_denominator=fps.denominator,
        mark_profile=mark_profile,
    )
    record(
        "production.created",
        subject=production,
        studio=studio,
        actor=actor,
        code=code,
        raster=list(raster),
        fps=str(fps),
        mark_profile=str(mark_profile),
    )
    return production


@transaction.atomic
def set_mark_profile(production: Production, profile: str, *, actor: Any = None) -> Production:
    """Mark takes that are begun from now on with `profile`; takes there are keep the mark they have."""
    current = Production.objects.select_for_update().get(pk=production.pk)
    if current.mark_profile == profile:
        return current
    before, current.mark_profile = current.mark_profile, profile
    current.save(update_fields=["mark_profile"])
    record(
        "production.mark_profile_changed",
        subject=current,
        studio=current.studio,
        actor=actor,
        before=str(before),
        after=str(profile),
    )
    return current


@transaction.atomic
def get_or_create_sequence(
    production: Production, code: str, *, name: str = "", actor: Any = None
) -> Sequence:
    Production.objects.select_for_update().get(pk=production.pk)
    existing = Sequence.objects.filter(production=production, code=code).first()
    if existing:
        return existing
    last = production.sequences.aggregate(last=Max("position"))["last"] or 0
    sequence = Sequence.objects.create(production=production, code=code, name=name, position=last + 10)
    record(
        "sequence.created",
        subject=sequence,
        studio=production.studio,
        actor=actor,
        production_id=str(production.pk),
        code=code,
    )
    return sequence


def _free_code(sequence: Sequence, number: int) -> str:
    """The sequence's code with the first free number from `number` on, in steps of ten; at most 40 characters."""
    taken = set(sequence.shots.values_list("code", flat=True))
    while True:
        suffix = f"_{number:04d}"
        code = f"{sequence.code[: 40 - len(suffix)]}{suffix}"
        if code not in taken:
            return code
        number += 10


@transaction.atomic
def create_shot(
    sequence: Sequence,
    *,
    code: str | None = None,
    description: str = "",
    duration_seconds: float = 2.0,
    actor: Any = None,
) -> Shot:
    """A new shot at the end of `sequence`; without a code it gets the next free one in steps of ten."""
    Sequence.objects.select_for_update().get(pk=sequence.pk)
    last = sequence.shots.aggregate(last=Max("position"))["last"] or 0
    shot = Shot.objects.create(
        sequence=sequence,
        code=code or _free_code(sequence, last + 10),
        description=description,
        duration_seconds=duration_seconds,
        position=last + 10,
    )
    record(
        "shot.created",
        subject=shot,
        studio=sequence.production.studio,
        actor=actor,
        sequence_id=str(sequence.pk),
        code=shot.code,
    )
    return shot
