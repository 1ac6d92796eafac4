"""Strangers get a limited number of answers about clips, and every answer leaves a trace without a name in it."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from studio.credentials.models import ClipQuery
from studio.credentials.queries import TooManyQueries, admit, caller_of
from studio.credentials.verification import verify_file
from studio.errors import InputRefused
from studio.ledger.models import Entry
from studio.takes.storage import sha256_of
from studio.tenancy.actors import MACHINE_OPERATOR
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

pytestmark = pytest.mark.django_db

NOBODY = AnonymousUser()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_address_has_its_answers_per_hour_and_others_have_their_own(settings: Any) -> None:
    settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR = 3
    for _ in range(3):
        admit(NOBODY, "203.0.113.7")
    with pytest.raises(TooManyQueries) as refusal:
        admit(NOBODY, "203.0.113.7")
    assert (refusal.value.status, refusal.value.code) == (429, "verify.too_many")
    assert 3590 <= refusal.value.retry_after_s <= 3600
    assert "sign in" in refusal.value.hint
    admit(NOBODY, "203.0.113.8")
    admit(None, "203.0.113.9")


def test_an_hour_later_the_address_may_ask_again_and_nothing_of_it_is_kept(settings: Any) -> None:
    settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR = 1
    admit(NOBODY, "203.0.113.7")
    ClipQuery.objects.update(asked_at=timezone.now() - timedelta(minutes=61))
    admit(NOBODY, "203.0.113.7")
    assert ClipQuery.objects.count() == 1


def test_no_answers_for_strangers_means_none(settings: Any) -> None:
    settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR = 0
    with pytest.raises(TooManyQueries, match="for people who are signed in"):
        admit(NOBODY, "203.0.113.7")


def test_people_who_are_signed_in_are_not_counted(settings: Any) -> None:
    settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR = 0
    admit(factories.make_person(), "203.0.113.7")
    assert not ClipQuery.objects.exists()


def test_somebody_whose_account_was_closed_is_a_stranger(settings: Any) -> None:
    settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR = 0
    with pytest.raises(TooManyQueries):
        admit(factories.make_person(is_active=False), "203.0.113.7")


def test_an_address_is_kept_as_a_hash_that_changes_every_day() -> None:
    admit(NOBODY, "203.0.113.7")
    (query,) = ClipQuery.objects.all()
    assert "203.0.113" not in query.caller
    assert caller_of("203.0.113.7", NOON) != caller_of("203.0.113.7", NOON + timedelta(days=1))
    assert caller_of("203.0.113.7", NOON) != caller_of("203.0.113.8", NOON)


def test_a_whole_ipv6_subscriber_is_one_caller() -> None:
    one, same, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"
    assert caller_of(one, NOON) == caller_of(same, NOON)
    assert caller_of(one, NOON) != caller_of(other, NOON)


@pytest.mark.parametrize("address", ["", "unix:", "testserver", "300.1.1.1"])
def test_who_has_no_address_shares_one_allowance(address: str) -> None:
    assert caller_of(address, NOON) == caller_of("", NOON)


def ask(path: Path, actor: Any, name: str = "secret project cut 3.mp4") -> Entry:
    """The ledger entry that one question left."""
    before = set(Entry.objects.values_list("pk", flat=True))
    with contextlib.suppress(InputRefused):
        verify_file(path, actor=actor, file_name=name)
    (entry,) = Entry.objects.filter(event="clip.verified").exclude(pk__in=before)
    assert name not in bytes(entry.canonical).decode()
    return entry


def test_a_stranger_s_question_is_logged_with_digest_and_answer_for_the_studio_it_led_to(
    published: PublishedTake,
) -> None:
    entry = ask(published.path, NOBODY)
    assert entry.studio == published.studio
    assert entry.actor is None
    assert entry.details == {
        "file_sha256": sha256_of(published.path),
        "outcome": "recognised",
        "watermark": "found",
        "asked_by": "stranger",
    }


def test_the_studio_learns_who_of_its_people_asked_but_no_name_of_another_studio(
    published: PublishedTake,
) -> None:
    own = ask(published.path, published.artist)
    assert (own.actor, own.details["asked_by"]) == (published.artist, "member")
    outsider = factories.make_person(factories.make_studio("south"))
    foreign = ask(published.path, outsider)
    assert (foreign.actor, foreign.details["asked_by"]) == (None, "member of another studio")
    assert ask(published.path, MACHINE_OPERATOR).details["asked_by"] == "operator"


def test_a_question_that_led_nowhere_belongs_to_no_studio(published: PublishedTake, real_media: Path) -> None:
    film = real_media / "imageio" / "realshort.mp4"
    entry = ask(film, NOBODY)
    assert entry.studio is None
    assert (entry.details["outcome"], entry.details["watermark"]) == ("not_recognised", "not_found")


def test_a_file_that_could_not_be_read_is_logged_too(tmp_path: Path) -> None:
    words = tmp_path / "words.mp4"
    words.write_text("no film")
    entry = ask(words, NOBODY)
    assert entry.details == {
        "file_sha256": sha256_of(words),
        "outcome": "unreadable",
        "watermark": "",
        "asked_by": "stranger",
        "code": entry.details["code"],
    }
    assert entry.details["code"]
