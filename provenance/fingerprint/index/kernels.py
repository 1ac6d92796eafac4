"""The inner loops of the search, compiled; plain arrays in, plain arrays out, one thread.

Each kernel has its own copy of the small functions it needs: compiled code is kept kernel by kernel, and closures are
what the compiler takes in. `ones` is the count of set bits in the form that compilers turn into one instruction.
"""

from typing import Any

import numpy as np

from provenance.compiled import kernel

POSITION_BYTES = 3

_ONE, _TWO, _FOUR, _WORD = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(64)
_TOP_BYTE, _HALF, _LOWER = np.uint64(56), np.uint64(32), np.uint64(0xFFFFFFFF)
_PAIRS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _SUMS = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


@kernel("const uint8[2]", "const uint64[3]", "uint64[2]")
def to_words(hashes: Any, tables: Any, words: Any) -> None:
    """hashes: (n, 32) uint8. tables: `words.TABLES`. words: (n, 4) uint64, written."""
    for row in range(hashes.shape[0]):
        a, b, c, d = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for byte in range(hashes.shape[1]):
            value = hashes[row, byte]
            a |= tables[byte, value, 0]
            b |= tables[byte, value, 1]
            c |= tables[byte, value, 2]
            d |= tables[byte, value, 3]
        words[row, 0], words[row, 1], words[row, 2], words[row, 3] = a, b, c, d


@kernel("const uint64[2]", "int64", "int64", "uint32[1]", "uint8[1]")
def post(words: Any, start: int, width: int, offsets: Any, postings: Any) -> None:
    """Lists the rows by the value of one chunk (counting sort).

    words: (n, 4) uint64. offsets: (2**width + 1,) uint32, zeros, written: where the rows of a value begin. postings:
    (3 n,) uint8, written: row numbers of three bytes, least significant first, rising within a value.
    """
    at, shift, mask = start >> 6, np.uint64(start & 63), (_ONE << np.uint64(width)) - _ONE
    is_split = (start & 63) + width > 64

    def value_of(row: int) -> Any:
        value = words[row, at] >> shift
        if is_split:
            value |= words[row, at + 1] << (_WORD - shift)
        return np.int64(value & mask)

    rows = words.shape[0]
    for row in range(rows):
        offsets[value_of(row)] += np.uint32(1)
    for value in range(1, offsets.shape[0]):
        offsets[value] += offsets[value - 1]
    # From the end of each value's rows down to their beginning, which then stands in its place.
    for row in range(rows - 1, -1, -1):
        value = value_of(row)
        place = offsets[value] - np.uint32(1)
        offsets[value] = place
        byte = np.int64(place) * 3
        postings[byte] = row & 255
        postings[byte + 1] = row >> 8 & 255
        postings[byte + 2] = row >> 16


@kernel("const uint64[2]", "int64", "int64", "const uint64[1]", "uint64[1]")
def probes_of(asked: Any, start: int, width: int, masks: Any, probes: Any) -> None:
    """probes: (q * masks,) uint64, written: a chunk's value to look up, shifted left by 32, or'ed with the query."""
    at, shift, mask = start >> 6, np.uint64(start & 63), (_ONE << np.uint64(width)) - _ONE
    count = masks.shape[0]
    for query in range(asked.shape[0]):
        value = asked[query, at] >> shift
        if (start & 63) + width > 64:
            value |= asked[query, at + 1] << (_WORD - shift)
        value &= mask
        for number in range(count):
            probes[query * count + number] = (value ^ masks[number]) << _HALF | np.uint64(query)


@kernel("const uint32[1]", "const uint64[1]", "uint32[1]", "uint32[1]")
def spans_of(offsets: Any, probes: Any, begins: Any, sizes: Any) -> int:
    """Where the rows under each probe begin in the postings and how many they are; returns how many in all."""
    total = 0
    for number in range(probes.shape[0]):
        value = np.int64(probes[number] >> _HALF)
        begin = offsets[value]
        size = offsets[value + 1] - begin
        begins[number], sizes[number] = begin, size
        total += size
    return total


@kernel(
    "const uint8[1]",
    "const uint64[1]",
    "const uint32[1]",
    "const uint32[1]",
    "int64",
    "int32[1]",
    "uint32[1]",
)
def candidates_of(
    postings: Any, probes: Any, begins: Any, sizes: Any, first: int, queries: Any, positions: Any
) -> tuple[int, int]:
    """Lists (query, position) under the probes from `first` on, as many whole probes as there is room for.

    Returns the number of the next probe and how many candidates were written.
    """
    room, written = positions.shape[0], 0
    number = first
    while number < probes.shape[0]:
        size = np.int64(sizes[number])
        if written + size > room:
            break
        if size:
            query = np.int32(probes[number] & _LOWER)
            at = np.int64(begins[number]) * 3
            for _ in range(size):
                positions[written] = (
                    np.uint32(postings[at])
                    | np.uint32(postings[at + 1]) << np.uint32(8)
                    | np.uint32(postings[at + 2]) << np.uint32(16)
                )
                queries[written] = query
                written += 1
                at += 3
        number += 1
    return number, written


@kernel(
    *("const uint64[2]", "const uint64[2]", "int32[1]", "uint32[1]", "int64", "int64"),
    *("const int64[1]", "const int64[1]", "const int64[1]", "int64", "uint8[1]"),
)
def confirm(
    words: Any,
    asked: Any,
    queries: Any,
    positions: Any,
    count: int,
    radius: int,
    starts: Any,
    widths: Any,
    reaches: Any,
    chunk: int,
    distances: Any,
) -> int:
    """Keeps, in place, the candidates within `radius` which no earlier chunk has found; returns how many."""

    def ones(x: Any) -> Any:
        x = x - ((x >> _ONE) & _PAIRS)
        x = (x & _NIBBLES) + ((x >> _TWO) & _NIBBLES)
        x = (x + (x >> _FOUR)) & _BYTES
        return (x * _SUMS) >> _TOP_BYTE

    kept = 0
    difference = np.empty(5, np.uint64)
    for number in range(count):
        position, query = positions[number], queries[number]
        distance = (
            ones(words[position, 0] ^ asked[query, 0])
            + ones(words[position, 1] ^ asked[query, 1])
            + ones(words[position, 2] ^ asked[query, 2])
            + ones(words[position, 3] ^ asked[query, 3])
        )
        if distance > np.uint64(radius):
            continue
        for word in range(4):
            difference[word] = words[position, word] ^ asked[query, word]
        is_known = False
        for earlier in range(chunk):
            if reaches[earlier] >= 0:
                start, width = starts[earlier], widths[earlier]
                part = difference[start >> 6] >> np.uint64(start & 63)
                if (start & 63) + width > 64:
                    part |= difference[(start >> 6) + 1] << (_WORD - np.uint64(start & 63))
                if ones(part & ((_ONE << np.uint64(width)) - _ONE)) <= np.uint64(reaches[earlier]):
                    is_known = True
                    break
        if not is_known:
            queries[kept], positions[kept] = query, position
            distances[kept] = np.uint8(distance)
            kept += 1
    return kept


@kernel("const uint64[2]", "const uint64[1]", "int64", "int32[1]", "int64[1]", "uint8[1]")
def scan_for_one(words: Any, asked: Any, radius: int, queries: Any, positions: Any, distances: Any) -> int:
    """Compares every row with one asked hash, (4,); returns how many lie within `radius`.

    Those are written as far as there is room: queries, all 0, positions and distances.
    """

    def ones(x: Any) -> Any:
        x = x - ((x >> _ONE) & _PAIRS)
        x = (x & _NIBBLES) + ((x >> _TWO) & _NIBBLES)
        x = (x + (x >> _FOUR)) & _BYTES
        return (x * _SUMS) >> _TOP_BYTE

    found, room = 0, queries.shape[0]
    a, b, c, d = asked[0], asked[1], asked[2], asked[3]
    for row in range(words.shape[0]):
        distance = (
            ones(words[row, 0] ^ a)
            + ones(words[row, 1] ^ b)
            + ones(words[row, 2] ^ c)
            + ones(words[row, 3] ^ d)
        )
        if distance <= np.uint64(radius):
            if found < room:
                queries[found], positions[found], distances[found] = 0, row, np.uint8(distance)
            found += 1
    return found


@kernel("const uint64[2]", "const uint64[2]", "int64", "int32[1]", "int64[1]", "uint8[1]")
def scan_for_many(words: Any, asked: Any, radius: int, queries: Any, positions: Any, distances: Any) -> int:
    """Like `scan_for_one` for asked hashes (q, 4), seven times as fast for each.

    Blocks of rows are turned into columns that stay in the nearest cache for all questions: then eight rows are
    compared in one instruction, and a block without a hit is left after its least distance is known.
    """

    def ones(x: Any) -> Any:
        x = x - ((x >> _ONE) & _PAIRS)
        x = (x & _NIBBLES) + ((x >> _TWO) & _NIBBLES)
        x = (x + (x >> _FOUR)) & _BYTES
        return (x * _SUMS) >> _TOP_BYTE

    found, room, rows = 0, queries.shape[0], words.shape[0]
    columns = np.empty((4, 1024), np.uint64)
    for block in range(0, rows, 1024):
        size = min(1024, rows - block)
        for at in range(size):
            columns[0, at], columns[1, at] = words[block + at, 0], words[block + at, 1]
            columns[2, at], columns[3, at] = words[block + at, 2], words[block + at, 3]
        for query in range(asked.shape[0]):
            a, b, c, d = asked[query, 0], asked[query, 1], asked[query, 2], asked[query, 3]
            least = np.uint64(257)
            for at in range(size):
                distance = (
                    ones(columns[0, at] ^ a)
                    + ones(columns[1, at] ^ b)
                    + ones(columns[2, at] ^ c)
                    + ones(columns[3, at] ^ d)
                )
                least = min(least, distance)
            if least > np.uint64(radius):
                continue
            for at in range(size):
                distance = (
                    ones(columns[0, at] ^ a)
                    + ones(columns[1, at] ^ b)
                    + ones(columns[2, at] ^ c)
                    + ones(columns[3, at] ^ d)
                )
                if distance <= np.uint64(radius):
                    if found < room:
                        queries[found], positions[found] = query, block + at
                        distances[found] = np.uint8(distance)
                    found += 1
    return found
