"""Decides which bytes a Range header asks for (RFC 9110 section 14); pure, no I/O."""

import re
from dataclasses import dataclass

_SPEC = re.compile(r"^bytes[ \t]*=[ \t]*([0-9]*)-([0-9]*)[ \t]*$", re.IGNORECASE)
# Longer numbers are beyond any file; Python would spend quadratic time on reading them.
_MAX_DIGITS = 18


@dataclass(frozen=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range is well-formed and lies outside the file: 416."""


def requested_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """The one range to answer with 206, or None to answer with the whole file.

    None for: no header, another unit, a malformed header, and several ranges at once (a server may ignore
    those, and no player asks for them). Raises Unsatisfiable for a range outside the file.
    """
    match = _SPEC.match(header or "")
    if match is None:
        return None
    first_text, last_text = match.groups()
    if not first_text and not last_text:
        return None
    if not first_text:
        suffix = _number(last_text)
        if suffix == 0 or size_bytes == 0:
            raise Unsatisfiable
        return ByteRange(max(0, size_bytes - suffix), size_bytes - 1)
    first = _number(first_text)
    last = _number(last_text) if last_text else size_bytes - 1
    if last_text and last < first:
        return None
    if first >= size_bytes:
        raise Unsatisfiable
    return ByteRange(first, min(last, size_bytes - 1))


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MAX_DIGITS else 10**_MAX_DIGITS


def range_still_applies(if_range: str | None, *, etag: str, last_modified: str) -> bool:
    """Whether If-Range holds: the strong entity tag, or exactly the date, that was sent before."""
    return if_range is None or if_range.strip() in (etag, last_modified)
