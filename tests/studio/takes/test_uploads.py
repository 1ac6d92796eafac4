"""An upload is cut off at the limit, said to be too large, and leaves nothing on the disk."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

MIB = 1 << 20


@pytest.fixture(autouse=True)
def limit_of_two_mib(settings: Any) -> None:
    settings.SLATE_UPLOAD_LIMIT_MIB = 2


def spooled() -> list[Path]:
    return list(Path(settings.UPLOAD_DIR).iterdir())


def upload(**sizes: int) -> HttpRequest:
    files = {name: SimpleUploadedFile(f"{name}.mp4", b"x" * size) for name, size in sizes.items()}
    return RequestFactory().post("/verify", files)


def test_a_file_within_the_limit_arrives_on_disk_whole_and_goes_with_the_request() -> None:
    request = upload(clip=2 * MIB)
    arrived = request.FILES["clip"]
    assert isinstance(arrived, TemporaryUploadedFile)
    assert Path(arrived.temporary_file_path()).parent == Path(settings.UPLOAD_DIR)
    assert arrived.size == 2 * MIB
    assert not hasattr(request, "upload_over_limit_mib")
    request.close()
    assert spooled() == []


def test_one_byte_over_the_limit_is_refused_and_leaves_no_file() -> None:
    request = upload(clip=2 * MIB + 1)
    assert "clip" not in request.FILES
    assert request.upload_over_limit_mib == 2
    assert spooled() == []


def test_the_limit_counts_all_files_of_a_request() -> None:
    request = upload(one=MIB, two=MIB + 1)
    assert request.FILES.get("two") is None
    assert request.upload_over_limit_mib == 2
    request.close()
    assert spooled() == []


def test_the_next_request_starts_at_nought() -> None:
    for _ in range(3):
        request = upload(clip=MIB)
        assert request.FILES["clip"].size == MIB
        request.close()
