"""The verify page: what anybody learns about a file, and what stays inside the studio."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from studio.credentials import forms
from studio.credentials.forms import INSPECTIONS_AT_ONCE, shown_name
from tests.studio import factories
from tests.studio.finished_take import PROMPT, PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"hx-request": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """Whatever a test sends, its temporary copy must be gone afterwards."""
    yield
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def send(client: Client, content: bytes, name: str = "clip.mp4", **headers: str) -> Any:
    return client.post("/verify", {"file": SimpleUploadedFile(name, content)}, headers=headers)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_anybody_may_open_the_page(client: Client) -> None:
    page = text_of(client.get("/verify"))
    assert "Drop a clip here" in page
    assert f"Up to {settings.SLATE_UPLOAD_LIMIT_MIB} MiB" in page


def test_a_stranger_learns_the_system_but_not_the_people(client: Client, published: PublishedTake) -> None:
    response = send(client, published.path.read_bytes())
    assert response.status_code == 200
    page = text_of(response)
    for part in (
        "Recognised",
        published.studio.name,
        "AI-generated",
        "draft",
        published.take.master.credential.manifest_id,
        "Intact and trusted",
    ):
        assert part in page
    for secret in (
        PROMPT,
        published.artist.name,
        published.shot.code,
        published.shot.sequence.production.name,
        published.shot.sequence.production.code,
        reverse("take", args=[published.take.pk]),
    ):
        assert secret not in page


def test_a_member_gets_the_way_to_the_take(client: Client, published: PublishedTake, stripped: Path) -> None:
    client.force_login(published.artist, backend=BACKEND)
    page = text_of(send(client, stripped.read_bytes(), **HTMX))
    assert "<html" not in page
    assert f'href="{reverse("take", args=[published.take.pk])}"' in page
    assert str(published.take) in page
    assert "The file carries no Content Credentials." in page
    assert 'class="layer layer-found"' in page


def test_a_member_of_another_studio_is_a_stranger(
    client: Client, published: PublishedTake, stripped: Path
) -> None:
    client.force_login(factories.make_person(factories.make_studio("south")), backend=BACKEND)
    page = text_of(send(client, stripped.read_bytes()))
    assert published.studio.name in page
    assert published.shot.code not in page
    assert reverse("take", args=[published.take.pk]) not in page


def test_an_unknown_clip_is_not_recognised_and_never_called_fake(client: Client, real_media: Path) -> None:
    clip = real_media / "intel-sample-videos" / "bottle-detection.mp4"
    response = send(client, clip.read_bytes(), clip.name)
    assert response.status_code == 200
    verdict = text_of(response).split('class="explain"')[0].lower()
    assert "not recognised" in verdict
    assert clip.name in verdict
    for word in ("fake", "authentic", "genuine", "ai-generated"):
        assert word not in verdict


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "empty.mp4", "empty.mp4 is empty: it has 0 bytes."),
        (b"hello, this is no film" * 20, "text.mp4", "text.mp4 does not begin like any media file"),
        (b"\x00" * 5000, "zeros.mov", "zeros.mov does not begin like any media file"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "list.m3u8", "list.m3u8"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_file_that_is_no_media_is_refused_by_its_own_name(
    client: Client, content: bytes, name: str, reason: str, headers: dict[str, str]
) -> None:
    response = send(client, content, name, **headers)
    assert response.status_code == 422
    page = text_of(response)
    assert reason in page
    assert "error-hint" in page
    assert ".upload" not in page


def test_a_truncated_clip_is_refused_with_a_reason(client: Client, published: PublishedTake) -> None:
    whole = published.path.read_bytes()
    for share in (0.5, 0.02):
        response = send(client, whole[: int(len(whole) * share)], "half.mp4")
        page = text_of(response)
        if response.status_code == 200:
            # Enough was left to recognise it; then it must not count as intact.
            assert 'class="verdict verdict-recognised"' not in page
        else:
            assert response.status_code == 422
            assert "half.mp4" in page
            assert "error-hint" in page
        assert ".upload" not in page


def test_nothing_chosen_is_said_so(client: Client) -> None:
    response = client.post("/verify", {})
    assert response.status_code == 422
    assert "No file was sent." in text_of(response)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_file_over_the_limit_is_refused_with_the_limit(client: Client, headers: dict[str, str]) -> None:
    with override_settings(SLATE_UPLOAD_LIMIT_MIB=1):
        response = send(client, bytes(3 << 19), **headers)
    assert response.status_code == 413
    assert "larger than 1 MiB" in text_of(response)
    assert "a few seconds are enough" in text_of(response)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a" * 3000 + ".mp4",
        "clip." + "x" * 3000,
        "映画 👩‍🚀.mp4",
        "<script>alert(1)</script>.mp4",
        "nul\x00inside.mp4",
        "line\nbreak.mp4",
        ".",
    ],
)
def test_a_strange_file_name_is_only_a_name(client: Client, name: str) -> None:
    body = (
        b'--slate\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode("utf-8", "surrogatepass")
        + b'"\r\nContent-Type: video/mp4\r\n\r\nno film\r\n--slate--\r\n'
    )
    response = client.post("/verify", body, content_type="multipart/form-data; boundary=slate")
    assert response.status_code in (400, 422)
    assert b"<script>alert" not in response.content
    assert b"etc/passwd" not in response.content


@pytest.mark.parametrize(
    ("name", "shown"),
    [(None, "file"), ("", "file"), ("a\x00\ud800b.mp4", "ab.mp4"), ("x" * 300 + ".mp4", "x" * 196 + ".mp4")],
)
def test_a_shown_name_is_printable_and_short(name: str | None, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--slate",
        b"garbage",
        b'--slate\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
    ],
)
def test_a_malformed_upload_is_an_answer_not_a_crash(client: Client, body: bytes) -> None:
    response = client.post("/verify", body, content_type="multipart/form-data; boundary=slate")
    assert response.status_code in (400, 422)


def test_more_inspections_than_places_are_asked_to_come_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = threading.BoundedSemaphore(INSPECTIONS_AT_ONCE)
    monkeypatch.setattr(forms, "_places", places)
    for _ in range(INSPECTIONS_AT_ONCE):
        places.acquire()
    response = send(client, b"anything")
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "Try again in a few seconds" in text_of(response)
    places.release()
    assert send(client, b"anything").status_code == 422
    assert places.acquire(blocking=False), "the place must be free again after a refused file"


def test_the_page_needs_no_token_because_it_changes_nothing() -> None:
    assert send(Client(enforce_csrf_checks=True), b"anything").status_code == 422
