"""Whether the installation can do its work, and what it says when it cannot."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client, override_settings

from studio.web.health import Finding, Remembered, database, examine, storage, trust, worker

pytestmark = pytest.mark.django_db


def report_heartbeat(age_s: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
            [age_s],
        )


def test_the_process_answers_without_the_database(client: Client, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"ok": True}
    assert "no-store" in response["Cache-Control"]


def test_readiness_has_one_entry_per_check_and_fails_with_any(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    answer = response.json()
    assert answer["ready"] is False
    assert set(answer["checks"]) == {"database", "storage", "worker", "trust"}
    assert answer["checks"]["worker"] == {"ok": False, "sentence": "No worker has reported."}
    report_heartbeat(1)
    response = client.get("/readyz")
    assert response.status_code == 200, response.json()
    assert response.json()["ready"] is True


@pytest.mark.parametrize(("age_s", "ok"), [(0, True), (55, True), (65, False), (3600, False)])
def test_a_worker_counts_as_present_for_a_minute(age_s: float, ok: bool) -> None:
    report_heartbeat(age_s)
    assert worker().ok is ok


def test_the_youngest_heartbeat_counts() -> None:
    report_heartbeat(9999)
    report_heartbeat(2)
    assert worker().ok


def test_the_storage_check_writes_and_leaves_nothing() -> None:
    assert storage().ok
    folders, files = default_storage.listdir("health")
    assert (folders, files) == ([], [])


def test_a_storage_that_cannot_be_written_is_named_without_a_path(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    broken = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(blocked / "below")},
        },
    }
    with override_settings(STORAGES=broken):
        finding = storage()
    assert not finding.ok
    assert str(tmp_path) not in finding.sentence


def test_the_trust_check_really_signs_and_reads() -> None:
    assert trust().ok


def test_the_database_check_asks_the_database(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        assert database().ok


def test_a_costly_check_runs_once_a_minute() -> None:
    now = [100.0]
    calls = []

    def check() -> Finding:
        calls.append(now[0])
        return Finding(True, str(len(calls)))

    remembered = Remembered(check, kept_s=60.0, clock=lambda: now[0])
    assert [remembered().sentence, remembered().sentence] == ["1", "1"]
    now[0] += 59.9
    assert remembered().sentence == "1"
    now[0] += 0.2
    assert remembered().sentence == "2"


def test_every_check_is_asked_even_after_one_failed() -> None:
    findings = examine({"one": lambda: Finding(False, "no"), "two": lambda: Finding(True, "yes")})
    assert [finding.ok for finding in findings.values()] == [False, True]
