"""Each role may do exactly what the table says, in its own studio only."""

import pytest
from django.contrib.auth.models import AnonymousUser

from studio.errors import NotAllowed
from studio.tenancy.models import Role
from studio.tenancy.permissions import Action, may, require, role_in
from tests.studio import factories

pytestmark = pytest.mark.django_db

# Written out here on purpose: a slip in the code's own table must not change what is expected of it.
TABLE = {
    Role.ARTIST: {Action.GENERATE, Action.READ_PROMPTS},
    Role.SUPERVISOR: {
        Action.GENERATE,
        Action.READ_PROMPTS,
        Action.MANAGE_REFERENCES,
        Action.READ_AUDIT,
        Action.HAND_OUT,
    },
    Role.PRODUCTION_MANAGER: set(Action),
    Role.AUDITOR: {Action.READ_AUDIT},
    Role.OPERATOR: set(Action),
}


def test_the_table_knows_every_role() -> None:
    assert set(TABLE) == set(Role)


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_its_actions_and_no_others(role: Role) -> None:
    studio = factories.make_studio()
    person = factories.make_person(studio, role)
    assert {action for action in Action if may(person, action, studio)} == TABLE[role]


@pytest.mark.parametrize("role", Role)
def test_a_role_means_nothing_in_another_studio(role: Role) -> None:
    person = factories.make_person(factories.make_studio("north"), role)
    elsewhere = factories.make_studio("south")
    assert role_in(person, elsewhere) is None
    assert not [action for action in Action if may(person, action, elsewhere)]


def test_an_inactive_or_anonymous_person_may_do_nothing() -> None:
    studio = factories.make_studio()
    gone = factories.make_person(studio, Role.OPERATOR, is_active=False)
    for actor in (gone, AnonymousUser(), None):
        assert not [action for action in Action if may(actor, action, studio)]


def test_a_refusal_says_what_the_role_may_not_do_and_whom_to_ask() -> None:
    studio = factories.make_studio()
    with pytest.raises(NotAllowed) as refusal:
        require(factories.make_person(studio, Role.AUDITOR), Action.GENERATE, studio)
    assert "Auditor" in refusal.value.message
    assert "generate takes" in refusal.value.message
    assert "Artist" in refusal.value.hint
    assert refusal.value.status == 403
