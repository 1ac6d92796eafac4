"""A real take, rendered by the shipped model, marked, signed and gated once per session.

Each test publishes it inside its own transaction, so that nothing outlives a test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance.media import strip_metadata_copy
from studio.credentials.steps import gate, sign
from studio.runs.renderer import Renderer
from studio.runs.steps import Draft
from tests.studio import factories
from tests.studio.finished_take import (
    HOUSE_ID,
    PROMPT,
    PublishedTake,
    Rendered,
    draft_of,
    make_job,
    publish_again,
    reencode,
)


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
    return PublishedTake(house, artist, shot, publish_again(finished, run, house), finished.path)


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
