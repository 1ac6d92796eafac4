"""Walks the top-level boxes of an ISO base media file, to find bytes that a credential does not cover.

The C2PA hash of such files leaves out top-level `free` and `skip` boxes, which are meant to be padding.
Anything put there can be changed without breaking the signature, so it is reported.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_BOXES = 100_000
_CHUNK_BYTES = 1 << 20
_PADDING = frozenset({b"free", b"skip"})


@dataclass(frozen=True)
class Box:
    """A top-level box; `start` and `end` bound its payload in the file."""

    kind: bytes
    start: int
    end: int


def top_level_boxes(path: Path) -> Iterator[Box]:
    """The boxes in order; ends early at the first one that cannot be a box or reaches beyond the file."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        position = 0
        for _ in range(MAX_BOXES):
            box = _box_at(stream, position, size)
            if box is None:
                return
            yield box
            position = box.end


def uncovered_bytes(path: Path) -> int:
    """The payload bytes of top-level `free` and `skip` boxes that hold anything but zeros."""
    total = 0
    with path.open("rb") as stream:
        for box in top_level_boxes(path):
            if box.kind in _PADDING and _has_content(stream, box):
                total += box.end - box.start
    return total


def _box_at(stream: BinaryIO, position: int, file_size: int) -> Box | None:
    stream.seek(position)
    header = stream.read(16)
    if len(header) < 8:
        return None
    length, kind = struct.unpack(">I4s", header[:8])
    start = position + 8
    if length == 1 and len(header) == 16:
        length = struct.unpack(">Q", header[8:])[0]
        start = position + 16
    elif length == 0:
        length = file_size - position
    end = position + length
    return Box(kind, start, end) if start <= end <= file_size else None


def _has_content(stream: BinaryIO, box: Box) -> bool:
    stream.seek(box.start)
    remaining = box.end - box.start
    while remaining > 0:
        chunk = stream.read(min(_CHUNK_BYTES, remaining))
        if not chunk:
            return False
        if chunk.strip(b"\0"):
            return True
        remaining -= len(chunk)
    return False
