"""What the tests know about the one real take of a session, and how it and its copies are made."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from provenance.media import VideoWriter, read_frames
from studio.accounts.models import User
from studio.ids import uuid7
from studio.productions.models import Shot
from studio.references.steps import match
from studio.runs.attempts import claim_run
from studio.runs.execution import publish
from studio.runs.models import Run
from studio.runs.rendering import RenderJob, RenderResult
from studio.runs.steps import Draft
from studio.takes.models import Take
from studio.takes.storage import sha256_of, store
from studio.tenancy.models import Studio
from studio.tenancy.secrets import watermark_key_id, watermark_secret
from tests.studio import factories

# The mark's key follows from the studio's id, so the studio of the rendered take always has this one.
HOUSE_ID = UUID("01234567-89ab-7def-8123-456789abcdef")
PROMPT = "a red car on a street at dusk, camera pans right"
MARK_ID = 0x5EED_CAFE_0BAD_F00D


@dataclass(frozen=True)
class Rendered:
    """What the child made: a marked file without a credential."""

    job: RenderJob
    result: RenderResult
    path: Path


@dataclass(frozen=True)
class PublishedTake:
    """The finished take as rows, with the people and places that must stay private."""

    studio: Studio
    artist: User
    shot: Shot
    take: Take
    path: Path


def make_job(output: Path, **fields: object) -> RenderJob:
    house = Studio(id=HOUSE_ID)
    values: dict[str, object] = {
        "prompt": PROMPT,
        "negative_prompt": "",
        "duration_frames": 48,
        "fps": "24/1",
        "width": 512,
        "height": 288,
        "seed": 7,
        "output": str(output),
        "watermark_key_id": watermark_key_id(house),
        "watermark_secret_hex": watermark_secret(house).hex(),
        "mark_id": MARK_ID,
    }
    return RenderJob(**{**values, **fields})


def draft_of(rendered: Rendered, directory: Path) -> Draft:
    """A draft around the rendered file; its rows are not saved, and a test may replace them."""
    job = rendered.job
    run = Run(
        prompt=job.prompt,
        seed=job.seed,
        width=job.width,
        height=job.height,
        fps_numerator=Fraction(job.fps).numerator,
        duration_frames=job.duration_frames,
    )
    return Draft(
        run=run,
        studio=Studio(id=HOUSE_ID),
        directory=directory,
        path=rendered.path,
        take_id=uuid7(),
        mark_id=job.mark_id,
        created_at=timezone.now(),
        rendered=rendered.result,
        timings=dict(rendered.result.timings),
    )


def publish_again(finished: Draft, run: Run, studio: Studio) -> Take:
    """The finished draft, published by an attempt on this run."""
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    own = replace(finished, run=run, studio=studio, records=[])
    match(own)
    own.records.extend(finished.records)
    sha256 = sha256_of(finished.path)
    take = publish(claim, own, sha256, store(finished.path, sha256))
    factories.check_deferred_constraints()
    return take


def reencode(source: Path, dest: Path, *, crf: int, start_s: float = 0.0, end_s: float | None = None) -> None:
    """Decode a stretch of `source` and encode it again, at its own size and 25 frames per second."""
    frames = read_frames(source, start_s=start_s, end_s=end_s, threads=1)
    first = next(frames)
    height, width = (side - side % 2 for side in first.rgb.shape[:2])
    with VideoWriter(dest, width, height, Fraction(25), crf=crf, threads=1) as writer:
        writer.write(first.rgb[:height, :width])
        for frame in frames:
            writer.write(frame.rgb[:height, :width])
