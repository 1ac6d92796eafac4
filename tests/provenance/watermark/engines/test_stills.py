"""A still is marked in its file without losing anything else of it, or refused with a reason; never half."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from provenance.errors import (
    EncodingFailed,
    FileEmpty,
    FileMissing,
    FormatNotAllowed,
    MediaTooLarge,
    MediaUnreadable,
    ProvenanceError,
)
from provenance.media import Limits
from provenance.watermark.engines import MarkUnreadable, StillUnsupported, detect_still, embed_still
from provenance.watermark.engines.still_files import read_still


@pytest.fixture(scope="module")
def photo(real_media: Path) -> Path:
    return real_media / "imageio" / "chelsea.png"


@pytest.fixture(scope="module")
def large_photo(real_media: Path) -> Path:
    return real_media / "augly-images" / "dfdc_1.jpg"


def _rgb(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def _deep(photo: Path, channels: int) -> np.ndarray:
    """The photo with 16 bits whose lower ones are no copy of the upper ones; BGR(A) or grey, as OpenCV writes it."""
    rng = np.random.default_rng(0)
    wide = _rgb(photo)[:, :, ::-1].astype(np.uint16) * 256
    wide = wide[:, :, 0] if channels == 1 else wide
    wide = wide + rng.integers(0, 256, wide.shape).astype(np.uint16)
    if channels == 4:
        return np.dstack([wide, np.full(wide.shape[:2], 40_000, np.uint16)])
    return wide


def test_a_marked_png_gives_its_exact_message(photo, tmp_path, key, payload, other_key):
    done = embed_still(photo, tmp_path / "marked.png", key, payload)
    assert (done.width, done.height, done.bits) == (451, 300, 8)
    assert 42 < done.psnr_db < 48
    assert done.read_back.p_false_positive < 1e-7
    (found,) = detect_still(tmp_path / "marked.png", [other_key, key])
    assert (found.payload, found.key_id) == (payload, key.key_id)
    assert detect_still(photo, [key, other_key], budget_s=1.0) == []


def test_a_marked_jpeg_survives_quality_50(large_photo, tmp_path, key, payload):
    embed_still(large_photo, tmp_path / "marked.jpg", key, payload)
    Image.open(tmp_path / "marked.jpg").save(tmp_path / "worse.jpg", quality=50)
    (found,) = detect_still(tmp_path / "worse.jpg", [key])
    assert found.payload == payload


def test_transparency_stays_as_it_was(photo, tmp_path, key, payload):
    rgb = _rgb(photo)
    alpha = np.tile(np.linspace(0, 255, rgb.shape[1]).astype(np.uint8), (rgb.shape[0], 1))
    alpha[:, :40] = 0
    Image.fromarray(np.dstack([rgb, alpha])).save(tmp_path / "in.png")
    embed_still(tmp_path / "in.png", tmp_path / "out.png", key, payload)
    out = np.asarray(Image.open(tmp_path / "out.png"))
    assert (out[:, :, 3] == alpha).all()
    assert (out[:, :40, :3] == rgb[:, :40]).all()
    assert (out[:, 60:, :3] != rgb[:, 60:]).any()


def test_a_palette_picture_with_a_transparent_colour_keeps_it(photo, tmp_path, key, payload):
    palette = Image.open(photo).convert("RGB").quantize(64)
    palette.save(tmp_path / "in.png", transparency=0)
    before = np.asarray(Image.open(tmp_path / "in.png").convert("RGBA"))
    embed_still(tmp_path / "in.png", tmp_path / "out.png", key, payload)
    after = Image.open(tmp_path / "out.png")
    assert after.mode == "RGBA"
    assert (np.asarray(after)[:, :, 3] == before[:, :, 3]).all()


def test_grey_stays_grey(real_media, tmp_path, key, payload):
    embed_still(real_media / "imageio" / "camera.png", tmp_path / "out.png", key, payload)
    assert Image.open(tmp_path / "out.png").mode == "L"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_keep_their_finer_digits(photo, tmp_path, key, payload, channels):
    source = _deep(photo, channels)
    cv2.imwrite(str(tmp_path / "in.png"), source)
    done = embed_still(tmp_path / "in.png", tmp_path / "out.png", key, payload)
    out = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert done.bits == 16
    assert (out.dtype, out.shape) == (np.uint16, source.shape)
    change = out.astype(int) - source
    inside = (out > 0) & (out < 65535)
    assert (change[inside] % 257 == 0).all()
    assert len(np.unique(change)) > 5
    if channels == 4:
        assert (change[:, :, 3] == 0).all()


def test_what_a_16_bit_png_says_about_its_colours_is_kept(photo, tmp_path, key, payload):
    _, encoded = cv2.imencode(".png", _deep(photo, 3))
    data = encoded.tobytes()
    gamma = struct.pack(">I4sI", 4, b"gAMA", 45455)
    gamma += struct.pack(">I", zlib.crc32(gamma[4:]))
    (tmp_path / "in.png").write_bytes(data[:33] + gamma + data[33:])
    embed_still(tmp_path / "in.png", tmp_path / "out.png", key, payload)
    assert gamma in (tmp_path / "out.png").read_bytes()
    Image.open(tmp_path / "out.png").load()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_lying_on_its_side_is_put_upright(large_photo, tmp_path, key, payload, orientation):
    image = Image.open(large_photo).resize((640, 360))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "A camera"
    image.save(tmp_path / "in.jpg", exif=exif, quality=95)
    done = embed_still(tmp_path / "in.jpg", tmp_path / "out.png", key, payload)
    out = Image.open(tmp_path / "out.png")
    assert out.size == (done.width, done.height) == ((640, 360) if orientation < 5 else (360, 640))
    assert out.getexif().get(0x0112, 1) == 1
    assert out.getexif()[0x010F] == "A camera"
    shown = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "in.jpg"))).astype(int)
    assert np.abs(np.asarray(out).astype(int) - shown).mean() < 2


def test_colour_profile_and_exif_are_kept(photo, tmp_path, key, payload):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0131] = "A program"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:05 10:00:00"
    Image.open(photo).convert("RGB").save(tmp_path / "in.jpg", icc_profile=profile, exif=exif, quality=95)
    embed_still(tmp_path / "in.jpg", tmp_path / "out.jpg", key, payload)
    out = Image.open(tmp_path / "out.jpg")
    assert out.info["icc_profile"] == profile
    assert out.getexif()[0x0131] == "A program"
    assert out.getexif().get_ifd(0x8769)[0x9003] == "2026:01:05 10:00:00"


def test_the_small_preview_that_cameras_hide_in_exif_does_not_get_out_unmarked(photo, tmp_path, key, payload):
    image = Image.open(photo).convert("RGB")
    small = io.BytesIO()
    image.resize((80, 53)).save(small, format="JPEG")
    image.save(tmp_path / "in.jpg", exif=_exif_with_preview(small.getvalue()), quality=95)
    assert small.getvalue() in (tmp_path / "in.jpg").read_bytes()
    embed_still(tmp_path / "in.jpg", tmp_path / "out.jpg", key, payload)
    assert small.getvalue()[-200:] not in (tmp_path / "out.jpg").read_bytes()
    assert Image.open(tmp_path / "out.jpg").getexif()[0x0131] == "abc"


def _exif_with_preview(jpeg: bytes) -> bytes:
    """TIFF with the program's name in its first directory and a preview in its second."""
    first = struct.pack("<HHHI4s", 1, 0x0131, 2, 4, b"abc")
    second_at = 8 + len(first) + 4
    jpeg_at = second_at + 2 + 3 * 12 + 4
    second = struct.pack("<HHHIHH", 3, 0x0103, 3, 1, 6, 0)
    second += struct.pack("<HHII", 0x0201, 4, 1, jpeg_at) + struct.pack("<HHII", 0x0202, 4, 1, len(jpeg))
    return (
        b"Exif\0\0II*\0"
        + struct.pack("<I", 8)
        + first
        + struct.pack("<I", second_at)
        + second
        + bytes(4)
        + jpeg
    )


def test_a_file_may_be_marked_in_place(photo, tmp_path, key, payload):
    path = tmp_path / "same.png"
    path.write_bytes(photo.read_bytes())
    embed_still(path, path, key, payload)
    assert detect_still(path, [key])[0].payload == payload
    assert [entry.name for entry in tmp_path.iterdir()] == ["same.png"]


def _save(folder: Path, image: Image.Image, name: str, **how) -> Path:
    image.save(folder / name, **how)
    return folder / name


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda d, p: d / "absent.png", FileMissing, "no file"),
        (lambda d, p: (d / "empty.png").touch() or d / "empty.png", FileEmpty, "no bytes"),
        (lambda d, p: _save(d, Image.open(p), "a.gif"), FormatNotAllowed, "neither PNG nor JPEG"),
        (lambda d, p: _save(d, Image.open(p).convert("1"), "a.png"), StillUnsupported, "black and white"),
        (lambda d, p: _save(d, Image.open(p).convert("CMYK"), "a.jpg"), StillUnsupported, "CMYK"),
        (
            lambda d, p: _save(
                d, Image.open(p), "a.png", save_all=True, append_images=[Image.new("RGB", (451, 300))]
            ),
            StillUnsupported,
            "2 pictures",
        ),
        (lambda d, p: _save(d, Image.new("RGB", (40, 40), "green"), "a.png"), MarkUnreadable, "40x40"),
    ],
    ids=["absent", "empty", "gif", "bilevel", "cmyk", "animated", "tiny"],
)
def test_what_cannot_be_marked_is_refused_with_a_reason(make, error, said, photo, tmp_path, key, payload):
    source = make(tmp_path, photo)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=said) as caught:
        embed_still(source, tmp_path / "out.png", key, payload)
    assert caught.value.hint
    assert sorted(tmp_path.iterdir()) == before


def test_a_jpeg_cannot_hold_transparency_or_16_bits(photo, tmp_path, key, payload):
    for channels, what in ((3, "16 bits"), (4, "16 bits")):
        cv2.imwrite(str(tmp_path / "in.png"), _deep(photo, channels))
        with pytest.raises(StillUnsupported, match=what):
            embed_still(tmp_path / "in.png", tmp_path / "out.jpg", key, payload)
    Image.open(photo).convert("RGBA").save(tmp_path / "in.png")
    with pytest.raises(StillUnsupported, match="transparency"):
        embed_still(tmp_path / "in.png", tmp_path / "out.jpg", key, payload)
    with pytest.raises(FormatNotAllowed, match="neither PNG nor JPEG"):
        embed_still(photo, tmp_path / "out.webp", key, payload)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.png"]


def test_a_folder_that_takes_no_file_leaves_nothing_half_made(photo, tmp_path, key, payload):
    with pytest.raises(EncodingFailed, match="cannot be written"):
        embed_still(photo, tmp_path / "absent" / "out.png", key, payload)
    (tmp_path / "out.png").mkdir()
    with pytest.raises(EncodingFailed):
        embed_still(photo, tmp_path / "out.png", key, payload)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


def test_too_many_pixels_are_refused_before_they_are_decoded(photo, tmp_path):
    with pytest.raises(MediaTooLarge, match="451x300"):
        read_still(photo, Limits(max_pixels=1000))
    with pytest.raises(MediaTooLarge):
        read_still(photo, Limits(max_bytes=1000))
    # A header alone may claim any size.
    bomb = bytearray(photo.read_bytes())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    (tmp_path / "bomb.png").write_bytes(bytes(bomb))
    with pytest.raises(MediaTooLarge):
        read_still(tmp_path / "bomb.png")


def test_a_cut_off_file_is_refused_wherever_it_was_cut(photo, large_photo, tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), _deep(photo, 3))
    for source in (photo, large_photo, tmp_path / "deep.png"):
        data = source.read_bytes()
        for share in (0.001, 0.05, 0.3, 0.9):
            cut = tmp_path / f"cut{source.suffix}"
            cut.write_bytes(data[: max(1, int(share * len(data)))])
            with pytest.raises((MediaUnreadable, FormatNotAllowed)):
                read_still(cut)


def test_damaged_bytes_never_raise_anything_foreign(photo, large_photo, tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), _deep(photo, 4))
    rng = np.random.default_rng(7)
    small = tmp_path / "small.jpg"
    Image.open(large_photo).resize((96, 64)).save(small)
    refused = 0
    for source in (photo, small, tmp_path / "deep.png"):
        good = np.frombuffer(source.read_bytes(), np.uint8)
        for _ in range(25):
            bad = good.copy()
            at = rng.integers(0, min(len(bad), 2000), 6)
            bad[at] = rng.integers(0, 256, 6)
            (tmp_path / "bad").write_bytes(bad.tobytes())
            try:
                read_still(tmp_path / "bad")
            except ProvenanceError:
                refused += 1
    assert refused > 10


def test_flat_and_black_stills_are_no_trap(tmp_path, key, payload):
    for level in (0, 255, 128):
        Image.new("RGB", (640, 360), (level,) * 3).save(tmp_path / "flat.png")
        try:
            embed_still(tmp_path / "flat.png", tmp_path / "out.png", key, payload)
        except MarkUnreadable:
            assert not (tmp_path / "out.png").exists()
        else:
            assert detect_still(tmp_path / "out.png", [key])[0].payload == payload
            (tmp_path / "out.png").unlink()
        assert detect_still(tmp_path / "flat.png", [key], budget_s=0.5) == []
