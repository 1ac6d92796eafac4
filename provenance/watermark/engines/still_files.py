"""Opens and saves PNG and JPEG files with all that belongs to the picture: depth, transparency, colour, orientation."""

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import (
    EncodingFailed,
    FileEmpty,
    FileMissing,
    FormatNotAllowed,
    MediaTooLarge,
    MediaUnreadable,
)
from provenance.media import Limits
from provenance.watermark.engines import png
from provenance.watermark.engines.errors import StillUnsupported

JPEG_QUALITY = 95
_ORIENTATION = 0x0112
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, KeyError, struct.error, zlib.error, cv2.error)

Pixels = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Still:
    """A picture as it is shown, upright.

    colour: (H, W, 3) or, grey, (H, W, 1); uint8 or uint16. alpha: (H, W, 1) of the same type, or None where there is
    none. icc, exif: colour profile and EXIF without orientation, or None. chunks: what a 16-bit PNG says of colours.
    """

    colour: Pixels
    alpha: Pixels | None
    icc: bytes | None
    exif: bytes | None
    chunks: tuple[png.Chunk, ...] = ()

    @property
    def is_deep(self) -> bool:
        """Whether a channel has 16 bits."""
        return self.colour.dtype == np.uint16

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, without alpha."""
        eight = (self.colour // 257).astype(np.uint8) if self.is_deep else self.colour
        return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)).astype(np.uint8))

    def with_colour(self, colour: Pixels) -> "Still":
        """The same with other pixels."""
        return replace(self, colour=colour)


def read_still(path: Path, limits: Limits | None = None) -> Still:
    """Raises FileMissing, FileEmpty, MediaTooLarge, FormatNotAllowed, MediaUnreadable or StillUnsupported."""
    data = _bytes_of(path, limits or Limits())
    return read_still_bytes(data, path.name, limits)


def read_still_bytes(data: bytes, name: str, limits: Limits | None = None) -> Still:
    """The same from memory; `name` is for messages."""
    limits = limits or Limits()
    # Limits below decide what is too large; the library's own bound is a global of the process.
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise MediaTooLarge(f"{name} has far too many pixels.", _at_most(limits)) from error
    except Image.UnidentifiedImageError as error:
        raise FormatNotAllowed(f"{name} is neither PNG nor JPEG.", "Convert it to one of them.") from error
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    if image.width * image.height > limits.max_pixels:
        raise MediaTooLarge(f"{name} has {image.width}x{image.height} pixels.", _at_most(limits))
    with image:
        try:
            _refuse_other_kinds(image, name)
            return _deep(data, image, name) if png.bit_depth(data) == 16 else _plain(image)
        except _UNREADABLE as error:
            raise _unreadable(name, error) from error


def write_bytes(data: bytes, path: Path) -> None:
    """Writes a file, all or nothing. Raises EncodingFailed."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise EncodingFailed(
            f"{path.name} cannot be written: {error.strerror}.", "Check folder and disk."
        ) from error


def encode_still(still: Still, path: Path) -> bytes:
    """The bytes of a file of that name. Raises StillUnsupported where the format cannot hold the picture."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return _png_deep(still) if still.is_deep else _saved(still, format="PNG")
    if suffix not in (".jpg", ".jpeg"):
        raise FormatNotAllowed(f"{path.name} names neither PNG nor JPEG.", "End it in .png, .jpg or .jpeg.")
    if still.is_deep or still.alpha is not None:
        what = "16 bits per channel" if still.is_deep else "transparency"
        raise StillUnsupported(f"JPEG cannot hold the {what} of this picture.", "Write a .png instead.")
    return _saved(still, format="JPEG", quality=JPEG_QUALITY, subsampling=0)


def _bytes_of(path: Path, limits: Limits) -> bytes:
    if not path.is_file():
        raise FileMissing(f"There is no file {path.name}.", "Check the path.")
    size = path.stat().st_size
    if size == 0:
        raise FileEmpty(f"{path.name} has no bytes.", "Export or upload it again.")
    if size > limits.max_bytes:
        raise MediaTooLarge(f"{path.name} has {size} bytes.", f"At most {limits.max_bytes} are read.")
    return path.read_bytes()


def _refuse_other_kinds(image: Image.Image, name: str) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise StillUnsupported(
            f"{name} holds {getattr(image, 'n_frames', 1)} pictures.",
            "Export the one you mean as a plain PNG or JPEG.",
        )
    if image.mode == "1":
        raise StillUnsupported(f"{name} is black and white only.", "Convert it to grey or colour.")
    if image.mode == "CMYK":
        raise StillUnsupported(
            f"{name} is in CMYK, which is for print.", "Convert it to RGB with its profile."
        )


def _plain(image: Image.Image) -> Still:
    """A picture of 8 bits, or a palette of such colours."""
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    is_grey = image.mode in ("L", "LA")
    pixels = np.asarray(
        image.convert(("LA" if has_alpha else "L") if is_grey else ("RGBA" if has_alpha else "RGB"))
    )
    upright = _upright(pixels if pixels.ndim == 3 else pixels[:, :, None], image)
    return Still(*_split(upright, has_alpha=has_alpha), image.info.get("icc_profile"), _exif(image))


def _deep(data: bytes, image: Image.Image, name: str) -> Still:
    """A PNG of 16 bits, which Pillow would reduce to 8."""
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint16 or read.shape[:2] != (image.height, image.width):
        raise MediaUnreadable(f"{name} is damaged.", "Export or upload it again.")
    pixels: Pixels = read.astype(np.uint16, copy=False)
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if pixels.shape[2] >= 3:
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    upright = _upright(pixels, image)
    colour, alpha = _split(upright, has_alpha=pixels.shape[2] == 4)
    return Still(colour, alpha, None, None, png.colour_chunks(data))


def _split(pixels: Pixels, *, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    pixels = np.ascontiguousarray(pixels)
    return (pixels[:, :, :-1], pixels[:, :, -1:]) if has_alpha else (pixels, None)


def _upright(pixels: Pixels, image: Image.Image) -> Pixels:
    """Turned as the EXIF orientation (1 to 8) asks, so that no viewer has to."""
    turned = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[:, ::-1],
        7: lambda p: p.swapaxes(0, 1)[::-1, ::-1],
        8: lambda p: p.swapaxes(0, 1)[::-1],
    }
    turn = turned.get(image.getexif().get(_ORIENTATION, 1))
    return pixels if turn is None else turn(pixels)


def _exif(image: Image.Image) -> bytes | None:
    """The EXIF data without orientation and without the small preview, which would show the picture unmarked."""
    exif = image.getexif()
    exif.pop(_ORIENTATION, None)
    return exif.tobytes() if len(exif) else None


def _saved(still: Still, **how: Any) -> bytes:
    parts = [still.colour] if still.alpha is None else [still.colour, still.alpha]
    pixels = np.concatenate(parts, axis=2)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    how |= {name: value for name, value in (("icc_profile", still.icc), ("exif", still.exif)) if value}
    file = io.BytesIO()
    image.save(file, **how)
    return file.getvalue()


def _png_deep(still: Still) -> bytes:
    blue_first: Pixels = still.colour[:, :, ::-1]
    if still.alpha is not None:
        if blue_first.shape[2] == 1:
            blue_first = np.repeat(blue_first, 3, axis=2)
        blue_first = np.concatenate([blue_first, still.alpha], axis=2)
    written, data = cv2.imencode(".png", np.ascontiguousarray(blue_first))
    if not written:
        raise EncodingFailed("The picture cannot be encoded as PNG.", "")
    return png.with_chunks(data.tobytes(), still.chunks)


def _unreadable(name: str, error: Exception) -> MediaUnreadable:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return MediaUnreadable(f"{name} cannot be decoded: {said}.", "Export or upload it again.")


def _at_most(limits: Limits) -> str:
    return f"At most {limits.max_pixels} pixels are read."
