"""A mark alone convinces nobody: copied marks are read and seen through, honest copies are accepted."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.media import Picture, VideoWriter, probe, read_frames
from provenance.registration import Affine, Clip, compare, content_agreement, register
from provenance.registration.copying import attack, read_mark
from provenance.registration.maps import resample
from provenance.watermark import Embedder, Payload, WatermarkKey

KEY = WatermarkKey("studio-1", bytes(range(32)))
PAYLOAD = Payload(asset_id=0x51A7_E0C0_FFEE_0B5E)
SECONDS = 1.4
VICTIMS = {
    "another shot": ("imageio/cockatoo.mp4", (1280, 720)),
    "drawn": ("bigbuckbunny/bbb-480p-30s-video.mp4", (854, 480)),
    "a person": ("intel-sample-videos/student.mkv", (960, 720)),
}


def written(path: Path, frames: list[np.ndarray], fps: Fraction, crf: int = 17, marked: bool = False) -> Path:
    height, width = frames[0].shape[:2]
    embedder = Embedder(KEY, PAYLOAD, width, height, fps)
    with VideoWriter(path, width, height, fps, crf=crf, threads=1) as writer:
        for rgb in frames:
            picture = Picture.from_rgb(rgb)
            if marked:
                picture.luma = embedder.mark(picture.luma)
            writer.write(picture)
    return path


@pytest.fixture(scope="module")
def master(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 720p, marked as a take is."""
    source = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    frames = [frame.rgb for frame in read_frames(source, end_s=SECONDS, threads=1)]
    path = tmp_path_factory.mktemp("take") / "master.mp4"
    return written(path, frames, probe(source).fps, marked=True)


@pytest.mark.parametrize("victim", list(VICTIMS))
def test_a_mark_copied_onto_other_content_is_read_and_flagged(
    real_media: Path, tmp_path: Path, master: Path, victim: str
) -> None:
    name, size = VICTIMS[victim]
    info = probe(real_media / name)
    start_s = 12.0 if info.duration_s > 20 else 0.0
    source = read_frames(real_media / name, start_s=start_s, end_s=start_s + SECONDS - 0.1, threads=1)
    frames = [cv2.resize(frame.rgb, size, interpolation=cv2.INTER_CUBIC) for frame in source]
    clean = written(tmp_path / "victim.mp4", frames, info.fps)
    result = attack(master, clean, [KEY], PAYLOAD.asset_id, tmp_path / "copy.mp4")
    assert result.is_read
    assert not result.is_accepted
    assert result.reason.startswith("A mark is present, but the content differs")


def test_without_the_copied_mark_nothing_is_read(real_media: Path) -> None:
    assert read_mark(real_media / "intel-sample-videos" / "student.mkv", [KEY], PAYLOAD.asset_id) is None


EDITS: dict[str, tuple[Affine, tuple[int, int], int]] = {
    "recompressed": (Affine.scaling(1, 1), (1280, 720), 33),
    "crop to 40 %": (Affine(1, 0, 0, 1, -300, -150), (512, 288), 23),
    "16:9 to 4:3, mirrored": (Affine(-0.75, 0, 0, 1, 960, 0), (960, 720), 26),
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_an_honest_copy_is_accepted(tmp_path: Path, master: Path, edit: str) -> None:
    place, size, crf = EDITS[edit]
    frames = [resample(frame.rgb, place.inverse(), *size)[0] for frame in read_frames(master, threads=1)]
    copy = written(tmp_path / "copy.mp4", frames, probe(master).fps, crf)
    found = read_mark(copy, [KEY], PAYLOAD.asset_id)
    assert found is not None
    result = compare(Clip.of_file(copy, threads=1), Clip.of_file(master, threads=1), found)
    assert result.agreement.same, result.agreement.reason
    assert result.registration.on_lattice
    assert result.tamper.is_empty
    assert result.picture is not None
    assert json.loads(json.dumps(result.as_dict()))["agreement"]["same"] is True


def test_a_logo_and_lower_third_do_not_make_it_other_content(shot: Callable, encoded: Callable) -> None:
    take = shot("cockatoo")
    width, height = take.size

    def edit(rgb: np.ndarray) -> np.ndarray:
        covered = rgb.copy()
        cv2.rectangle(covered, (0, height * 4 // 5), (width, height), (10, 10, 90), cv2.FILLED)
        cv2.circle(covered, (width // 8, height // 6), height // 9, (240, 240, 240), cv2.FILLED)
        return covered

    suspect = encoded(take.frames, take.fps, 28, edit)
    result = compare(suspect, take.clip, source_start_s=0.0, slack_s=0.3)
    assert result.agreement.same, result.agreement.reason
    assert 0.15 < result.agreement.differing < 0.4


@pytest.mark.parametrize(("one", "other"), [("again", "eat"), ("brother", "help"), ("sister", "student")])
def test_the_same_room_with_other_movement_is_other_content(
    real_media: Path, encoded: Callable, one: str, other: str
) -> None:
    folder = real_media / "intel-sample-videos"
    take = Clip.of_file(folder / f"{one}.mkv", threads=1)
    frames = [frame.rgb for frame in read_frames(folder / f"{other}.mkv", end_s=1.4, threads=1)]
    suspect = encoded(frames, probe(folder / f"{other}.mkv").fps)
    agreement = content_agreement(register(suspect, take, geometry=Affine.scaling(1, 1), source_start_s=0.0))
    assert not agreement.same
    assert agreement.reason.startswith("A mark is present, but the content differs")


def test_a_single_frame_of_the_same_room_is_other_content(real_media: Path, encoded: Callable) -> None:
    folder = real_media / "intel-sample-videos"
    take = Clip.of_file(folder / "brother.mkv", threads=1)
    frame = next(iter(read_frames(folder / "help.mkv", start_s=1.0, threads=1)))
    suspect = encoded([frame.rgb], Fraction(25))
    agreement = content_agreement(register(suspect, take, geometry=Affine.scaling(1, 1), source_start_s=1.0))
    assert not agreement.same


def test_a_single_frame_of_the_take_is_the_take(shot: Callable, encoded: Callable) -> None:
    take = shot("chair")
    suspect = encoded(take.frames[12:13], take.fps, 30)
    result = compare(suspect, take.clip, source_start_s=0.4, slack_s=0.3)
    assert result.agreement.same, result.agreement.reason
    assert result.agreement.motion is None
