"""Makes rows for tests through the platform's own services, with as little as each test needs.

What a take is proven with is made up here and fits the constraints; tests that need real proof publish the
`finished` take of conftest.py instead.
"""

import hashlib
import itertools
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from studio.accounts.models import User
from studio.credentials.models import Credential, GateReport, WatermarkRecord
from studio.handouts.models import Copy, Pair
from studio.ids import uuid7
from studio.productions.models import Production, Sequence, Shot
from studio.productions.services import create_production, create_shot, get_or_create_sequence
from studio.references.models import Bank, BankShare, Ingest, IngestFile, Match, Work, WorkFile
from studio.references.services import get_or_create_bank
from studio.runs.models import Run
from studio.takes.models import Rendition, Take
from studio.takes.services import add_master, add_take, publish_rendition
from studio.tenancy.models import Role, Studio
from studio.tenancy.services import add_member

_numbers = itertools.count(1)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_deferred_constraints() -> None:
    """Do now what a commit would do: let the deferred constraints speak."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def make_studio(slug: str = "north", *, pk: UUID | None = None) -> Studio:
    return Studio.objects.create(id=pk or uuid7(), name=f"{slug.title()} Pictures", slug=slug)


def make_person(
    studio: Studio | None = None,
    role: Role = Role.ARTIST,
    *,
    name: str = "Ada Artist",
    is_active: bool = True,
) -> User:
    """Somebody without a password, which is quick; a member of `studio` if one is given."""
    user = User.objects.create_user(f"person{next(_numbers)}@mail.example", name=name, is_active=is_active)
    if studio is not None:
        add_member(studio, user, role)
    return user


def make_production(
    studio: Studio,
    code: str = "first-light",
    *,
    raster: tuple[int, int] = (512, 288),
    fps: Fraction = Fraction(24),
) -> Production:
    return create_production(studio, code, "First Light", raster=raster, fps=fps)


def make_sequence(studio: Studio, code: str = "SEQ010") -> Sequence:
    production = Production.objects.filter(studio=studio).first() or make_production(studio)
    return get_or_create_sequence(production, code)


def make_shot(studio: Studio, **fields: Any) -> Shot:
    return create_shot(make_sequence(studio), **{"description": "A red car at dusk", **fields})


def make_run(shot: Shot, actor: User, **fields: Any) -> Run:
    values = {
        "model": "draft",
        "prompt": "a red car at dusk",
        "seed": 7,
        "width": 512,
        "height": 288,
        "fps_numerator": 24,
        "duration_frames": 48,
    }
    return Run.objects.create(shot=shot, requested_by=actor, **{**values, **fields})


def make_take(shot: Shot, actor: User, **fields: Any) -> Take:
    """A take without a file: the row alone."""
    take_id = uuid7()
    values: dict[str, Any] = {
        "take_id": take_id,
        "mark_id": take_id.int & (1 << 64) - 1,
        "state": Take.State.RELEASED,
        "recipe": {"model": "draft", "prompt": "a red car at dusk"},
        "created_by_id": actor.pk,
        "created_at": timezone.now(),
    }
    return add_take(shot.pk, **{**values, **fields})


def make_rendition(take: Take, **fields: Any) -> Rendition:
    """The take's master, not published and not proven."""
    sha256 = digest(f"file of {take.pk}")
    values: dict[str, Any] = {
        "sha256": sha256,
        "storage_name": f"{sha256}.mp4",
        "size_bytes": 1000,
        "size": (512, 288),
        "fps": Fraction(24),
        "duration_frames": 48,
    }
    return add_master(take, **{**values, **fields})


def add_credential(rendition: Rendition, **fields: Any) -> Credential:
    values: dict[str, Any] = {
        "manifest_id": f"urn:c2pa:{uuid7()}",
        "manifest": b"manifest",
        "file_sha256": rendition.sha256,
        "signer_serial": "1",
        "salt": b"salt",
        "signed_at": timezone.now(),
    }
    return Credential.objects.create(rendition=rendition, **{**values, **fields})


def add_watermark_record(rendition: Rendition, **fields: Any) -> WatermarkRecord:
    values: dict[str, Any] = {
        "algorithm": "tilemark/1",
        "key_id": "key",
        "payload": bytes(9),
        "z": 20.0,
        "p_false_positive": 1e-80,
    }
    return WatermarkRecord.objects.create(rendition=rendition, **{**values, **fields})


def add_gate_report(rendition: Rendition, **fields: Any) -> GateReport:
    values: dict[str, Any] = {
        "passed": True,
        "file_sha256": rendition.sha256,
        "layers": {},
        "checked_at": timezone.now(),
    }
    return GateReport.objects.create(rendition=rendition, **{**values, **fields})


def make_published_take(shot: Shot, actor: User, **fields: Any) -> Take:
    """A take whose master is published, with all three proofs beside it."""
    take = make_take(shot, actor, **fields)
    rendition = make_rendition(take)
    add_credential(rendition)
    add_watermark_record(rendition)
    add_gate_report(rendition)
    publish_rendition(rendition)
    return take


def hand_out(take: Take, recipient: str = "Festival") -> Copy:
    """A copy for a recipient, and the pair it was put together from."""
    sha256 = digest(f"copy of {take.pk} for {recipient}")
    Pair.objects.get_or_create(
        take=take,
        defaults={
            "letters": 4,
            "first_storage_name": "a.mp4",
            "first_sha256": digest(f"a {take.pk}"),
            "second_storage_name": "b.mp4",
            "second_sha256": digest(f"b {take.pk}"),
        },
    )
    return Copy.objects.create(
        take=take,
        recipient=recipient,
        word="ABBA",
        sha256=sha256,
        storage_name=f"{sha256}.mp4",
        size_bytes=1000,
        manifest_id=f"urn:c2pa:{uuid7()}",
        manifest=b"manifest",
        signed_sha256=sha256,
        signer_serial="1",
        checked_sha256=sha256,
        p_false_positive=1e-30,
        p_chance=1e-8,
        made_at=timezone.now(),
    )


def make_work(bank: Bank, title: str = "Old film") -> Work:
    return Work.objects.create(
        bank=bank,
        title=title,
        sha256=digest(f"{bank.pk} {title}"),
        duration_seconds=10.0,
        width=640,
        height=360,
    )


def make_work_file(work: Work, kind: str = WorkFile.Kind.POSTER) -> WorkFile:
    """A row without a file."""
    sha256 = digest(f"{kind} of {work.pk}")
    return WorkFile.objects.create(
        work=work,
        kind=kind,
        sha256=sha256,
        storage_name=f"references/files/{sha256}",
        content_type="image/jpeg",
        size_bytes=1000,
        width=640,
        height=360,
    )


def make_match(take: Take, work: Work, **fields: Any) -> Match:
    """A row without what it follows from: it cannot be worked out again."""
    values: dict[str, Any] = {
        "take_start_s": 0.0,
        "take_end_s": 1.0,
        "work_start_s": 0.0,
        "work_end_s": 1.0,
        "speed": 1.0,
        "hits": 4,
        "mean_distance": 3.0,
    }
    return Match.objects.create(take=take, work=work, **{**values, **fields})


def furnish(studio: Studio, actor: User) -> None:
    """At least one row of every kind that belongs to a studio."""
    shot = make_shot(studio)
    make_run(shot, actor)
    take = make_published_take(shot, actor)
    hand_out(take)
    bank = get_or_create_bank(studio, "Films")
    work = make_work(bank)
    make_match(take, work)
    make_work_file(work)
    ingest = Ingest.objects.create(bank=bank, source=Ingest.Source.COMMAND)
    IngestFile.objects.create(ingest=ingest, position=0, name="film.mp4")
    BankShare.objects.create(bank=bank, studio=make_studio(f"reads-{studio.slug}"))
