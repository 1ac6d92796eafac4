"""Which bytes a Range header asks for."""

import pytest

from studio.takes.ranges import ByteRange, Unsatisfiable, range_still_applies, requested_range

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, 999),
        ("bytes=0-", 0, 999),
        ("bytes=999-999", 999, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-100", 900, 999),
        ("bytes=-5000", 0, 999),
        ("BYTES = 1-2", 1, 2),
        ("bytes=000000000000000000000000000001-2", 1, 2),
        ("bytes=5-" + "9" * 5000, 5, 999),
        ("bytes=-" + "9" * 5000, 0, 999),
    ],
)
def test_one_range_is_answered_with_exactly_its_bytes(header: str, first: int, last: int) -> None:
    wanted = requested_range(header, SIZE)
    assert wanted == ByteRange(first, last)
    assert wanted.length == last - first + 1


@pytest.mark.parametrize(
    "header", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=" + "9" * 5000 + "-"]
)
def test_a_range_outside_the_file_is_unsatisfiable(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        requested_range(header, SIZE)


def test_no_byte_of_an_empty_file_can_be_asked_for() -> None:
    for header in ("bytes=0-", "bytes=-5"):
        with pytest.raises(Unsatisfiable):
            requested_range(header, 0)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=1.5-2",
        "bytes=+1-2",
        "bytes=١-٢",
        "items=0-1",
        "bytes=0-1,5-6",
        "bytes=0-1 2",
    ],
)
def test_a_header_that_is_no_single_byte_range_is_ignored(header: str | None) -> None:
    assert requested_range(header, SIZE) is None


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [
        (None, True),
        ('"tag"', True),
        ("Sun, 22 Nov 2026 10:00:00 GMT", True),
        ('W/"tag"', False),
        ('"other"', False),
        ("Sun, 22 Nov 2026 10:00:01 GMT", False),
    ],
)
def test_a_range_holds_only_for_the_version_it_was_started_on(if_range: str | None, applies: bool) -> None:
    last_modified = "Sun, 22 Nov 2026 10:00:00 GMT"
    assert range_still_applies(if_range, etag='"tag"', last_modified=last_modified) is applies
