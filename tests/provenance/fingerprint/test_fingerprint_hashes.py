from pathlib import Path

import imagehash
import numpy as np
import pdqhash
import pytest
from PIL import Image

from provenance.errors import FingerprintInvalid, PictureShape
from provenance.fingerprint import as_imagehash, hamming, hash_frame, mirror_pdq, mirrored_pdq, pdq, phash
from provenance.fingerprint.borders import Box, content_box
from provenance.fingerprint.pdq256 import TURNS, hash_picture, hash_turned
from provenance.media import read_frames


def _still(path: Path) -> np.ndarray:
    return next(read_frames(path, threads=1)).rgb


def _framed(rgb: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return np.pad(rgb, ((rows, rows), (columns, columns), (0, 0)))


@pytest.mark.parametrize("clip", ["chair-20-sd-bar", "doorknob-hd-no-bar"])
def test_pdq_agrees_with_the_published_hashes(real_media: Path, clip: str) -> None:
    """The vPDQ tool of the hash's authors printed these; frames of quality 100 must lie within 6 bits."""
    folder = real_media / "threatexchange"
    lines = (folder / "vpdq-hashes" / f"{clip}.txt").read_text().split()
    published = {
        int(n): (int(quality), bytes.fromhex(text)) for n, quality, text, *_ in (x.split(",") for x in lines)
    }
    compared = 0
    for frame in read_frames(folder / "videos" / f"{clip}.mp4", end_s=4.0, threads=1):
        if frame.index % 10 or published[frame.index][0] < 100:
            continue
        packed, quality = pdq(frame.rgb)
        assert hamming(packed, published[frame.index][1]) <= 6
        assert quality >= 95
        compared += 1
    assert compared >= 3


@pytest.mark.parametrize(
    "name",
    ["imageio/astronaut.png", "imageio/page.png", "augly-images/dfdc_2.jpg", "threatexchange/misc/wee.jpg"],
)
def test_pdq_is_that_of_the_authors_code(real_media: Path, name: str) -> None:
    rgb = _still(real_media / name)
    bits, quality = pdqhash.compute(rgb)
    assert pdq(rgb) == (np.packbits(bits.astype(np.uint8)).tobytes(), quality)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 64), (5, 5), (64, 64), (31, 97), (129, 130)])
def test_pdq_of_tiny_pictures_is_that_of_the_authors_code(real_media: Path, size: tuple[int, int]) -> None:
    rgb = np.ascontiguousarray(_still(real_media / "imageio" / "coffee.png")[: size[0], : size[1]])
    bits, quality = pdqhash.compute(rgb)
    packed, own_quality = pdq(rgb)
    assert own_quality == quality
    # The smallest have next to no detail, and their coefficients lie as near to each other as rounding errors.
    assert hamming(packed, np.packbits(bits.astype(np.uint8)).tobytes()) <= (8 if quality == 100 else 128)


def test_even_pictures_have_a_hash_without_bits() -> None:
    for level in (0, 1, 128, 255):
        hashed = hash_picture(np.full((90, 160, 3), level, np.uint8))
        assert (hashed.packed, hashed.mirrored, hashed.quality) == (bytes(32), bytes(32), 0)


def test_pdq_of_luma_and_of_a_box_is_that_of_the_picture_cut_out(real_media: Path) -> None:
    rgb = _still(real_media / "imageio" / "astronaut.png")
    cut = np.ascontiguousarray(rgb[20:380, 33:500])
    assert hash_picture(rgb, Box(20, 380, 33, 500)) == hash_picture(cut)
    grey = np.ascontiguousarray(rgb[:, :, 1])
    assert hash_picture(grey) == hash_picture(np.repeat(grey[:, :, None], 3, axis=2))


def test_read_only_and_strided_pictures_are_hashed(real_media: Path) -> None:
    rgb = _still(real_media / "imageio" / "coffee.png")
    every_second = rgb[::2, ::2]
    whole = np.ascontiguousarray(every_second)
    whole.flags.writeable = False
    assert hash_picture(every_second) == hash_picture(whole)
    assert phash(every_second) == phash(whole)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "page.png", "camera.png"])
def test_phash_is_exactly_imagehash(real_media: Path, name: str) -> None:
    rgb = _still(real_media / "imageio" / name)
    assert phash(rgb).hex() == str(imagehash.phash(Image.fromarray(rgb)))


def test_phash_is_exactly_imagehash_on_real_frames(real_media: Path) -> None:
    for clip in ("threatexchange/videos/chair-19-sd-bar.mp4", "bigbuckbunny/bbb-480p-30s-video.mp4"):
        for frame in read_frames(real_media / clip, end_s=2.0, threads=1):
            if frame.index % 6 == 0:
                assert phash(frame.rgb).hex() == str(imagehash.phash(Image.fromarray(frame.rgb)))


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (3, 5), (31, 33), (32, 32), (32, 50), (33, 32), (300, 32), (479, 353)]
)
def test_phash_is_exactly_imagehash_at_odd_sizes(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(size[0]).integers(0, 256, (*size, 3)).astype(np.uint8)
    # Hard edges between 0 and 255 overshoot, so that clipping is tried too.
    rgb[rgb > 128] = 255
    assert phash(rgb).hex() == str(imagehash.phash(Image.fromarray(rgb)))


def test_published_photo_edits_stay_close(real_media: Path) -> None:
    folder = real_media / "threatexchange" / "pdq-bridge-mods"
    original, _ = pdq(_still(folder / "aaa-orig.jpg"))
    for name in ("blur-a-little", "high-contrast", "high-saturation", "sharpen-a-lot", "shrink-a-little"):
        edited, quality = pdq(_still(folder / f"{name}.jpg"))
        assert quality == 100
        assert hamming(original, edited) <= 31


def test_unrelated_photos_are_far_apart(real_media: Path) -> None:
    names = ("astronaut", "chelsea", "coffee", "hubble_deep_field")
    hashes = [pdq(_still(real_media / "imageio" / f"{name}.png"))[0] for name in names]
    assert min(hamming(a, b) for n, a in enumerate(hashes) for b in hashes[:n]) > 80


def test_mirrored_hash_is_that_of_the_mirrored_picture(real_media: Path) -> None:
    for name in ("astronaut", "chelsea", "coffee"):
        rgb = _still(real_media / "imageio" / f"{name}.png")
        hashed, other = hash_picture(rgb), hash_picture(np.ascontiguousarray(rgb[:, ::-1]))
        assert (hashed.mirrored, hashed.packed) == (other.packed, other.mirrored)
        assert hamming(hashed.packed, hashed.mirrored) > 80
        asked = hash_frame(0, 0.0, rgb, with_mirrored=True)
        assert mirrored_pdq(asked) == other.packed


def test_mirrored_hash_is_guessed_where_the_pixels_are_gone(real_media: Path) -> None:
    for name in ("astronaut", "chelsea", "coffee"):
        rgb = _still(real_media / "imageio" / f"{name}.png")
        kept = hash_frame(0, 0.0, rgb)
        assert kept.mirrored_pdq == b""
        assert mirrored_pdq(kept) == mirror_pdq(kept.pdq)
        assert hamming(mirror_pdq(kept.pdq), hash_picture(rgb).mirrored) <= 22


def test_eight_turns_are_told_from_one_transform(real_media: Path) -> None:
    rgb = _still(real_media / "threatexchange" / "pdq-dihedral" / "bridge-1-original.jpg")
    turned = hash_turned(rgb)
    assert tuple(turned) == TURNS
    half = np.rot90(rgb, 2)
    pictures = {
        "original": rgb,
        "rot90": np.rot90(rgb),
        "rot180": half,
        "rot270": np.rot90(rgb, 3),
        "mirrored": rgb[:, ::-1],
        "upside_down": rgb[::-1],
        "transposed": rgb.transpose(1, 0, 2),
        "antitransposed": half.transpose(1, 0, 2),
    }
    for name, picture in pictures.items():
        assert hamming(turned[name], hash_picture(np.ascontiguousarray(picture)).packed) <= 10, name


@pytest.mark.parametrize(("rows", "columns"), [(40, 0), (0, 96), (64, 64)])
def test_black_bars_do_not_change_the_hash(real_media: Path, rows: int, columns: int) -> None:
    rgb = _still(real_media / "imageio" / "astronaut.png")
    barred = _framed(rgb, rows, columns)
    assert content_box(barred) == Box(rows, rows + 512, columns, columns + 512)
    assert hash_frame(0, 0.0, barred).pdq == pdq(rgb)[0]
    assert hash_frame(0, 0.0, barred).phash == phash(barred)


def test_dark_scene_is_not_taken_for_bars() -> None:
    ramp = np.linspace(0, 120, 200).astype(np.uint8)
    rgb = np.repeat(np.repeat(ramp[:, None, None], 320, 1), 3, 2)
    assert content_box(rgb) == Box(0, 200, 0, 320)
    assert content_box(np.zeros((90, 160, 3), np.uint8)) == Box(0, 90, 0, 160)


def test_bars_of_a_real_clip_are_found_in_every_frame(real_media: Path) -> None:
    path = real_media / "threatexchange" / "videos" / "chair-19-sd-bar.mp4"
    boxes = {content_box(f.rgb) for f in read_frames(path, end_s=2.0, threads=1) if f.index % 10 == 0}
    assert boxes == {Box(0, 720, 32, 448)}


def test_flat_frame_is_kept_but_never_searched() -> None:
    fingerprint = hash_frame(3, 0.75, np.zeros((90, 160, 3), np.uint8))
    assert (fingerprint.frame_index, fingerprint.time_s, fingerprint.quality) == (3, 0.75, 0)
    assert (len(fingerprint.pdq), len(fingerprint.phash)) == (32, 8)
    assert not fingerprint.is_searchable


def test_what_is_no_hash_or_picture_is_refused() -> None:
    with pytest.raises(FingerprintInvalid):
        hamming(bytes(32), bytes(8))
    with pytest.raises(FingerprintInvalid):
        mirror_pdq(bytes(8))
    with pytest.raises(PictureShape):
        hash_frame(0, 0.0, np.zeros((90, 160), np.uint8))
    with pytest.raises(PictureShape):
        hash_picture(np.zeros((90, 160, 4), np.uint8))
    with pytest.raises(PictureShape):
        hash_picture(np.zeros((90, 0), np.uint8))


def test_a_stored_phash_is_compared_with_hashes_of_the_imagehash_library(real_media: Path) -> None:
    picture = Image.open(real_media / "augly-images/dfdc_1.jpg").convert("RGB")
    ours = as_imagehash(phash(np.asarray(picture)))
    assert ours - imagehash.phash(picture) == 0
    assert str(ours) == str(imagehash.phash(picture))
