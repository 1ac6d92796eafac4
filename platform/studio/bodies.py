"""Drops a request body that is too large while it comes in, before the framework spools it to disk.

Django reads the whole body of an ASGI request into a temporary file before any code of ours runs; without
this, one upload could fill the disk.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Set in the scope of a request whose body was dropped.
OVER_LIMIT = "slate.body_over_limit"
_ID = "[0-9a-f-]{36}"
UPLOAD_PATHS = re.compile(
    rf"/verify|/api/v1/verify|/references/{_ID}/(uploads|import)|/api/v1/ingest-files/{_ID}/parts"
)
# What multipart puts around a file.
ENVELOPE_BYTES = 1 << 20
FORM_BYTES = 2 << 20
# A body this many times over the limit is not waited for: the connection is cut.
DRAINED_TIMES = 4


class LimitBodies:
    """Passes requests on to `application`; of too large a body it passes nothing on.

    An upload reaches the application without its body and with a mark in its scope, so that the page can say
    what happened; any other request is answered with 413 here. The rest of the body is received and thrown
    away, since a browser shows an answer only after it has sent everything.
    """

    def __init__(self, application: Application, *, upload_bytes: int) -> None:
        self.application = application
        self.upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
        elif UPLOAD_PATHS.fullmatch(scope["path"]):
            await self._pass_on(_Body(scope, receive, self.upload_bytes + ENVELOPE_BYTES), send)
        else:
            body = _Body(scope, receive, FORM_BYTES)
            if body.announced > FORM_BYTES:
                await body.receive()
                await _refuse(send, FORM_BYTES)
            else:
                await self._pass_on(body, send)

    async def _pass_on(self, body: "_Body", send: Send) -> None:
        await self.application(body.scope, body.receive, send)
        if body.cut_off:
            await _refuse(send, body.limit)


class _Body:
    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        self.scope = scope
        self.upstream = receive
        self.limit = limit
        self.announced = int(length) if length.isdigit() and len(length) < 19 else 0
        self.received = 0
        self.dropped = False
        self.cut_off = False

    async def receive(self) -> Message:
        message = await self.upstream()
        while message["type"] == "http.request" and not self.dropped:
            self.received += len(message.get("body", b""))
            if max(self.announced, self.received) <= self.limit:
                return message
            if self.received > self.limit * DRAINED_TIMES:
                # To the application it looks as if the client had gone, so that it lets go of everything.
                self.cut_off = True
                return {"type": "http.disconnect"}
            if not message.get("more_body", False):
                self.dropped = True
                self.scope[OVER_LIMIT] = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self.upstream()
        return message


async def _refuse(send: Send, limit: int) -> None:
    text = f"What was sent is larger than {limit >> 20} MiB. Send less.\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})
