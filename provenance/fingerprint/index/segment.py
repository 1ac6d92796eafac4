"""One immutable file of searchable hashes, shared by every process that maps it.

Layout of the file, little-endian: 8 bytes magic, uint32 version, uint32 length of the header, SHA-256 of the header,
the header as JSON, then each array from a multiple of 4096 on. The header holds number of rows, chunk widths, the
order of bits, and offset, length and SHA-256 of every array. Everything is checked when a file is opened, which reads
it once whole: half a second for 10 M rows (0.9 GB) where the processor has SHA instructions. A search trusts it then.
"""

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from provenance.errors import FingerprintInvalid, SegmentCorrupt
from provenance.fingerprint.index import kernels
from provenance.fingerprint.index.contract import Hits, require_question
from provenance.fingerprint.index.layout import Layout, layout_for
from provenance.fingerprint.index.linear import scanned, words_of
from provenance.fingerprint.index.lookup import Listing, looked_up
from provenance.fingerprint.index.words import BIT_ORDER, WORDS

MAGIC = b"SLATESEG"
VERSION = 1
# Row numbers within a segment take three bytes.
MAX_SEGMENT_ROWS = 1 << 8 * kernels.POSITION_BYTES
_PRELUDE = struct.Struct("<8sII32s")
_HEADER_ROOM = 16384
_PAGE = 4096


class IndexSegment:
    """A segment opened read-only."""

    def __init__(self, name: str, digest: str, listing: Listing) -> None:
        self.name, self.digest = name, digest
        self._listing = listing

    def __len__(self) -> int:
        return len(self._listing.rows)

    @property
    def rows(self) -> NDArray[np.int64]:
        """(n,) identities, rising."""
        return self._listing.rows

    @property
    def words(self) -> NDArray[np.uint64]:
        """(n, 4) hashes in the frozen order of bits."""
        return self._listing.words

    @property
    def layout(self) -> Layout:
        return self._listing.layout

    def search(self, hashes: NDArray[np.uint8], radius: int) -> Hits:
        """See `FrameIndex.search`."""
        require_question(hashes, radius)
        asked = words_of(hashes)
        if not self.layout.widths:
            return scanned(self.words, self.rows, asked, radius)
        return looked_up(self._listing, asked, radius)


def write_segment(
    path: Path, rows: NDArray[np.int64], words: NDArray[np.uint64], layout: Layout | None = None
) -> str:
    """Writes rows (n,), rising, and their words (n, 4) as a file at `path`, whole or not at all; returns its digest.

    The digest is the SHA-256 of the header, and so stands for every byte. Without `layout` the one for this many rows
    is taken. Raises FingerprintInvalid.
    """
    if len(rows) > MAX_SEGMENT_ROWS or len(rows) != len(words) or (len(rows) and np.any(np.diff(rows) <= 0)):
        raise FingerprintInvalid(
            f"{len(rows)} rows and {len(words)} hashes were given for one segment.",
            f"Give as many of both, at most {MAX_SEGMENT_ROWS}, with the rows rising.",
        )
    layout = layout_for(len(rows)) if layout is None else layout
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(bytes(_HEADER_ROOM))
            arrays = [_append(file, name, array) for name, array in _arrays(rows, words, layout)]
            header = json.dumps(
                {"rows": len(rows), "widths": layout.widths, "bit_order": BIT_ORDER, "arrays": arrays}
            ).encode()
            digest = hashlib.sha256(header)
            file.seek(0)
            file.write(_PRELUDE.pack(MAGIC, VERSION, len(header), digest.digest()) + header)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return digest.hexdigest()


def open_segment(path: Path, digest: str | None = None) -> IndexSegment:
    """Maps the file at `path` and checks every byte of it. Raises SegmentCorrupt, also where `digest` is another's."""
    with _as_corrupt(path), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header, found = _header(file)
        if digest is not None and found != digest:
            raise _Damage("it is not the file that the manifest names")
        spans = {name: (int(offset), int(length)) for name, offset, length, _ in header["arrays"]}
        if any(offset + length > size for offset, length in spans.values()):
            raise _Damage("it is cut short")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for name, offset, length, expected in header["arrays"]:
            view = memoryview(mapped)[offset : offset + length]
            if hashlib.sha256(view).hexdigest() != expected:
                raise _Damage(f"its array {name!r} does not have the checksum it was written with")
        # Probes jump about: reading ahead would fill the memory with pages nobody asked for.
        with suppress(OSError):
            mapped.madvise(mmap.MADV_RANDOM)
        return IndexSegment(path.name, found, _listing(mapped, header, spans))


def sync_directory(directory: Path) -> None:
    """Makes the names of files just renamed into `directory` survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Damage(Exception):
    """What is wrong with a file, in words."""


class _as_corrupt:  # noqa: N801 (reads as a phrase)
    """Turns everything that reading a damaged file may raise into SegmentCorrupt."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, (_Damage, OSError, ValueError, KeyError, TypeError, struct.error)):
            raise SegmentCorrupt(
                f"The search segment {self._path} cannot be used: {error}.",
                "It is built again from the database by `manage.py search_index --rebuild`.",
            ) from error


def _header(file: IO[bytes]) -> tuple[dict[str, Any], str]:
    prelude = file.read(_PRELUDE.size)
    if len(prelude) < _PRELUDE.size or not prelude.startswith(MAGIC):
        raise _Damage("it is not a segment")
    _, version, length, digest = _PRELUDE.unpack(prelude)
    if version != VERSION:
        raise _Damage(f"it is of version {version}, and this code reads {VERSION}")
    text = file.read(min(length, _HEADER_ROOM))
    if hashlib.sha256(text).digest() != digest:
        raise _Damage("its header does not have the checksum it was written with")
    header: dict[str, Any] = json.loads(text)
    if header["bit_order"] != BIT_ORDER:
        raise _Damage(f"its bits are in the order {header['bit_order']!r}, and this code reads {BIT_ORDER!r}")
    return header, digest.hex()


def _listing(mapped: mmap.mmap, header: dict[str, Any], spans: dict[str, tuple[int, int]]) -> Listing:
    def array(name: str, kind: Any) -> Any:
        offset, length = spans[name]
        return np.frombuffer(mapped, kind, length // np.dtype(kind).itemsize, offset)

    layout = Layout(tuple(header["widths"]))
    chunks = range(len(layout.widths))
    return Listing(
        layout,
        array("words", np.uint64).reshape(-1, WORDS),
        array("rows", np.int64),
        [array(f"offsets {chunk}", np.uint32) for chunk in chunks],
        [array(f"postings {chunk}", np.uint8) for chunk in chunks],
    )


def _arrays(
    rows: NDArray[np.int64], words: NDArray[np.uint64], layout: Layout
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays of a segment one after the other: only one chunk's is in memory at a time."""
    yield "words", np.ascontiguousarray(words, np.uint64)
    yield "rows", np.ascontiguousarray(rows, np.int64)
    for chunk, (start, width) in enumerate(zip(layout.starts, layout.widths, strict=True)):
        offsets = np.zeros((1 << width) + 1, np.uint32)
        postings = np.empty(kernels.POSITION_BYTES * len(rows), np.uint8)
        kernels.post(words, start, width, offsets, postings)
        yield f"offsets {chunk}", offsets
        yield f"postings {chunk}", postings


def _append(file: IO[bytes], name: str, array: NDArray[Any]) -> tuple[str, int, int, str]:
    offset = -(-file.tell() // _PAGE) * _PAGE
    file.write(bytes(offset - file.tell()))
    data = array.data.cast("B") if array.size else memoryview(b"")
    file.write(data)
    return name, offset, len(data), hashlib.sha256(data).hexdigest()
