"""The few chunks of a PNG file that say what its numbers mean as colours, read and put back byte by byte."""

import struct
import zlib
from dataclasses import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 8 + 13 + 4
_COLOUR = frozenset({b"cHRM", b"cICP", b"gAMA", b"iCCP", b"mDCV", b"cLLI", b"sBIT", b"sRGB", b"pHYs"})


@dataclass(frozen=True)
class Chunk:
    """A chunk's four letters and its data."""

    kind: bytes
    data: bytes


def bit_depth(file: bytes) -> int | None:
    """Bits per channel or palette index; None where this is no PNG."""
    return file[24] if file.startswith(_SIGNATURE) and len(file) >= _HEADER_END else None


def colour_chunks(file: bytes) -> tuple[Chunk, ...]:
    """The chunks on colour and resolution that stand before the pixels, in their order; damaged ones are left out."""
    found, place = [], _HEADER_END
    while place + 12 <= len(file):
        length, kind = struct.unpack_from(">I4s", file, place)
        data = file[place + 8 : place + 8 + length]
        (stated,) = (
            struct.unpack_from(">I", file, place + 8 + length)
            if place + 12 + length <= len(file)
            else (None,)
        )
        if kind == b"IDAT":
            break
        if kind in _COLOUR and stated == zlib.crc32(kind + data):
            found.append(Chunk(kind, data))
        place += 12 + length
    return tuple(found)


def with_chunks(file: bytes, chunks: tuple[Chunk, ...]) -> bytes:
    """The same PNG with these chunks behind its header."""
    added = b"".join(
        struct.pack(">I", len(chunk.data))
        + chunk.kind
        + chunk.data
        + struct.pack(">I", zlib.crc32(chunk.kind + chunk.data))
        for chunk in chunks
    )
    return file[:_HEADER_END] + added + file[_HEADER_END:]
