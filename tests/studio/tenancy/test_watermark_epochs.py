"""A studio's watermark keys are renewed by counting up; no key that was ever in use is lost."""

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from studio.credentials.services import all_watermark_keys, studio_of_key, watermark_key
from studio.ids import uuid7
from studio.ledger.models import Entry
from studio.tenancy.models import Studio
from studio.tenancy.secrets import watermark_epoch_of, watermark_key_id, watermark_secret
from studio.tenancy.services import rotate_watermark_key
from tests.studio import factories

pytestmark = pytest.mark.django_db


def test_a_rotation_gives_new_takes_a_new_key_and_keeps_the_old_one() -> None:
    studio = factories.make_studio()
    before = watermark_key(studio)
    after = watermark_key(rotate_watermark_key(studio))
    assert before.secret != after.secret
    assert (before.key_id, after.key_id) == (f"{studio.pk}/1", f"{studio.pk}/2")
    assert {key.key_id: key.secret for key in all_watermark_keys()} == {
        key.key_id: key.secret for key in (before, after)
    }


def test_a_rotation_is_in_the_ledger_with_the_key_s_name_and_without_its_secret() -> None:
    studio = factories.make_studio()
    person = factories.make_person(studio)
    rotate_watermark_key(studio, actor=person)
    entry = Entry.objects.get(event="watermark_key.rotated")
    assert (entry.studio, entry.actor) == (studio, person)
    assert entry.details == {"epoch": 2, "key_id": f"{studio.pk}/2"}
    for epoch in (1, 2):
        assert watermark_secret(studio, epoch).hex() not in bytes(entry.canonical).decode()


def test_whoever_began_before_a_rotation_ends_with_the_key_he_began_with() -> None:
    studio = factories.make_studio()
    as_begun = Studio.objects.get(pk=studio.pk)
    rotate_watermark_key(studio)
    assert watermark_key(as_begun).key_id == watermark_key_id(studio, 1)
    assert watermark_key(Studio.objects.get(pk=studio.pk)).key_id == watermark_key_id(studio, 2)


def test_two_rotations_at_once_count_twice() -> None:
    studio = factories.make_studio()
    rotate_watermark_key(studio)
    rotate_watermark_key(studio)
    assert Studio.objects.get(pk=studio.pk).watermark_epoch == 3


@pytest.mark.parametrize("epoch", [2, 1, 0])
def test_the_database_lets_no_key_be_forgotten(epoch: int) -> None:
    studio = factories.make_studio()
    for _ in range(2):
        rotate_watermark_key(studio)
    with pytest.raises(IntegrityError, match="cannot go back"), transaction.atomic():
        Studio.objects.filter(pk=studio.pk).update(watermark_epoch=epoch)


def test_there_is_no_epoch_zero() -> None:
    with pytest.raises(IntegrityError, match="watermark_epoch"), transaction.atomic():
        Studio.objects.create(name="North", slug="north", watermark_epoch=0)


def test_recent_keys_of_every_studio_are_tried_before_old_ones() -> None:
    north, south = factories.make_studio("north"), factories.make_studio("south")
    for _ in range(2):
        rotate_watermark_key(north)
    tried = [watermark_epoch_of(key.key_id) for key in all_watermark_keys()]
    assert tried == [(str(north.pk), 3), (str(south.pk), 1), (str(north.pk), 2), (str(north.pk), 1)]


def test_a_key_leads_to_its_studio() -> None:
    studio = factories.make_studio()
    assert studio_of_key(watermark_key_id(studio, 7)) == studio
    assert studio_of_key(f"{uuid7()}/1") is None
