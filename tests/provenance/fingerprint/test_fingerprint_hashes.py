from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from provenance.errors import FingerprintInvalid, PictureShape
from provenance.fingerprint import hamming, hash_frame, mirror_pdq, pdq, phash
from provenance.fingerprint.borders import Box, content_box
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


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "page.png"])
def test_phash_is_exactly_imagehash(real_media: Path, name: str) -> None:
    path = real_media / "imageio" / name
    assert phash(_still(path)).hex() == str(imagehash.phash(Image.open(path).convert("RGB")))


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


def test_mirrored_picture_is_recognised_without_its_pixels(real_media: Path) -> None:
    for name in ("astronaut", "chelsea", "coffee"):
        rgb = _still(real_media / "imageio" / f"{name}.png")
        mirrored, _ = pdq(np.ascontiguousarray(rgb[:, ::-1]))
        assert hamming(mirror_pdq(pdq(rgb)[0]), mirrored) <= 20
        assert hamming(pdq(rgb)[0], mirrored) > 80


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
