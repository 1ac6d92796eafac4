"""The files of takes over HTTP: whole, by range, and for members only."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.files.storage import default_storage
from django.test import AsyncClient, Client
from django.urls import reverse

from studio.takes.ranges import ByteRange
from studio.takes.serving import CHUNK_BYTES, read_span, safe_file_name
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def content(published: PublishedTake) -> str:
    return reverse("rendition-content", args=[published.take.master.pk])


@pytest.fixture
def member(client: Client, published: PublishedTake) -> Client:
    client.force_login(published.artist, backend=BACKEND)
    return client


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_member_gets_the_very_bytes_that_were_signed(
    member: Client, content: str, published: PublishedTake
) -> None:
    response = member.get(content)
    assert response.status_code == 200
    received = body(response)
    assert received == published.path.read_bytes()
    assert response["ETag"] == f'"{hashlib.sha256(received).hexdigest()}"'
    assert response["Content-Length"] == str(len(received))
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("inline")
    assert "private" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("header", "start", "stop"), [("bytes=0-1", 0, 2), ("bytes=1000-", 1000, None), ("bytes=-7", -7, None)]
)
def test_a_range_is_answered_with_206_and_its_bytes(
    member: Client, content: str, published: PublishedTake, header: str, start: int, stop: int | None
) -> None:
    whole = published.path.read_bytes()
    response = member.get(content, headers={"range": header})
    assert response.status_code == 206
    part = body(response)
    assert part == whole[start:stop]
    first = start % len(whole)
    assert response["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
    assert response["Content-Length"] == str(len(part))


def test_a_range_outside_the_file_is_answered_with_416_and_the_length(
    member: Client, content: str, published: PublishedTake
) -> None:
    size = published.path.stat().st_size
    response = member.get(content, headers={"range": f"bytes={size}-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{size}"


def test_several_ranges_at_once_get_the_whole_file(
    member: Client, content: str, published: PublishedTake
) -> None:
    response = member.get(content, headers={"range": "bytes=0-1,5-6"})
    assert response.status_code == 200
    assert body(response) == published.path.read_bytes()


def test_a_range_of_another_version_gets_the_whole_file(member: Client, content: str) -> None:
    response = member.get(content, headers={"range": "bytes=0-1", "if-range": '"something else"'})
    assert response.status_code == 200
    etag = member.head(content)["ETag"]
    assert member.get(content, headers={"range": "bytes=0-1", "if-range": etag}).status_code == 206


def test_head_tells_the_length_and_sends_nothing(
    member: Client, content: str, published: PublishedTake
) -> None:
    response = member.head(content, headers={"range": "bytes=0-1"})
    assert response.status_code == 200
    assert response["Content-Length"] == str(published.path.stat().st_size)
    assert body(response) == b""


def test_an_unchanged_file_is_not_sent_again(member: Client, content: str) -> None:
    etag = member.head(content)["ETag"]
    response = member.get(content, headers={"if-none-match": etag})
    assert response.status_code == 304
    assert response["ETag"] == etag


def test_a_download_is_named_after_production_shot_and_version(
    member: Client, published: PublishedTake
) -> None:
    response = member.get(reverse("rendition-download", args=[published.take.master.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="secret-project_ZZTOP_0420_v001.mp4"'


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b\\c.mp4", "a_b_c.mp4"),
        ('x"; filename="evil.exe', "x_; filename=_evil.exe"),
        ("line\r\nSet-Cookie: a=b.mp4", "line__Set-Cookie_ a=b.mp4"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("Aufnahme Äöü 映画.mp4", "Aufnahme Äöü 映画.mp4"),
        ("...", "take.mp4"),
    ],
)
def test_a_file_name_can_never_leave_its_header(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def test_strangers_cannot_tell_a_foreign_file_from_a_missing_one(
    client: Client, content: str, published: PublishedTake
) -> None:
    stranger = factories.make_person(factories.make_studio("south"))
    client.force_login(stranger, backend=BACKEND)
    missing = reverse("rendition-content", args=[uuid4()])
    foreign_answer, missing_answer = client.get(content), client.get(missing)
    assert foreign_answer.status_code == missing_answer.status_code == 404
    for header in ("bytes=0-1", "bytes=99999999999-"):
        assert client.get(content, headers={"range": header}).status_code == 404


def test_nobody_gets_a_byte_without_logging_in(client: Client, content: str) -> None:
    response = client.get(content)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_what_is_not_published_cannot_be_fetched_by_anybody(client: Client, db: None) -> None:
    studio = factories.make_studio("north")
    artist = factories.make_person(studio)
    rendition = factories.make_rendition(factories.make_take(factories.make_shot(studio), artist))
    client.force_login(artist, backend=BACKEND)
    for name in ("rendition-content", "rendition-download"):
        assert client.get(reverse(name, args=[rendition.pk])).status_code == 404


def test_a_file_missing_from_the_storage_is_said_so(
    member: Client, content: str, published: PublishedTake
) -> None:
    default_storage.delete(published.take.master.storage_name)
    response = member.get(content, headers={"accept": "application/json"})
    assert response.status_code == 503
    assert response.json()["code"] == "rendition.file_unavailable"


def test_reading_a_span_never_holds_more_than_a_chunk(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path / "file"
    path.write_bytes(data)
    parts = list(read_span(path.open("rb"), ByteRange(5, len(data) - 1)))
    assert b"".join(parts) == data[5:]
    assert max(map(len, parts)) <= CHUNK_BYTES


def test_the_async_server_streams_the_same_range(content: str, published: PublishedTake) -> None:
    """Under ASGI the bytes come through an async iterator, so that a long file never lies in memory."""

    async def fetch() -> tuple[int, bytes]:
        client = AsyncClient()
        await sync_to_async(client.force_login)(published.artist, backend=BACKEND)
        response = await client.get(content, headers={"range": "bytes=100-99999"})
        assert response.is_async
        return response.status_code, b"".join([part async for part in response.streaming_content])

    # async_to_sync keeps the database work in this thread, inside the test's transaction.
    assert async_to_sync(fetch)() == (206, published.path.read_bytes()[100:100000])
