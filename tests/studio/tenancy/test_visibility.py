"""Nobody sees a row of a studio they do not belong to, whatever kind of row it is."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from studio.accounts.models import User
from studio.tenancy.actors import MACHINE_OPERATOR
from studio.tenancy.models import Membership, Role, Studio
from studio.tenancy.permissions import Action
from studio.tenancy.querysets import InStudioQuerySet
from studio.tenancy.scope import studios_where
from tests.studio import factories

pytestmark = pytest.mark.django_db

SCOPED = [model for model in apps.get_models() if hasattr(model._default_manager.all(), "visible_to")]
# Reached through a row that is scoped, or shared by all studios on purpose.
UNSCOPED = {
    *("ClipQuery", "User", "Membership", "Attempt"),
    *("Fingerprint", "Keyframe", "ClipTrack", "SoundPrint", "Algorithm", "IndexBuild"),
}


def ids(queryset: Any) -> list[Any]:
    return sorted(queryset.values_list("pk", flat=True))


def ids_in(model: type[Model], studio: Studio) -> list[Any]:
    """What belongs to `studio`, asked for row by row instead of by the lookup under test."""
    return sorted(row.pk for row in model._default_manager.all() if studio_of(row) == studio.pk)


def studio_of(row: Any) -> Any:
    """Walks up from a row to its studio."""
    if isinstance(row, Studio):
        return row.pk
    # A share names two studios: the one whose bank it is, and the one that may read it.
    for name in ("bank", "studio", "production", "sequence", "shot", "ingest", "take", "rendition", "work"):
        parent = getattr(row, name, None)
        if isinstance(parent, Model):
            return studio_of(parent)
    raise AssertionError(f"{row!r} leads to no studio")


@pytest.fixture
def north() -> tuple[Studio, User]:
    studio = factories.make_studio("north")
    artist = factories.make_person(studio)
    factories.furnish(studio, artist)
    return studio, artist


@pytest.fixture
def south() -> tuple[Studio, User]:
    studio = factories.make_studio("south")
    artist = factories.make_person(studio)
    factories.furnish(studio, artist)
    return studio, artist


def test_every_table_of_ours_is_scoped_or_known_to_be_shared() -> None:
    ours = {model.__name__ for model in apps.get_models() if model.__module__.startswith("studio.")}
    assert ours - {model.__name__ for model in SCOPED} == UNSCOPED


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
class TestEveryScopedTable:
    def test_a_member_sees_exactly_the_rows_of_their_studio(
        self, model: type[Model], north: tuple[Studio, User], south: tuple[Studio, User]
    ) -> None:
        expected = ids_in(model, north[0])
        assert expected, "the test needs a row to see"
        assert ids_in(model, south[0]), "and one not to see"
        assert ids(model._default_manager.visible_to(north[1])) == expected

    def test_a_member_of_both_sees_each_row_once(
        self, model: type[Model], north: tuple[Studio, User], south: tuple[Studio, User]
    ) -> None:
        factories.add_member(south[0], north[1], Role.AUDITOR)
        expected = sorted(ids_in(model, north[0]) + ids_in(model, south[0]))
        assert ids(model._default_manager.visible_to(north[1])) == expected

    def test_strangers_former_members_and_nobody_see_nothing(
        self, model: type[Model], north: tuple[Studio, User]
    ) -> None:
        stranger = factories.make_person()
        superuser = User.objects.create_superuser("root@mail.example", name="Root")
        inactive = factories.make_person(north[0], Role.OPERATOR, is_active=False)
        former = factories.make_person(north[0], Role.OPERATOR)
        Membership.objects.filter(user=former).delete()
        for actor in (stranger, superuser, inactive, former, AnonymousUser(), None):
            assert ids(model._default_manager.visible_to(actor)) == [], actor

    def test_the_machine_operator_sees_all_of_it(
        self, model: type[Model], north: tuple[Studio, User], south: tuple[Studio, User]
    ) -> None:
        everything = sorted(model._default_manager.values_list("pk", flat=True))
        assert ids(model._default_manager.visible_to(MACHINE_OPERATOR)) == everything


@pytest.mark.parametrize(
    "model",
    [model for model in SCOPED if isinstance(model._default_manager.all(), InStudioQuerySet)],
    ids=lambda model: model.__name__,
)
def test_in_studio_narrows_to_one_studio(
    model: type[Model], north: tuple[Studio, User], south: tuple[Studio, User]
) -> None:
    assert ids(model._default_manager.in_studio(south[0])) == ids_in(model, south[0])


def test_studios_where_names_those_whose_role_allows_it() -> None:
    one, two, three = (factories.make_studio(slug) for slug in ("one", "two", "three"))
    person = factories.make_person(one, Role.ARTIST)
    factories.add_member(two, person, Role.PRODUCTION_MANAGER)
    assert ids(studios_where(person, Action.MANAGE_PRODUCTIONS)) == [two.pk]
    assert ids(studios_where(person, Action.GENERATE)) == sorted([one.pk, two.pk])
    assert ids(studios_where(AnonymousUser(), Action.GENERATE)) == []
    assert three.pk not in ids(studios_where(person, Action.READ_PROMPTS))
