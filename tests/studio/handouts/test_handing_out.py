"""A copy is handed out only once it is signed, read back and traced; its recipient's name stays in the database."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialState
from provenance.media import probe, read_frames
from studio.credentials.services import trust_anchors
from studio.errors import InputRefused, NotAllowed, SlateError
from studio.handouts.errors import CopyUnavailable, TakeNotReleased
from studio.handouts.models import Copy, Pair
from studio.handouts.services import copies_of, fetch_copy, hand_out_copy
from studio.ledger.models import Entry
from studio.takes.models import Take
from studio.takes.storage import sha256_of
from studio.tenancy.actors import MACHINE_OPERATOR
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.handouts.conftest import FPS, SECONDS, SIZE, House

pytestmark = pytest.mark.django_db

JURY = "Festival jury, Ms Ito"


def files_kept() -> set[str]:
    root = Path(settings.MEDIA_DIR) / "copies"
    return {path.name for path in root.rglob("*") if path.is_file()} if root.is_dir() else set()


def test_a_copy_is_signed_and_read_back_and_names_its_take_but_nobody(house: House, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    copy = hand_out_copy(
        house.take, f"  {JURY} ", actor=house.supervisor, on_progress=lambda *step: told.append(step)
    )
    factories.check_deferred_constraints()
    assert copy.recipient == JURY
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["encoding", "putting together", "signing", "checking"]
    assert [share for _, share in told] == sorted(share for _, share in told)

    out = tmp_path / "copy.mp4"
    fetch_copy(copy, out, actor=house.supervisor)
    assert sha256_of(out) == copy.sha256 == copy.signed_sha256 == copy.checked_sha256
    credential = read_credential(out, trust_anchors())
    assert credential.state is CredentialState.TRUSTED
    assert credential.history_intact
    assert credential.ai_generated
    assert credential.parent_manifest_id == house.take.master.credential.manifest_id
    assert credential.manifest_id == copy.manifest_id != credential.parent_manifest_id
    content = out.read_bytes()
    assert JURY.encode() not in content
    assert str(copy.pk).encode() in content

    info = probe(out)
    assert (info.width, info.height, info.fps) == (*SIZE, FPS)
    assert sum(1 for _ in read_frames(out, threads=1)) == SECONDS * int(FPS)
    assert list(tmp_path.iterdir()) == [out]
    assert list(Path(settings.WORK_DIR).glob("copy-*")) == []

    events = list(Entry.objects.filter(event__startswith="copy.").order_by("id"))
    assert [entry.event for entry in events] == ["copy.pair_made", "copy.handed_out", "copy.fetched"]
    assert all(entry.actor_id == house.supervisor.pk for entry in events)
    assert JURY not in json.dumps([entry.details for entry in events])
    assert copy.word not in json.dumps([entry.details for entry in events])


def test_asking_again_gives_the_same_copy(house: House, pair: Pair) -> None:
    first = hand_out_copy(house.take, JURY, actor=house.supervisor)
    again = hand_out_copy(house.take, JURY.upper(), actor=house.supervisor)
    other = hand_out_copy(house.take, "Distributor", actor=house.supervisor)
    assert again.pk == first.pk
    assert other.word != first.word
    assert other.sha256 != first.sha256
    assert [copy.pk for copy in copies_of(house.take, actor=house.supervisor)] == [first.pk, other.pk]
    assert Pair.objects.count() == 1
    assert len(files_kept()) >= 4


@pytest.mark.parametrize("role", [Role.ARTIST, Role.AUDITOR])
def test_only_leads_hand_out_list_and_fetch(house: House, role: Role) -> None:
    person = factories.make_person(house.studio, role)
    with pytest.raises(NotAllowed, match="hand out copies"):
        hand_out_copy(house.take, JURY, actor=person)
    with pytest.raises(NotAllowed):
        copies_of(house.take, actor=person)
    stranger = factories.make_person(factories.make_studio("rivals"), Role.SUPERVISOR)
    with pytest.raises(NotAllowed):
        hand_out_copy(house.take, JURY, actor=stranger)
    assert not Copy.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "line\u2028break\x07"])
def test_a_name_that_cannot_be_is_refused(house: House, name: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        hand_out_copy(house.take, name, actor=house.supervisor)
    assert refusal.value.hint


def test_a_take_in_review_is_not_handed_out(house: House) -> None:
    Take.objects.filter(pk=house.take.pk).update(state=Take.State.IN_REVIEW)
    house.take.refresh_from_db()
    with pytest.raises(TakeNotReleased, match="in review"):
        hand_out_copy(house.take, JURY, actor=house.supervisor)


def test_a_short_take_is_refused_before_anything_is_encoded(house: House) -> None:
    short = factories.make_published_take(factories.make_shot(house.studio, code="SHORT"), house.artist)
    assert short.master.duration_seconds == 2
    with pytest.raises(SlateError, match="4 half seconds") as refusal:
        hand_out_copy(short, JURY, actor=MACHINE_OPERATOR)
    assert refusal.value.code == "take_too_short"
    assert "6 s" in refusal.value.hint
    assert not Pair.objects.exists()


def test_a_damaged_encoding_is_noticed_and_nothing_is_handed_out(house: House, pair: Pair) -> None:
    with default_storage.open(pair.second_storage_name, "rb") as handle:
        content = bytearray(handle.read())
    content[len(content) // 2] ^= 0xFF
    default_storage.delete(pair.second_storage_name)
    default_storage.save(pair.second_storage_name, ContentFile(bytes(content)))
    before = files_kept()
    with pytest.raises(CopyUnavailable, match="damaged"):
        hand_out_copy(house.take, JURY, actor=house.supervisor)
    assert files_kept() == before
    assert not Copy.objects.exists()
    default_storage.delete(pair.second_storage_name)
    with pytest.raises(CopyUnavailable, match="not in the storage"):
        hand_out_copy(house.take, JURY, actor=house.supervisor)


def row(house: House, **fields: object) -> dict[str, object]:
    sha256 = factories.digest("a copy")
    values: dict[str, object] = {
        "take": house.take,
        "recipient": JURY,
        "word": "ABBA" * 4,
        "sha256": sha256,
        "storage_name": "copies/x.mp4",
        "size_bytes": 1,
        "manifest_id": "urn:c2pa:copy",
        "manifest": b"manifest",
        "signed_sha256": sha256,
        "signer_serial": "1",
        "checked_sha256": sha256,
        "p_false_positive": 1e-9,
        "p_chance": 1e-5,
        "made_at": house.take.created_at,
    }
    return {**values, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"signed_sha256": "0" * 64},
        {"checked_sha256": "0" * 64},
        {"p_chance": 0.01},
        {"p_false_positive": 0.01},
        {"word": ""},
        {"word": "ABC"},
        {"size_bytes": 0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_the_database_takes_no_copy_that_is_not_proven(house: House, fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Copy.objects.create(**row(house, **fields))


def test_one_recipient_has_one_copy_and_one_word_has_one_recipient(house: House) -> None:
    Copy.objects.create(**row(house))
    for twin in (
        row(house, recipient=JURY.lower(), word="AAAA" * 4, manifest_id="urn:c2pa:2"),
        row(house, recipient="Distributor", manifest_id="urn:c2pa:2"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Copy.objects.create(**twin)


@pytest.mark.parametrize("change", ["UPDATE handouts_copy SET recipient = 'x'", "DELETE FROM handouts_copy"])
def test_what_was_handed_out_is_never_changed_or_removed(house: House, change: str) -> None:
    Copy.objects.create(**row(house))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Copy.objects.get().recipient == JURY
