"""The pages of banks, works and ingests: what each role sees, changes and reads there, and sends through the API."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.ledger.models import Entry
from studio.references.adding import add_works
from studio.references.models import Bank, Ingest, IngestFile, Work
from studio.references.services import (
    get_or_create_bank,
    quarantine_work,
    share_bank,
    store_fingerprints,
    withdraw_work,
)
from studio.references.views import WORKS_PER_PAGE
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.references.test_ingests import carried
from tests.studio.references.test_storing import some_clip

BACKEND = "django.contrib.auth.backends.ModelBackend"
HASH = "d8f8f0cce0f4a84f0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


def signed_in(studio: Studio, role: Role) -> Client:
    client = Client()
    client.force_login(factories.make_person(studio, role), backend=BACKEND)
    return client


@pytest.fixture
def member(house: Studio) -> Client:
    return signed_in(house, Role.ARTIST)


@pytest.fixture
def manager(house: Studio) -> Client:
    return signed_in(house, Role.PRODUCTION_MANAGER)


@pytest.fixture
def bank(house: Studio) -> Bank:
    return get_or_create_bank(house, "Known films")


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


class TestBanks:
    def test_without_banks_the_page_says_how_to_make_one(self, member: Client, manager: Client) -> None:
        assert "references add FOLDER --bank NAME" in text_of(manager.get("/references"))
        assert "A production manager or a supervisor can" in text_of(member.get("/references"))

    def test_banks_are_listed_with_what_they_hold(self, member: Client, bank: Bank) -> None:
        assert "none yet" in text_of(member.get("/references"))
        assert "The bank is empty" in text_of(member.get(reverse("bank", args=[bank.pk])))
        factories.make_work(bank, "A film with a title & a sign")
        page = text_of(member.get("/references"))
        assert "Known films" in page
        assert "<strong>1</strong> work" in page
        assert "<strong>10 s</strong>" in page
        assert "reviewed at 1 in 1,000, blocked at 1 in a million" in page
        works = text_of(member.get(reverse("bank", args=[bank.pk])))
        assert "A film with a title &amp; a sign" in works
        assert "0:10.0" in works

    def test_a_manager_makes_a_bank_and_a_member_does_not(self, member: Client, manager: Client) -> None:
        fields = {
            "name": "Trailers",
            "kind": "protected",
            "description": "",
            "studio": Studio.objects.get().pk,
        }
        assert member.get("/references/new").status_code == 403
        assert member.post("/references/new", fields).status_code == 403
        answer = manager.post("/references/new", fields)
        made = Bank.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, reverse("bank", args=[made.pk]))
        again = manager.post("/references/new", fields)
        assert again.status_code == 422
        assert "already" in text_of(again)

    def test_common_content_is_one_button(self, manager: Client, member: Client) -> None:
        assert member.post("/references/common").status_code == 403
        answer = manager.post("/references/common")
        ingest = Ingest.objects.get()
        assert answer["Location"] == reverse("ingest", args=[ingest.pk])
        assert ingest.bank.is_common
        assert ingest.files.count() == 7
        assert "Countdown leader" in text_of(manager.get(answer["Location"]))

    def test_a_large_bank_is_shown_page_by_page(self, member: Client, bank: Bank) -> None:
        Work.objects.bulk_create(
            Work(
                bank=bank,
                title=f"Work {number:03d}",
                sha256=factories.digest(str(number)),
                duration_seconds=1.0,
                width=64,
                height=64,
            )
            for number in range(WORKS_PER_PAGE + 1)
        )
        address = reverse("bank", args=[bank.pk])
        last = f"Work {WORKS_PER_PAGE:03d}"
        first, second = text_of(member.get(address)), text_of(member.get(f"{address}?page=2"))
        assert "Work 000" in first
        assert last not in first
        assert last in second
        for odd in ("abc", "-1", "999", "\x00", "9" * 5000):
            for field in ("page", "q", "status"):
                assert member.get(address, {field: odd}).status_code == 200

    def test_works_are_found_by_title_and_standing(self, member: Client, bank: Bank) -> None:
        for title in ("Dawn", "Dusk", "Night"):
            factories.make_work(bank, title)
        withdraw_work(Work.objects.get(title="Dusk"), "Its licence ended.")
        address = reverse("bank", args=[bank.pk])
        assert "3 works" in text_of(member.get(address))
        page = text_of(member.get(address, {"q": "d", "status": "active"}))
        assert "Dawn" in page
        assert "Dusk" not in page.split('id="works"')[1]
        assert "No work fits" in text_of(member.get(address, {"q": "noon"}))

    def test_thresholds_are_changed_by_those_who_may(
        self, manager: Client, member: Client, bank: Bank
    ) -> None:
        address = reverse("bank-settings", args=[bank.pk])
        fields = {
            "name": "Films",
            "kind": "protected",
            "description": "",
            "review_at": "0.01",
            "block_at": "1e-08",
        }
        assert "1 in 1,000" in text_of(member.get(address))
        assert member.post(address, fields).status_code == 403
        assert manager.post(address, fields)["Location"] == address
        bank.refresh_from_db()
        assert (bank.name, bank.review_at, bank.block_at) == ("Films", 1e-2, 1e-8)
        odd = manager.post(address, {**fields, "review_at": "1e-05", "block_at": "1e-05"})
        assert odd.status_code == 422
        assert "surer" in text_of(odd)
        assert manager.post(address, {**fields, "review_at": "0.5"}).status_code == 422


class TestSharing:
    @pytest.fixture
    def reader(self) -> Client:
        return signed_in(factories.make_studio("south"), Role.OPERATOR)

    def test_a_shared_bank_is_seen_and_not_changed_next_door(
        self, manager: Client, reader: Client, bank: Bank
    ) -> None:
        work = factories.make_work(bank, "A film")
        page, shares = reverse("bank", args=[bank.pk]), reverse("bank-share", args=[bank.pk])
        assert reader.get(page).status_code == 404
        assert "no studio" in text_of(manager.post(shares, {"slug": "nowhere"}))
        assert manager.post(shares, {"slug": "south"}).status_code == 303
        assert "South Pictures" in text_of(manager.get(reverse("bank-settings", args=[bank.pk])))
        assert "Shared with 1 studio" in text_of(manager.get("/references"))
        assert "Shared by North Pictures" in text_of(reader.get("/references"))
        seen = text_of(reader.get(page))
        assert "A film" in seen
        assert "read-only" in seen
        assert "Drop films" not in seen
        assert reader.get(reverse("work", args=[work.pk])).status_code == 200
        for name in ("bank-settings", "bank-share", "bank-import", "bank-upload"):
            answer = reader.post(reverse(name, args=[bank.pk]), {"slug": "east"})
            assert answer.status_code == 403
            assert "shares it with your studio for reading only" in text_of(answer)
        assert reader.get(reverse("bank-export", args=[bank.pk])).status_code == 403
        assert reader.post(reverse("work-delete", args=[work.pk])).status_code == 403
        gone = manager.post(reverse("bank-unshare", args=[bank.pk, Studio.objects.get(slug="south").pk]))
        assert gone.status_code == 303
        assert reader.get(page).status_code == 404

    def test_how_a_bank_was_filled_stays_with_its_owner(
        self, reader: Client, bank: Bank, manager: Client
    ) -> None:
        share_bank(bank, "south")
        manager.post("/references/common")
        ingest = Ingest.objects.get()
        assert manager.get(reverse("ingest", args=[ingest.pk])).status_code == 200
        assert reader.get(reverse("ingest", args=[ingest.pk])).status_code == 404


class TestWorks:
    @pytest.fixture
    def film(self, bank: Bank, real_media: Path) -> Work:
        (file,) = add_works(bank, [real_media / "imageio" / "realshort.mp4"])
        assert file.work is not None, file.reason
        return file.work

    def test_a_work_shows_its_proxy_and_what_can_be_recognised(self, member: Client, film: Work) -> None:
        page = text_of(member.get(reverse("work", args=[film.pk])))
        for part in ("realshort.mp4", "What can be recognised", "None of your takes", film.sha256, "320×240"):
            assert part in page
        assert "Withdraw" not in page, "an artist may not"
        proxy = film.files.get(kind="proxy")
        address = reverse("work-file", args=[proxy.pk])
        assert address in page
        whole = member.get(address)
        assert whole["Content-Type"] == "video/mp4"
        assert len(b"".join(whole.streaming_content)) == proxy.size_bytes
        part = member.get(address, headers={"range": "bytes=10-19"})
        assert (part.status_code, part["Content-Range"]) == (206, f"bytes 10-19/{proxy.size_bytes}")
        assert member.get(address, headers={"if-none-match": whole["ETag"]}).status_code == 304
        assert Client().get(address).status_code == 302

    def test_a_work_of_hashes_alone_is_shown_without_a_picture(self, member: Client, bank: Bank) -> None:
        work = factories.make_work(bank)
        Work.objects.filter(pk=work.pk).update(width=None, height=None, origin="import")
        store_fingerprints(some_clip(), work=work)
        page = text_of(member.get(reverse("work", args=[work.pk])))
        assert "Only hashes of this work are here" in page
        assert "hashes only" in text_of(member.get(reverse("bank", args=[bank.pk])))

    def test_a_work_is_withdrawn_with_a_reason_and_brought_back(
        self, manager: Client, member: Client, bank: Bank
    ) -> None:
        work = factories.make_work(bank)
        address, page = reverse("work-standing", args=[work.pk]), reverse("work", args=[work.pk])
        fields = {"action": "withdraw", "reason": "Its licence ended."}
        assert member.post(address, fields).status_code == 403
        assert manager.post(address, {**fields, "reason": " "}).status_code == 422
        assert manager.post(address, {**fields, "action": "burn"}).status_code == 422
        assert manager.post(address, fields)["Location"] == page
        assert "Its licence ended." in text_of(member.get(page))
        assert "Withdrawn" in text_of(member.get(reverse("bank", args=[bank.pk])))
        assert manager.post(address, fields).status_code == 409
        assert manager.post(address, {"action": "restore"}).status_code == 303
        quarantine_work(work, "It matched everything.")
        assert "It matched everything." in text_of(member.get(page))
        assert manager.post(address, {"action": "release"}).status_code == 303
        assert Work.objects.searchable().filter(pk=work.pk).exists()

    def test_notes_are_written_and_a_work_is_deleted(self, manager: Client, bank: Bank) -> None:
        work = factories.make_work(bank)
        fields = {"title": "New title", "owner": "Ada", "licence": "", "source": "a tape"}
        assert manager.post(reverse("work-notes", args=[work.pk]), fields).status_code == 303
        assert manager.post(reverse("work-notes", args=[work.pk]), {**fields, "title": ""}).status_code == 422
        assert "New title" in text_of(manager.get(reverse("work", args=[work.pk])))
        answer = manager.post(reverse("work-delete", args=[work.pk]))
        assert answer["Location"] == reverse("bank", args=[bank.pk])
        assert not Work.objects.exists()


class TestExchange:
    def test_a_bank_is_exported_and_imported_by_the_page(self, manager: Client, bank: Bank) -> None:
        store_fingerprints(some_clip(), work=factories.make_work(bank, "A film"))
        exported = manager.get(reverse("bank-export", args=[bank.pk]), {"format": "csv"})
        content = b"".join(exported.streaming_content)
        assert exported["Content-Disposition"] == 'attachment; filename="Known films.csv"'
        assert content.count(b"\n") == 41
        assert Entry.objects.filter(event="bank.exported").exists()
        assert manager.get(reverse("bank-export", args=[bank.pk]), {"format": "exe"}).status_code == 422
        other = get_or_create_bank(bank.studio, "Copy")
        answer = manager.post(
            reverse("bank-import", args=[other.pk]), {"file": SimpleUploadedFile("bank.csv", content)}
        )
        assert "1 work with 40 hashes imported" in text_of(answer)
        assert other.works.get().title == "A film"

    def test_bad_lines_are_listed_and_nothing_is_taken(self, manager: Client, bank: Bank) -> None:
        listed = SimpleUploadedFile("list.txt", f"{HASH}\n<b>no hash</b>\n".encode())
        answer = manager.post(reverse("bank-import", args=[bank.pk]), {"file": listed})
        assert answer.status_code == 422
        page = text_of(answer)
        assert "line 2" in page
        assert "&lt;b&gt;no hash" in page
        assert not Work.objects.exists()
        assert manager.post(reverse("bank-import", args=[bank.pk])).status_code == 422


class TestIngestPages:
    def test_files_are_added_without_scripts_and_reported_one_by_one(
        self, manager: Client, member: Client, bank: Bank, real_media: Path
    ) -> None:
        still = (real_media / "imageio" / "coins.png").read_bytes()
        files = [
            SimpleUploadedFile("coins.png", still),
            SimpleUploadedFile("words.mp4", b"no film at all\n" * 20),
            SimpleUploadedFile("empty.mp4", b""),
        ]
        address = reverse("bank-upload", args=[bank.pk])
        assert member.post(address, {"files": files}).status_code == 403
        for file in files:
            file.seek(0)
        answer = manager.post(address, {"files": files})
        ingest = Ingest.objects.get()
        report = reverse("ingest", args=[ingest.pk])
        assert (answer.status_code, answer["Location"]) == (303, report)
        waiting = manager.get(report)
        assert 'hx-trigger="every 1s"' in text_of(waiting)
        assert "No worker is there" in text_of(waiting)
        for file in ingest.files.filter(state="waiting"):
            carried(file)
        page = text_of(manager.get(report))
        assert "every 1s" not in page
        for part in (
            "Finished",
            "coins.png",
            "does not begin like any media file",
            "0 bytes",
            "Try failed files",
        ):
            assert part in page
        failed = text_of(manager.get(report, {"show": "failed"}))
        assert "words.mp4" in failed
        assert "coins.png" not in failed
        assert member.post(reverse("ingest-retry", args=[ingest.pk])).status_code == 403
        assert manager.post(reverse("ingest-retry", args=[ingest.pk])).status_code == 303
        assert list(ingest.files.filter(state="waiting").values_list("name", flat=True)) == ["words.mp4"]
        assert manager.post(address).status_code == 422

    def test_scripts_send_files_in_parts_through_the_api(
        self, manager: Client, member: Client, bank: Bank, real_media: Path
    ) -> None:
        content = (real_media / "imageio" / "coins.png").read_bytes()
        body = json.dumps({"files": [{"name": "coins.png", "size_bytes": len(content)}]})
        address = f"/api/v1/banks/{bank.pk}/ingests"
        refused = member.post(address, body, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission.denied")
        begun = manager.post(address, body, content_type="application/json")
        assert begun.status_code == 202
        (row,) = begun.json()["files"]
        half = len(content) // 2
        raw = {"content_type": "application/octet-stream"}
        first = manager.post(f"{row['parts']}?offset=0", content[:half], **raw)
        assert (first.status_code, first.json()["received_bytes"]) == (200, half)
        again = manager.post(f"{row['parts']}?offset=0", content[:half], **raw)
        assert (again.status_code, again.json()["message"].split()[0]) == (409, str(half))
        assert member.post(f"{row['parts']}?offset={half}", content[half:], **raw).status_code == 403
        last = manager.post(f"{row['parts']}?offset={half}", content[half:], **raw)
        assert last.json()["state"] == "waiting"
        assert carried(IngestFile.objects.get()).state == "added"
        told = manager.get(f"/api/v1/ingests/{begun.json()['id']}").json()
        assert (told["state"], told["files"][0]["state"]) == ("finished", "added")

    def test_the_api_reads_banks_and_works(self, member: Client, bank: Bank) -> None:
        work = factories.make_work(bank)
        poster = factories.make_work_file(work)
        (listed,) = member.get("/api/v1/banks").json()["items"]
        assert (listed["name"], listed["works"], listed["is_shared"]) == ("Known films", 1, False)
        assert member.get(f"/api/v1/banks/{bank.pk}").json() == listed
        (one,) = member.get(f"/api/v1/banks/{bank.pk}/works").json()["items"]
        assert one["poster"] == reverse("work-file", args=[poster.pk])
        assert one["proxy"] is None
        assert member.get(f"/api/v1/works/{work.pk}").json() == one
