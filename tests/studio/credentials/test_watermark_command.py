"""The operator lists and renews watermark keys by name and epoch, and never sees a secret."""

import io

import pytest
from django.core.management import CommandError, call_command

from studio.ledger.models import Entry
from studio.tenancy.models import Studio
from studio.tenancy.secrets import watermark_secret
from tests.studio import factories

# Commands prepare the installation first, which the owner role does.
pytestmark = pytest.mark.django_db(databases=["default", "owner"])


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("watermark", *arguments, stdout=out)
    return out.getvalue()


def test_keys_are_listed_newest_first_with_the_takes_that_carry_them() -> None:
    studio = factories.make_studio("north")
    take = factories.make_take(factories.make_shot(studio), factories.make_person(studio))
    factories.add_watermark_record(factories.make_rendition(take), key_id=f"{studio.pk}/1")
    assert "epoch 2" in run("rotate", "--studio", "north")
    lines = [" ".join(line.split()) for line in run("keys", "--studio", "north").splitlines()]
    assert lines == [
        "North Pictures (north)",
        "epoch 2 new takes 0 takes",
        "epoch 1 detection only 1 take",
    ]


def test_without_a_studio_the_keys_of_every_studio_are_listed() -> None:
    factories.make_studio("north")
    factories.make_studio("south")
    assert all(name in run("keys") for name in ("North Pictures", "South Pictures"))


def test_no_secret_is_printed() -> None:
    studio = factories.make_studio("north")
    printed = run("rotate", "--studio", "north") + run("keys")
    for epoch in (1, 2):
        assert watermark_secret(studio, epoch).hex()[:16] not in printed


@pytest.mark.parametrize("verb", ["rotate", "keys"])
def test_an_unknown_studio_is_refused_with_the_known_ones(verb: str) -> None:
    studio = factories.make_studio("north")
    with pytest.raises(CommandError, match=r"no studio 'nord'\. Known: north\."):
        run(verb, "--studio", "nord")
    assert Studio.objects.get(pk=studio.pk).watermark_epoch == 1


def test_a_rotation_by_the_operator_is_in_the_ledger() -> None:
    factories.make_studio("north")
    run("rotate", "--studio", "north")
    assert Entry.objects.get(event="watermark_key.rotated").actor is None


def test_engines_are_listed_with_the_reason_why_one_is_off() -> None:
    lines = run("engines").splitlines()
    assert any(line.startswith("tilemark") and line.endswith("ready") for line in lines)
    off = [line for line in lines if "off:" in line]
    assert {line.split()[0] for line in off} == {"videoseal", "trustmark"}
