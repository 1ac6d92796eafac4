"""A person has one role per studio, from the known roles; SQL sees to it."""

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from studio.accounts.models import User
from studio.ledger.models import Entry
from studio.tenancy.models import Membership, Role, Studio
from studio.tenancy.services import add_member, create_studio
from tests.studio import factories

pytestmark = pytest.mark.django_db


def test_a_second_membership_in_one_studio_is_refused() -> None:
    studio = factories.make_studio()
    person = factories.make_person(studio)
    with pytest.raises(IntegrityError, match="membership_once_per_studio"), transaction.atomic():
        Membership.objects.create(studio=studio, user=person, role=Role.OPERATOR)


@pytest.mark.parametrize("role", ["", "admin", "ARTIST", "artist "])
def test_an_unknown_role_is_refused(role: str) -> None:
    studio = factories.make_studio()
    person = factories.make_person()
    with pytest.raises(IntegrityError, match="membership_role_known"), transaction.atomic():
        Membership.objects.create(studio=studio, user=person, role=role)


def test_two_studios_cannot_share_a_slug() -> None:
    create_studio("North", "north")
    with pytest.raises(IntegrityError), transaction.atomic():
        create_studio("Another", "north")
    assert Studio.objects.count() == 1


def test_one_mailbox_is_one_person_however_it_is_written() -> None:
    User.objects.create_user("Ada@mail.example", name="Ada")
    with pytest.raises(IntegrityError, match="user_email_unique_in_any_case"), transaction.atomic():
        User.objects.create_user("aDA@mail.example", name="Ada again")
    assert User.objects.get_by_natural_key("ADA@MAIL.EXAMPLE").name == "Ada"


def test_adding_a_member_again_changes_the_role_and_says_so_in_the_ledger() -> None:
    studio = create_studio("North", "north")
    person = factories.make_person()
    first = add_member(studio, person, Role.ARTIST)
    second = add_member(studio, person, Role.SUPERVISOR)
    assert first.pk == second.pk
    assert Membership.objects.get().role == Role.SUPERVISOR
    told = (
        Entry.objects.filter(subject_kind="membership").order_by("pk").values_list("event", "details__role")
    )
    assert list(told) == [("membership.created", "artist"), ("membership.changed", "supervisor")]
