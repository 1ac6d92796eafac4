"""Any Range header gets a range inside the file, the whole file, or 416: never an error, never other bytes."""

import random
import re

import pytest

from studio.takes.ranges import ByteRange, Unsatisfiable, requested_range

pytestmark = pytest.mark.fuzz

ALPHABET = [
    "bytes",
    "BYTES",
    "=",
    "-",
    ",",
    " ",
    "\t",
    "0",
    "1",
    "9",
    "00",
    "18446744073709551616",
    "²",
    "٣",
    "+",
]
ALPHABET += ["items", "\0", "\n", "x", "0x10", "1e3", "=-", "--", "bytes=", "bytes=0-", "bytes=-", "9" * 5000]


def answer(header: str | None, size_bytes: int) -> ByteRange | str:
    try:
        found = requested_range(header, size_bytes)
    except Unsatisfiable:
        return "416"
    return found if found is not None else "whole"


def expected(first: str, last: str, size_bytes: int) -> ByteRange | str:
    """RFC 9110 section 14.1.2 for one well-formed range, written down a second time."""
    if first == "":
        if last == "":
            return "whole"
        count = min(int(last), size_bytes)
        return ByteRange(size_bytes - count, size_bytes - 1) if count else "416"
    if last != "" and int(last) < int(first):
        return "whole"
    if int(first) >= size_bytes:
        return "416"
    end = size_bytes - 1 if last == "" else min(int(last), size_bytes - 1)
    return ByteRange(int(first), end)


@pytest.mark.parametrize("size_bytes", [0, 1, 2, 1000, 10**12])
def test_headers_of_random_pieces(size_bytes: int) -> None:
    rng = random.Random(f"pieces {size_bytes}")
    for _ in range(3000):
        header = "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(0, 8)))
        found = answer(header, size_bytes)
        if isinstance(found, ByteRange):
            assert 0 <= found.first <= found.last < size_bytes
            assert found.length == found.last - found.first + 1
            assert re.match(r"(?i)bytes", header)


@pytest.mark.parametrize("size_bytes", [0, 1, 2, 7, 1000])
def test_well_formed_headers_get_what_the_standard_says(size_bytes: int) -> None:
    rng = random.Random(f"well-formed {size_bytes}")

    def number() -> str:
        return rng.choice(["", str(rng.randrange(0, 2 * size_bytes + 3)), "0" * rng.randrange(1, 30) + "1"])

    for _ in range(3000):
        first, last = number(), number()
        assert answer(f"bytes={first}-{last}", size_bytes) == expected(first, last, size_bytes), (first, last)


def test_numbers_beyond_any_file_are_beyond_this_one() -> None:
    huge = "9" * 100_000
    assert answer(f"bytes={huge}-", 1000) == "416"
    assert answer(f"bytes=0-{huge}", 1000) == ByteRange(0, 999)
    assert answer(f"bytes=-{huge}", 1000) == ByteRange(0, 999)


@pytest.mark.parametrize(
    "header", [None, "", "bytes", "items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=1-0"]
)
def test_a_header_that_asks_for_nothing_one_can_give_gets_the_whole_file(header: str | None) -> None:
    assert answer(header, 1000) == "whole"
