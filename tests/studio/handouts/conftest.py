"""A released take of eight seconds, long enough for copies: real film, marked, signed and gated once per session."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from provenance.fingerprint import fingerprint_file
from provenance.media import Picture, VideoWriter, read_frames
from provenance.watermark import Embedder
from provenance.watermark.copies import Pair as PairFiles
from provenance.watermark.copies import make_pair
from studio.accounts.models import User
from studio.credentials.steps import gate, sign
from studio.handouts.models import Pair
from studio.handouts.storage import keep
from studio.runs.rendering import RenderResult
from studio.runs.steps import Draft
from studio.takes.models import Take
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.finished_take import HOUSE_ID, Rendered, draft_of, make_job, publish_again

SECONDS = 8
FPS = Fraction(24)
SIZE = (640, 360)


@dataclass(frozen=True)
class House:
    """The take with the people around it."""

    studio: Studio
    supervisor: User
    artist: User
    take: Take
    path: Path


@pytest.fixture(scope="session")
def long_draft(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Draft:
    folder = tmp_path_factory.mktemp("long-take")
    job = make_job(
        folder / "master.mp4",
        duration_frames=SECONDS * int(FPS),
        width=SIZE[0],
        height=SIZE[1],
        mark_id=0xC0DE_5EED_C0FF_EE11,
    )
    embedder = Embedder(job.key(), job.payload(), *SIZE, FPS)
    source = real_media / "bigbuckbunny" / "bbb-480p-30s-video.mp4"
    with VideoWriter(folder / "master.mp4", *SIZE, FPS, threads=1) as writer:
        for frame in read_frames(source, end_s=float(SECONDS), threads=1):
            picture = Picture.from_rgb(cv2.resize(frame.rgb, SIZE, interpolation=cv2.INTER_AREA))
            picture.luma = embedder.mark(picture.luma)
            writer.write(picture)
    result = RenderResult(
        recipe={"model": "draft", "model_digest": "0" * 64, "pipeline_class": "Film", "prompt": "a meadow"},
        duration_frames=job.duration_frames,
        payload=job.payload().to_bytes(),
        fingerprint=fingerprint_file(folder / "master.mp4"),
        timings={},
        mark_certificate={"profile": "clean"},
    )
    draft = draft_of(Rendered(job, result, folder / "master.mp4"), folder)
    sign(draft)
    gate(draft)
    return draft


@pytest.fixture(scope="session")
def pair_files(long_draft: Draft, tmp_path_factory: pytest.TempPathFactory) -> PairFiles:
    """The take's pair, encoded once per session; every test stores it for its own rows."""
    folder = tmp_path_factory.mktemp("pair")
    key = make_job(folder / "unused").key()
    return make_pair(long_draft.path, key, folder / "first.mp4", folder / "second.mp4", threads=1)


@pytest.fixture
def house(long_draft: Draft, db: None) -> House:
    studio = factories.make_studio("house", pk=HOUSE_ID)
    artist = factories.make_person(studio)
    supervisor = factories.make_person(studio, Role.SUPERVISOR, name="Sue Supervisor")
    factories.make_production(studio, "secret-project")
    shot = factories.make_shot(studio, code="ZZTOP_0420")
    run = factories.make_run(shot, artist, width=SIZE[0], height=SIZE[1], duration_frames=SECONDS * int(FPS))
    return House(studio, supervisor, artist, publish_again(long_draft, run, studio), long_draft.path)


@pytest.fixture
def pair(house: House, pair_files: PairFiles) -> Pair:
    (first, first_sha256), (second, second_sha256) = keep(pair_files.first), keep(pair_files.second)
    return Pair.objects.create(
        take=house.take,
        letters=pair_files.letters,
        first_storage_name=first,
        first_sha256=first_sha256,
        second_storage_name=second,
        second_sha256=second_sha256,
    )
