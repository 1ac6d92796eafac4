"""Takes one uploaded file to verification and leaves nothing of it behind."""

import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest

from provenance.verdict import Outcome
from studio.bodies import OVER_LIMIT
from studio.credentials.queries import admit
from studio.credentials.verification import Verification, verify_file
from studio.errors import InputRefused, SlateError

FIELD = "file"
FILE_NAME_LENGTH = 200
# Each inspection is a child process that decodes video; more at once would starve the pages.
INSPECTIONS_AT_ONCE = 2
_places = threading.BoundedSemaphore(INSPECTIONS_AT_ONCE)


class UploadTooLarge(SlateError):
    code = "upload.too_large"
    status = 413


class InspectionBusy(SlateError):
    code = "verify.busy"
    status = 503


def verify_upload(request: HttpRequest) -> Verification:
    """The verification of the file in the form field `file`; its temporary copy is gone afterwards.

    Raises SlateError: nothing sent, too large, busy, asked too often, or what `verify_file` refuses.
    """
    if not _places.acquire(blocking=False):
        raise InspectionBusy(
            f"{INSPECTIONS_AT_ONCE} clips are being inspected right now.",
            "Nothing is wrong with yours. Try again in a few seconds.",
        )
    try:
        admit(request.user, request.META.get("REMOTE_ADDR", ""))
        return _verify(request)
    finally:
        _places.release()


def _verify(request: HttpRequest) -> Verification:
    if getattr(request, "scope", {}).get(OVER_LIMIT):
        # The server dropped the body while it came in; there is nothing whole to parse.
        raise _too_large()
    upload: Any = request.FILES.get(FIELD)
    if getattr(request, "upload_over_limit_mib", None) is not None:
        raise _too_large()
    if upload is None:
        raise InputRefused(
            "No file was sent.",
            f"Choose a video or image file (form field “{FIELD}”).",
            code="upload.missing",
        )
    assert isinstance(upload, TemporaryUploadedFile)
    with upload:
        verification = verify_file(
            Path(upload.temporary_file_path()), actor=request.user, file_name=shown_name(upload.name)
        )
    if verification.verdict.outcome == Outcome.UNREADABLE:
        raise _unreadable(verification)
    return verification


def _unreadable(verification: Verification) -> InputRefused:
    """Of a file that breaks off, the layers that failed know where."""
    broken = [layer for layer in verification.layers.values() if layer["state"] == "unreadable"]
    return InputRefused(
        broken[0]["summary"] if broken else verification.verdict.headline,
        (broken[0]["details"].get("hint") if broken else "") or "Send the whole file once more.",
        code="media_unreadable",
    )


def _too_large() -> UploadTooLarge:
    limit_mib = settings.SLATE_UPLOAD_LIMIT_MIB
    return UploadTooLarge(
        f"The file is larger than {limit_mib} MiB.",
        f"Send a shorter stretch, or a copy of at most {limit_mib} MiB; a few seconds are enough.",
    )


def shown_name(name: str | None) -> str:
    """The file name as a page may show it: printable, and not longer than a line or two."""
    printable = "".join(character for character in name or "" if character.isprintable())
    return printable[-FILE_NAME_LENGTH:] or "file"
