"""A real take, rendered by the shipped model, marked, signed and gated once per session.

Each test publishes it inside its own transaction, so that nothing outlives a test.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from provenance.media import VideoWriter, read_frames, strip_metadata_copy
from studio.accounts.models import User
from studio.credentials.steps import gate, sign
from studio.ids import uuid7
from studio.productions.models import Shot
from studio.references.steps import match
from studio.runs.attempts import claim_run
from studio.runs.execution import publish
from studio.runs.models import Run
from studio.runs.renderer import Renderer
from studio.runs.rendering import RenderJob, RenderResult
from studio.runs.steps import Draft
from studio.takes.models import Take
from studio.takes.storage import sha256_of, store
from studio.tenancy.models import Studio
from studio.tenancy.secrets import studio_secret, watermark_key_id
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
        "watermark_secret_hex": studio_secret(house, "watermark").hex(),
        "mark_id": MARK_ID,
    }
    return RenderJob(**{**values, **fields})


@pytest.fixture
def job_for() -> Callable[..., RenderJob]:
    return make_job


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """The one child process with the shipped model loaded."""
    renderer = Renderer("draft")
    yield renderer
    if renderer.is_alive():
        renderer.kill()


@pytest.fixture(scope="session")
def rendered(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    path = tmp_path_factory.mktemp("rendered") / "master.mp4"
    job = make_job(path)
    result = renderer.render(job, on_progress=lambda *_: None, should_stop=lambda: False)
    return Rendered(job, result, path)


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
    )


@pytest.fixture
def draft(rendered: Rendered, tmp_path: Path) -> Draft:
    """Rendered and marked, not yet signed."""
    return draft_of(rendered, tmp_path)


@pytest.fixture(scope="session")
def finished(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Draft:
    """Signed, and passed by the gate; its records can be written in any test's transaction."""
    draft = draft_of(rendered, tmp_path_factory.mktemp("finished"))
    sign(draft)
    gate(draft)
    return draft


@pytest.fixture
def published(finished: Draft, db: None) -> PublishedTake:
    """The finished take, published by an attempt on a run of the house."""
    house = factories.make_studio("house", pk=HOUSE_ID)
    artist = factories.make_person(house, name="Quirina Quill")
    factories.make_production(house, "secret-project")
    shot = factories.make_shot(house, code="ZZTOP_0420")
    run = factories.make_run(shot, artist, prompt=PROMPT)
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    own = replace(finished, run=run, studio=house, records=[])
    match(own)
    own.records.extend(finished.records)
    sha256 = sha256_of(finished.path)
    take = publish(claim, own, sha256, store(finished.path, sha256))
    factories.check_deferred_constraints()
    return PublishedTake(house, artist, shot, take, finished.path)


@pytest.fixture(scope="session")
def stripped(finished: Draft, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signed file's pictures in a new container, without its credential."""
    copy = tmp_path_factory.mktemp("stripped") / "copy.mp4"
    strip_metadata_copy(finished.path, copy)
    return copy


@pytest.fixture(scope="session")
def reencoded(finished: Draft, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signed file encoded anew at CRF 28, as a reposting site would."""
    copy = tmp_path_factory.mktemp("reencoded") / "copy.mp4"
    reencode(finished.path, copy, crf=28)
    return copy


def reencode(source: Path, dest: Path, *, crf: int, start_s: float = 0.0, end_s: float | None = None) -> None:
    """Decode a stretch of `source` and encode it again, at its own size and 25 frames per second."""
    frames = read_frames(source, start_s=start_s, end_s=end_s, threads=1)
    first = next(frames)
    height, width = (side - side % 2 for side in first.rgb.shape[:2])
    with VideoWriter(dest, width, height, Fraction(25), crf=crf, threads=1) as writer:
        writer.write(first.rgb[:height, :width])
        for frame in frames:
            writer.write(frame.rgb[:height, :width])


@pytest.fixture
def cut() -> Callable[..., None]:
    return reencode


