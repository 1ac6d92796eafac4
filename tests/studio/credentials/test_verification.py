"""Of any file: whose take it is, whether it is intact, and not a word more than the asker may read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from studio.accounts.models import User
from studio.credentials.verification import Verification, verify_file
from studio.errors import InputRefused
from studio.references.adding import add_works
from studio.references.services import get_or_create_bank
from studio.takes.models import Take
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.finished_take import PROMPT, PublishedTake

pytestmark = pytest.mark.django_db


def verify(path: Path, actor: Any) -> Verification:
    return verify_file(path, actor=actor, file_name=path.name)


def states(verification: Verification) -> dict[str, str]:
    return {name: layer["state"] for name, layer in verification.layers.items()}


def texts(value: Any) -> Iterator[str]:
    """Every string anywhere in a JSON value, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


def private_words(published: PublishedTake) -> list[str]:
    production = published.shot.production
    return [
        PROMPT,
        "red car",
        published.artist.name,
        published.artist.email,
        published.shot.code,
        str(published.shot.pk),
        published.shot.description,
        production.code,
        production.name,
        str(production.pk),
        published.shot.sequence.code,
    ]


def told_secrets(verification: Verification, published: PublishedTake) -> list[str]:
    told = [text.lower() for text in texts(verification.as_dict())]
    return [word for word in private_words(published) if any(word.lower() in text for text in told)]


def test_the_released_file_is_recognised_and_intact(published: PublishedTake) -> None:
    seen = verify(published.path, published.artist)
    answer = seen.as_dict()
    assert (answer["outcome"], answer["exit_status"]) == ("recognised", 0)
    assert (answer["take"], answer["studio"]) == (str(published.take.pk), published.studio.name)
    assert states(seen) == {
        "credential": "trusted",
        "watermark": "found",
        "fingerprint": "found",
        "generation": "known",
    }
    assert answer["sha256"] == published.take.master.sha256
    (segment,) = answer["segments"]
    assert segment["name"] == f"{published.shot.code} v001"
    assert segment["query_start_s"] == pytest.approx(0.0, abs=0.1)
    assert segment["query_end_s"] == pytest.approx(2.0, abs=0.3)
    json.dumps(answer)


@pytest.mark.parametrize("copy", ["stripped", "reencoded"])
def test_a_copy_without_its_credential_is_still_that_take_but_not_as_released(
    published: PublishedTake, copy: str, request: pytest.FixtureRequest
) -> None:
    seen = verify(request.getfixturevalue(copy), published.artist)
    answer = seen.as_dict()
    assert (answer["outcome"], answer["exit_status"]) == ("altered", 2)
    assert answer["take"] == str(published.take.pk)
    assert states(seen) == {
        "credential": "absent",
        "watermark": "found",
        "fingerprint": "found",
        "generation": "known",
    }


def test_a_byte_changed_after_signing_is_seen(published: PublishedTake, tmp_path: Path) -> None:
    content = bytearray(published.path.read_bytes())
    content[content.index(b"mdat") + 20_000] ^= 1
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(content)
    seen = verify(changed, published.artist)
    assert seen.verdict.exit_code == 2
    assert states(seen)["credential"] == "invalid"


def test_the_bytes_of_a_foreign_file_lead_nowhere(published: PublishedTake, real_media: Path) -> None:
    seen = verify(real_media / "imageio" / "realshort.mp4", published.artist)
    answer = seen.as_dict()
    assert (answer["outcome"], answer["exit_status"]) == ("not_recognised", 1)
    assert (answer["take"], answer["studio"], answer["segments"]) == (None, None, [])
    assert states(seen) == {
        "credential": "absent",
        "watermark": "not_found",
        "fingerprint": "not_found",
        "sound": "not_found",
    }


@pytest.fixture
def outsider(published: PublishedTake) -> User:
    return factories.make_person(factories.make_studio("south"), Role.OPERATOR, name="Otto Outsider")


@pytest.mark.parametrize(
    ("who", "copy"),
    [("nobody", "stripped"), ("anonymous", "signed"), ("outsider", "signed"), ("outsider", "stripped")],
)
def test_strangers_learn_whose_it_is_and_nothing_private(
    published: PublishedTake, outsider: User, stripped: Path, who: str, copy: str
) -> None:
    actor = {"nobody": None, "anonymous": AnonymousUser(), "outsider": outsider}[who]
    path = stripped if copy == "stripped" else published.path
    seen = verify(path, actor)
    answer = seen.as_dict()
    assert answer["exit_status"] == (2 if copy == "stripped" else 0), "the verdict is the same for everybody"
    assert answer["take"] is None
    assert answer["studio"] == published.studio.name
    assert answer["layers"]["generation"]["details"]["model_digest"] == published.take.recipe["model_digest"]
    assert [segment["name"] for segment in answer["segments"]] == ["a take of this installation"]
    assert [segment["id"] for segment in answer["segments"]] == [None]
    assert told_secrets(seen, published) == []


def test_the_check_for_secrets_would_see_them(published: PublishedTake) -> None:
    seen = verify(published.path, published.artist)
    assert published.shot.code in told_secrets(seen, published)


def test_a_stranger_learns_no_path_of_a_model_s_machine(published: PublishedTake, stripped: Path) -> None:
    take = published.take
    take.recipe = {**take.recipe, "model": "/srv/checkpoints/big-model"}
    Take.objects.filter(pk=take.pk).update(recipe=take.recipe)
    answer = verify(stripped, None).as_dict()
    assert answer["layers"]["generation"]["details"]["model"] == "big-model"
    assert not any("/srv" in text for text in texts(answer))


def test_works_are_shown_to_their_own_studio_only(
    published: PublishedTake, outsider: User, real_media: Path
) -> None:
    bank = get_or_create_bank(published.studio, "Secret rushes")
    film = real_media / "imageio" / "realshort.mp4"
    assert [str(added.state) for added in add_works(bank, [film])] == ["added"]
    own = verify(film, published.artist).as_dict()
    assert [(segment["kind"], segment["name"]) for segment in own["segments"]] == [
        ("work", "realshort.mp4 (Secret rushes)")
    ]
    assert own["outcome"] == "not_recognised", "a reference work is reported and is no take of ours"
    for actor in (outsider, None):
        answer = verify(film, actor).as_dict()
        assert answer["segments"] == []
        assert not any("rushes" in text for text in texts(answer))


def test_an_unpublished_rendition_s_bytes_are_not_a_released_file(
    published: PublishedTake, real_media: Path
) -> None:
    from studio.takes.storage import sha256_of

    film = real_media / "imageio" / "realshort.mp4"
    take = factories.make_take(published.shot, published.artist)
    factories.make_rendition(take, sha256=sha256_of(film))
    assert verify(film, published.artist).verdict.exit_code == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file_empty"), (b"words, and no film\n" * 100, None), (b"\0" * 5000, None)],
)
def test_what_is_no_media_is_refused_with_a_way_out(
    content: bytes, code: str | None, tmp_path: Path, db: None
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(InputRefused) as refusal:
        verify(path, None)
    assert refusal.value.message
    assert refusal.value.hint
    assert code in (None, refusal.value.code)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"no file called gone\.mp4"):
        verify(tmp_path / "gone.mp4", None)


def test_an_upload_longer_than_allowed_is_refused(settings: Any, real_media: Path) -> None:
    settings.SLATE_UPLOAD_MAX_SECONDS = 1
    with pytest.raises(InputRefused) as refusal:
        verify(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", None)
    assert refusal.value.code == "media_too_large"
    assert refusal.value.hint
