"""Request bodies that are too large: dropped as they come in, never passed on."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from studio.bodies import DRAINED_TIMES, ENVELOPE_BYTES, FORM_BYTES, OVER_LIMIT, LimitBodies

UPLOAD_BYTES = 1 << 20
LIMIT = UPLOAD_BYTES + ENVELOPE_BYTES
CHUNK = bytes(1 << 18)


class Recorder:
    """Reads a body like the framework does and tells what it got."""

    def __init__(self) -> None:
        self.received = 0
        self.aborted = False
        self.called = False
        self.marked = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.called = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.aborted = True
                return
            self.received += len(message["body"])
            if not message["more_body"]:
                break
        self.marked = bool(scope.get(OVER_LIMIT))


def send_body(path: str, chunks: Iterable[bytes], length: int | None) -> tuple[Recorder, list[Any], int]:
    """Returns the application, what was sent to the client, and how many chunks were taken from it."""
    recorder = Recorder()
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    taken = 0
    sent: list[Any] = []

    async def receive() -> Any:
        nonlocal taken
        taken += 1
        return messages[taken - 1]

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(LimitBodies(recorder, upload_bytes=UPLOAD_BYTES)(scope, receive, send))
    return recorder, sent, taken


def test_a_body_within_the_limit_passes_untouched() -> None:
    recorder, _, _ = send_body("/verify", [CHUNK] * 4, 4 * len(CHUNK))
    assert recorder.received == 4 * len(CHUNK)
    assert not recorder.marked


BANK = "/references/01234567-89ab-7def-8123-456789abcdef"


@pytest.mark.parametrize(
    "path",
    [
        "/verify",
        "/api/v1/verify",
        f"{BANK}/uploads",
        f"{BANK}/import",
        "/api/v1/ingest-files/01234567-89ab-7def-8123-456789abcdef/parts",
    ],
)
def test_of_an_upload_announced_too_large_not_one_byte_is_passed_on(path: str) -> None:
    recorder, _, taken = send_body(path, [CHUNK] * 12, 12 * len(CHUNK))
    assert recorder.received == 0
    assert recorder.marked
    assert taken == 13


def test_an_upload_that_hides_its_length_is_cut_at_the_limit() -> None:
    recorder, _, _ = send_body("/verify", [CHUNK] * 12, None)
    assert recorder.received <= LIMIT
    assert recorder.marked


def test_a_lying_length_changes_nothing() -> None:
    recorder, _, _ = send_body("/verify", [CHUNK] * 12, 5)
    assert recorder.received <= LIMIT
    assert recorder.marked


def test_an_endless_upload_is_cut_off() -> None:
    chunks = [CHUNK] * (LIMIT * DRAINED_TIMES // len(CHUNK) + 10)
    recorder, sent, taken = send_body("/verify", chunks, None)
    assert recorder.aborted
    assert taken < len(chunks)
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("path", ["/productions/new", f"{BANK}/settings", "/references/x/uploads"])
@pytest.mark.parametrize("times", [1, DRAINED_TIMES * 2])
def test_a_form_has_a_smaller_limit_and_is_answered_with_413(times: int, path: str) -> None:
    count = FORM_BYTES * times // len(CHUNK) + 1
    recorder, sent, _ = send_body(path, [CHUNK] * count, count * len(CHUNK))
    assert not recorder.called
    assert sent[0]["status"] == 413
    assert b"larger than 2 MiB" in sent[1]["body"]


@pytest.mark.parametrize("length", [b"-1", b"abc", b"9" * 400])
def test_a_length_that_is_no_number_does_not_break_anything(length: bytes) -> None:
    recorder = Recorder()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"abc", "more_body": False}

    scope = {"type": "http", "path": "/verify", "headers": [(b"content-length", length)]}
    asyncio.run(LimitBodies(recorder, upload_bytes=UPLOAD_BYTES)(scope, receive, None))  # type: ignore[arg-type]
    assert recorder.received == 3
