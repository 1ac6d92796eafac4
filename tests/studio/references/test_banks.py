"""Banks have a kind and thresholds, are shared for reading, and hold works that can be set aside and brought back."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.utils import IntegrityError

from studio.errors import InputRefused, NotAllowed, SlateError
from studio.ledger.models import Entry
from studio.references.access import may_manage, require_manage
from studio.references.adding import add_works, work_through
from studio.references.common import add_common_content
from studio.references.drawing import COMMON, draw_content
from studio.references.models import Bank, BankShare, Fingerprint, Match, Work, WorkFile
from studio.references.services import (
    change_bank,
    create_bank,
    get_or_create_bank,
    quarantine_work,
    release_work,
    restore_work,
    share_bank,
    withdraw_share,
    withdraw_work,
)
from studio.references.standing import WorkStanding, annotate_work, delete_work
from studio.tenancy.models import Role, Studio
from tests.studio import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def south() -> Studio:
    return factories.make_studio("south")


@pytest.fixture
def bank(north: Studio) -> Bank:
    return create_bank(north, "Films")


def events(subject: Any) -> list[str]:
    return list(
        Entry.objects.filter(subject_id=str(subject.pk)).order_by("id").values_list("event", flat=True)
    )


def test_a_bank_reviews_before_it_blocks(bank: Bank) -> None:
    assert (bank.kind, bank.review_at, bank.block_at) == ("protected", 1e-3, 1e-6)
    changed = change_bank(bank, review_at=1e-2, block_at=1e-8)
    assert (changed.review_at, changed.block_at) == (1e-2, 1e-8)
    for thresholds in ({"review_at": 1e-8}, {"block_at": 1e-2}, {"block_at": 0.0}, {"review_at": 1.0}):
        with pytest.raises(InputRefused, match="blocked at"):
            change_bank(bank, **thresholds)
        with pytest.raises(IntegrityError, match="bank_reviews_before_it_blocks"), transaction.atomic():
            Bank.objects.filter(pk=bank.pk).update(**thresholds)
    assert events(bank) == ["bank.created", "bank.changed"], "what was refused left no entry"


def test_what_people_write_of_a_bank_stays_out_of_the_ledger(bank: Bank) -> None:
    change_bank(bank, description="Sent by Ada's agent")
    entry = Entry.objects.get(event="bank.changed")
    assert entry.details == {"changed": ["description"]}


def test_two_banks_of_a_studio_never_have_one_name(bank: Bank, north: Studio) -> None:
    other = create_bank(north, "Stills")
    with pytest.raises(InputRefused, match="already"):
        create_bank(north, " Films ")
    with pytest.raises(InputRefused, match="already"):
        change_bank(other, name="Films")


def test_a_shared_bank_is_read_by_the_other_studio_and_changed_by_nobody_there(
    bank: Bank, south: Studio
) -> None:
    work = factories.make_work(bank)
    reader = factories.make_person(south, Role.OPERATOR)
    owner = factories.make_person(bank.studio, Role.PRODUCTION_MANAGER)
    artist = factories.make_person(bank.studio, Role.ARTIST)
    assert not Bank.objects.visible_to(reader).exists()
    share_bank(bank, "South", actor=owner)
    assert list(Bank.objects.visible_to(reader)) == [bank]
    assert list(Work.objects.visible_to(reader)) == [work]
    assert list(Work.objects.readable_in([south.pk]).searchable()) == [work]
    assert may_manage(owner, bank)
    assert not may_manage(reader, bank)
    assert not may_manage(artist, bank)
    with pytest.raises(NotAllowed, match=bank.studio.name):
        require_manage(reader, bank)
    with pytest.raises(NotAllowed, match="Your role"):
        require_manage(artist, bank)

    assert withdraw_share(bank, south, actor=owner)
    assert not Bank.objects.visible_to(reader).exists()
    assert not Work.objects.readable_in([south.pk]).exists()
    assert not withdraw_share(bank, south, actor=owner), "there was nothing left to withdraw"
    told = Entry.objects.filter(event__in=["bank.shared", "bank.unshared"], studio=south)
    assert told.count() == 2, "the reader's own log tells of it"
    assert not told.exclude(actor=None).exists(), "and names nobody of the owner's"


@pytest.mark.parametrize("slug", ["nowhere", "north", "", "\0"])
def test_a_bank_is_shared_with_another_studio_that_exists(bank: Bank, slug: str) -> None:
    with pytest.raises(InputRefused):
        share_bank(bank, slug.replace("\0", "?"))
    assert not BankShare.objects.exists()


def test_a_bank_is_shared_once_with_a_studio(bank: Bank, south: Studio) -> None:
    share_bank(bank, "south")
    share_bank(bank, "south")
    assert BankShare.objects.count() == 1
    assert Entry.objects.filter(event="bank.shared").count() == 2, "one in each studio's log"


def test_a_withdrawn_work_stops_being_searched_at_once_and_comes_back(bank: Bank) -> None:
    work, other = factories.make_work(bank, "One"), factories.make_work(bank, "Two")
    person = factories.make_person(bank.studio, Role.SUPERVISOR)
    gone = withdraw_work(work, "The licence ended.", actor=person)
    assert (gone.status, gone.status_reason, gone.status_by) == ("withdrawn", "The licence ended.", person)
    assert list(Work.objects.searchable()) == [other]
    with pytest.raises(WorkStanding, match="already"):
        withdraw_work(work, "again")
    with pytest.raises(WorkStanding, match="not quarantined"):
        release_work(work)
    back = restore_work(work, actor=person)
    assert (back.status, back.status_reason) == ("active", "")
    assert set(Work.objects.searchable()) == {work, other}
    assert events(work) == ["work.withdrawn", "work.restored"]


def test_a_work_is_quarantined_without_anybody_asking_and_let_out_by_a_person(bank: Bank) -> None:
    work = factories.make_work(bank)
    quarantine_work(work, "It matched 40 of the last 50 takes.")
    assert not Work.objects.searchable().exists()
    with pytest.raises(WorkStanding):
        restore_work(work)
    release_work(work, actor=factories.make_person(bank.studio))
    assert Work.objects.searchable().exists()
    assert events(work) == ["work.quarantined", "work.released"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0b"])
def test_a_work_is_set_aside_for_a_reason_that_can_be_read(bank: Bank, reason: str) -> None:
    work = factories.make_work(bank)
    with pytest.raises(InputRefused):
        withdraw_work(work, reason)
    assert Work.objects.searchable().exists()
    with pytest.raises(IntegrityError, match="work_says_why"), transaction.atomic():
        Work.objects.filter(pk=work.pk).update(status="withdrawn")


def test_notes_on_a_work_are_kept_and_their_words_stay_out_of_the_ledger(bank: Bank) -> None:
    work = annotate_work(factories.make_work(bank), owner="Ada's Films", licence="ask first")
    assert (work.owner, work.licence) == ("Ada's Films", "ask first")
    assert Entry.objects.get(event="work.annotated").details == {"changed": ["licence", "owner"]}
    with pytest.raises(InputRefused):
        annotate_work(work, title=" ")


@pytest.fixture
def still(bank: Bank, real_media: Path) -> Work:
    (file,) = add_works(bank, [real_media / "imageio" / "coins.png"])
    assert file.work is not None, file.reason
    return file.work


def test_a_deleted_work_leaves_nothing_of_itself(
    bank: Bank, still: Work, django_capture_on_commit_callbacks: Any
) -> None:
    (poster,) = still.files.all()
    assert default_storage.exists(poster.storage_name)
    with django_capture_on_commit_callbacks(execute=True):
        delete_work(still)
    assert not Fingerprint.objects.exists()
    assert not WorkFile.objects.exists()
    assert not default_storage.exists(poster.storage_name)
    assert Entry.objects.get(event="work.deleted").details["file_sha256"] == still.sha256


def test_a_file_that_two_works_share_stays_with_the_one_that_is_left(
    bank: Bank, still: Work, real_media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    other = get_or_create_bank(bank.studio, "More")
    add_works(other, [real_media / "imageio" / "coins.png"])
    name = still.files.get().storage_name
    assert other.works.get().files.get().storage_name == name
    with django_capture_on_commit_callbacks(execute=True):
        delete_work(still)
    assert default_storage.exists(name)


def test_a_work_that_takes_were_matched_with_can_only_be_withdrawn(bank: Bank) -> None:
    work = factories.make_work(bank)
    artist = factories.make_person(bank.studio)
    take = factories.make_take(factories.make_shot(bank.studio), artist)
    Match.objects.create(
        take=take,
        work=work,
        **{f"{side}_{end}_s": 0.0 for side in ("take", "work") for end in ("start", "end")},
        speed=1.0,
        hits=4,
        mean_distance=3.0,
    )
    with pytest.raises(SlateError, match="matched takes"):
        delete_work(work)
    assert Work.objects.filter(pk=work.pk).exists()


def test_common_content_is_drawn_once_into_a_bank_of_its_own(north: Studio) -> None:
    bank, ingest = add_common_content(north, dispatch=False)
    assert bank.is_common
    assert ingest is not None
    again = add_common_content(north, dispatch=False)[1]
    assert again == ingest, "what is under way is not begun twice"
    work_through(ingest)
    assert set(bank.works.values_list("title", "origin")) == {(name, "drawn") for name in COMMON}
    assert Fingerprint.objects.filter(work__title="Countdown leader", quality__gte=50).exists()
    assert not Fingerprint.objects.filter(work__title="Black", quality__gte=50).exists()
    assert add_common_content(north, dispatch=False) == (bank, None)


def test_only_content_that_slate_knows_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="Nothing") as refusal:
        draw_content("Nothing", tmp_path)
    assert "Colour bars" in refusal.value.hint
