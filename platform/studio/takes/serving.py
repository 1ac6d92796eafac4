"""Serves stored files, whole or by range; a rendition only once it is published, to members of its studio."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date
from django.views.decorators.http import require_safe

from studio.errors import SlateError
from studio.pages import signed_in, streamed, visible_or_404
from studio.takes.models import Rendition
from studio.takes.ranges import ByteRange, Unsatisfiable, range_still_applies, requested_range

CHUNK_BYTES = 256 << 10


class FileUnavailable(SlateError):
    code = "rendition.file_unavailable"
    status = 503


@dataclass(frozen=True)
class StoredFile:
    """A file in the storage that never changes; `shown_as` names it in an error, `file_name` in a download."""

    storage_name: str
    sha256: str
    size_bytes: int
    content_type: str
    stored_at: datetime
    shown_as: str
    file_name: str


@signed_in
@require_safe
def rendition_content(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """The file for a player: inline, seekable."""
    return _serve(request, rendition_id, as_attachment=False)


@signed_in
@require_safe
def rendition_download(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """The file to keep, named after production, shot and version."""
    return _serve(request, rendition_id, as_attachment=True)


def _serve(request: HttpRequest, rendition_id: UUID, *, as_attachment: bool) -> HttpResponseBase:
    servable = Rendition.objects.servable().select_related("take__shot__sequence__production")
    rendition = visible_or_404(servable, request.user, rendition_id)
    file = StoredFile(
        storage_name=rendition.storage_name,
        sha256=rendition.sha256,
        size_bytes=rendition.size_bytes,
        content_type=rendition.content_type,
        stored_at=rendition.published_at,
        shown_as=str(rendition.take),
        file_name=rendition.file_name,
    )
    return serve_stored(request, file, as_attachment=as_attachment)


def serve_stored(request: HttpRequest, file: StoredFile, *, as_attachment: bool = False) -> HttpResponseBase:
    """The answer to a request for a file that the caller has seen to be the asker's to read."""
    etag = f'"{file.sha256}"'
    last_modified = http_date(file.stored_at.timestamp())
    response = _content(request, file, etag, last_modified)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Last-Modified"] = last_modified
    # The browser may keep it, but must ask again each time: leaving a studio takes effect at once.
    response["Cache-Control"] = "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    disposition = content_disposition_header(as_attachment, safe_file_name(file.file_name))
    if disposition is not None:
        response["Content-Disposition"] = disposition
    return response


def _content(request: HttpRequest, file: StoredFile, etag: str, last_modified: str) -> HttpResponseBase:
    unchanged = get_conditional_response(request, etag=etag, last_modified=int(file.stored_at.timestamp()))
    if unchanged is not None:
        return unchanged
    wanted = None
    if request.method == "GET" and range_still_applies(
        request.headers.get("If-Range"), etag=etag, last_modified=last_modified
    ):
        try:
            wanted = requested_range(request.headers.get("Range"), file.size_bytes)
        except Unsatisfiable:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size_bytes}"})
    span = wanted or ByteRange(0, file.size_bytes - 1)
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=file.content_type)
    else:
        handle = _open(file)
        response = streamed(
            request,
            read_span(handle, span),
            content_type=file.content_type,
            status=206 if wanted else 200,
        )
        response._resource_closers.append(handle.close)
    response["Content-Length"] = str(span.length)
    if wanted is not None:
        response["Content-Range"] = f"bytes {span.first}-{span.last}/{file.size_bytes}"
    return response


def _open(file: StoredFile) -> IO[bytes]:
    try:
        handle: IO[bytes] = default_storage.open(file.storage_name, "rb")
    except OSError as error:
        raise FileUnavailable(
            f"The file of {file.shown_as} cannot be read from the storage.",
            "Tell the operator; the file can be brought back from a backup and is checked against its digest.",
        ) from error
    return handle


def read_span(handle: IO[bytes], span: ByteRange) -> Iterator[bytes]:
    """The bytes of `span` in chunks; ends early, which breaks the transfer, where the file is too short."""
    with handle:
        handle.seek(span.first)
        remaining = span.length
        while remaining and (chunk := handle.read(min(CHUNK_BYTES, remaining))):
            remaining -= len(chunk)
            yield chunk


def safe_file_name(name: str) -> str:
    """`name` without path separators and control characters, for a Content-Disposition header."""
    cleaned = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name)
    return cleaned.strip(". ") or "take.mp4"
