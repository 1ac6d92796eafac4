"""What each operation of the API does."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from studio.runs.attempts import claim_run, end_attempt
from studio.runs.models import Attempt, Run
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.finished_take import PROMPT, PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


def signed_in(studio: Studio, role: Role = Role.ARTIST) -> Client:
    client = Client()
    client.force_login(factories.make_person(studio, role), backend=BACKEND)
    return client


def post(client: Client, address: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"/api/v1{address}", body or {}, content_type="application/json")


def test_productions_come_in_pages_that_new_ones_do_not_shift(house: Studio) -> None:
    client = signed_in(house)
    made = [factories.make_production(house, f"p{number}") for number in range(3)]
    first = client.get("/api/v1/productions?limit=2").json()
    assert [item["code"] for item in first["items"]] == ["p0", "p1"]
    factories.make_production(house, "p3")
    rest = client.get(f"/api/v1/productions?after={first['next_after']}").json()
    assert [item["code"] for item in rest["items"]] == ["p2", "p3"]
    assert rest["next_after"] is None
    one = client.get(f"/api/v1/productions/{made[0].pk}").json()
    assert one == {
        "id": str(made[0].pk),
        "studio_id": str(house.pk),
        "code": "p0",
        "name": "First Light",
        "raster_width": 512,
        "raster_height": 288,
        "fps": "24",
        "mark_profile": "clean",
        "created_at": one["created_at"],
    }


def test_a_shot_names_its_takes_newest_first(house: Studio) -> None:
    artist = factories.make_person(house)
    shot = factories.make_shot(house, code="SH010", description="A car")
    takes = [factories.make_take(shot, artist) for _ in range(3)]
    client = signed_in(house)
    listed = client.get(f"/api/v1/productions/{shot.sequence.production_id}/shots").json()["items"]
    assert listed == [client.get(f"/api/v1/shots/{shot.pk}").json()]
    assert listed[0]["code"] == "SH010"
    assert listed[0]["sequence_code"] == "SEQ010"
    assert listed[0]["take_ids"] == [str(take.pk) for take in reversed(takes)]


def test_a_run_is_queued_followed_and_cancelled(house: Studio) -> None:
    client = signed_in(house)
    shot = factories.make_shot(house)
    wish = {"prompt": "  a red car ", "seconds": 1.5, "seed": 42, "width": 320, "height": 180}
    response = post(client, f"/shots/{shot.pk}/runs", wish)
    assert response.status_code == 202
    run = response.json()
    assert (run["state"], run["prompt"], run["seed"]) == ("queued", "a red car", 42)
    assert (run["width"], run["height"], run["duration_frames"], run["fps"]) == (320, 180, 36, "24")
    assert client.get(f"/api/v1/runs/{run['id']}").json() == run
    cancelled = post(client, f"/runs/{run['id']}/cancel")
    assert cancelled.status_code == 200
    assert cancelled.json()["state"] == "cancelled"
    again = post(client, f"/runs/{run['id']}/cancel")
    assert again.status_code == 409
    assert again.json()["code"] == "run.ended"


def test_a_run_without_a_size_is_made_in_the_productions_raster(house: Studio) -> None:
    shot = factories.make_shot(house)
    run = post(signed_in(house), f"/shots/{shot.pk}/runs", {"prompt": "a red car"}).json()
    assert (run["width"], run["height"]) == (512, 288)


def test_a_failed_run_tells_its_error(house: Studio) -> None:
    run = factories.make_run(factories.make_shot(house), factories.make_person(house))
    claim = claim_run(run.pk, "worker")
    assert claim is not None
    end_attempt(
        claim, Run.State.FAILED, Attempt.Outcome.FAILED, code="x.y", message="No memory.", hint="Shorter."
    )
    answer = signed_in(house).get(f"/api/v1/runs/{run.pk}").json()
    assert answer["error"] == {"code": "x.y", "message": "No memory.", "hint": "Shorter."}
    assert answer["take_id"] is None


def test_prompts_are_hidden_from_auditors_and_generating_is_not_theirs(published: PublishedTake) -> None:
    run = Run.objects.get(take=published.take)
    for role, reads in ((Role.SUPERVISOR, True), (Role.AUDITOR, False)):
        client = signed_in(published.studio, role)
        run_answer = client.get(f"/api/v1/runs/{run.pk}")
        take_answer = client.get(f"/api/v1/takes/{published.take.pk}")
        assert (PROMPT in run_answer.content.decode()) is reads
        assert (PROMPT in take_answer.content.decode()) is reads
        assert take_answer.json()["recipe"]["seed"] == published.take.recipe["seed"]
    auditor = signed_in(published.studio, Role.AUDITOR)
    response = post(auditor, f"/shots/{published.shot.pk}/runs", {"prompt": "a car"})
    assert response.status_code == 403
    assert response.json()["code"] == "permission.denied"
    assert post(auditor, f"/runs/{run.pk}/cancel").status_code == 403


def test_a_take_leads_to_its_file(published: PublishedTake) -> None:
    client = signed_in(published.studio)
    take = client.get(f"/api/v1/takes/{published.take.pk}").json()
    assert (take["version"], take["state"]) == ("v001", "released")
    (rendition,) = take["renditions"]
    received = b"".join(client.get(rendition["content"]).streaming_content)
    assert received == published.path.read_bytes()
    assert len(received) == rendition["size_bytes"]


def test_a_take_that_is_not_published_has_no_file_to_fetch(house: Studio) -> None:
    artist = factories.make_person(house)
    take = factories.make_take(factories.make_shot(house), artist)
    factories.make_rendition(take)
    assert signed_in(house).get(f"/api/v1/takes/{take.pk}").json()["renditions"] == []


def test_a_take_tells_how_it_is_marked_and_what_the_mark_survives(published: PublishedTake) -> None:
    mark = signed_in(published.studio).get(f"/api/v1/takes/{published.take.pk}/watermark").json()
    record = published.take.master.watermark
    assert (mark["number"], mark["algorithm"]) == (published.take.mark_id, record.algorithm)
    assert (mark["profile"], mark["key_epoch"], mark["z"]) == (record.profile, 1, record.z)
    assert mark["certificate"] == record.certificate
    assert mark["certificate"]["psnr_db"] > 40
    assert mark["strip"] == record.strip
    assert mark["strip"][0]["start_s"] == 0.0
    assert mark["strip"][-1]["end_s"] == pytest.approx(2.0, abs=0.5)
    assert "secret" not in str(mark)


def test_a_take_that_is_not_published_has_no_watermark_to_tell_of(house: Studio) -> None:
    take = factories.make_take(factories.make_shot(house), factories.make_person(house))
    assert signed_in(house).get(f"/api/v1/takes/{take.pk}/watermark").status_code == 404


def verify(client: Client, content: bytes, name: str = "clip.mp4") -> Any:
    return client.post("/api/v1/verify", {"file": SimpleUploadedFile(name, content)})


def test_anybody_verifies_a_file_and_members_learn_which_take_it_is(
    published: PublishedTake, stripped: Path
) -> None:
    answers = {}
    for who, client in (("stranger", Client()), ("member", signed_in(published.studio))):
        response = verify(client, published.path.read_bytes(), "some name.mp4")
        assert response.status_code == 200
        answers[who] = response.json()
        assert answers[who]["outcome"] == "recognised"
        assert answers[who]["exit_status"] == 0
        assert answers[who]["file"] == "some name.mp4"
        assert answers[who]["layers"]["credential"]["state"] == "trusted"
    assert answers["member"]["take"] == str(published.take.pk)
    assert answers["stranger"]["take"] is None
    assert answers["stranger"]["studio"] == published.studio.name
    text = str(answers["stranger"])
    for secret in (PROMPT, published.artist.name, published.shot.code, published.artist.email):
        assert secret not in text
    stripped_answer = verify(Client(), stripped.read_bytes()).json()
    assert (stripped_answer["outcome"], stripped_answer["exit_status"]) == ("altered", 2)


def test_strangers_who_ask_too_often_are_told_when_to_come_back(published: PublishedTake) -> None:
    with override_settings(SLATE_ANONYMOUS_CLIPS_PER_HOUR=1):
        assert verify(Client(), b"no film at all").status_code == 422
        response = verify(Client(), b"no film at all")
        assert response.status_code == 429
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "verify.too_many"
        assert 3500 < int(response["Retry-After"]) <= 3600
        member = signed_in(published.studio)
        assert verify(member, b"no film at all").status_code == 422, "members are not counted"


def test_a_file_that_cannot_be_verified_is_a_problem() -> None:
    assert verify(Client(), b"").json()["code"] == "file_empty"
    assert verify(Client(), b"no film at all").status_code == 422
    assert Client().post("/api/v1/verify").json()["code"] == "upload.missing"
    with override_settings(SLATE_UPLOAD_LIMIT_MIB=1):
        response = verify(Client(), bytes(3 << 19))
    assert response.status_code == 413
    assert response.json()["code"] == "upload.too_large"


def test_addresses_in_answers_are_the_ones_the_pages_use(published: PublishedTake) -> None:
    take = signed_in(published.studio).get(f"/api/v1/takes/{published.take.pk}").json()
    master = published.take.master
    assert take["renditions"][0]["content"] == reverse("rendition-content", args=[master.pk])
    assert take["renditions"][0]["download"] == reverse("rendition-download", args=[master.pk])
