"""An inspection answers for the sound of a file too, with a marked picture, an unmarked one or none."""

from pathlib import Path

import pytest

from provenance.inspect import inspect_file
from provenance.inspect.result import detections_to_wire, sound_detections_from_wire
from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.audio import AudioDetection, AudioSpan, mark_track
from tests.provenance.inspect.signed_take import SignedTake

KEY = WatermarkKey("studio/1", bytes(range(32)))
PAYLOAD = Payload(asset_id=0x50_0D_CA_FE)


@pytest.fixture(scope="module")
def speech(real_media: Path) -> Path:
    return real_media / "augly-audio-mono" / "test_clip.wav"


@pytest.fixture(scope="module")
def marked(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose sound is marked and whose picture is not."""
    path = tmp_path_factory.mktemp("sound") / "marked.mp4"
    mark_track(real_media / "threatexchange" / "videos" / "chair-orig-22-sd-bar.mp4", path, KEY, PAYLOAD)
    return path


def test_a_marked_track_is_read_although_the_picture_is_not_marked(marked: Path) -> None:
    found = inspect_file(marked, keys=[WatermarkKey("other/1", bytes(32)), KEY], want=["watermark"])
    assert found.sound_watermarks is not None
    (mark,) = found.sound_watermarks
    assert (mark.payload, mark.key_id) == (PAYLOAD, KEY.key_id)
    assert mark.p_false_positive <= 1e-6
    assert mark.soft_bits is None, "soft bits stay in the child"
    assert found.watermarks == ()
    assert found.errors == {}


def test_sound_without_a_mark_is_an_answer_and_no_sound_is_none(speech: Path, take: SignedTake) -> None:
    assert inspect_file(speech, keys=[KEY]).sound_watermarks == ()
    assert inspect_file(take.unsigned, keys=[take.key], want=["watermark"]).sound_watermarks is None
    assert inspect_file(speech, keys=[], want=["credential"]).sound_watermarks is None


def test_detections_in_sound_survive_the_trip() -> None:
    read = AudioDetection(
        payload=PAYLOAD,
        key_id="studio/1",
        z=9.5,
        p_presence=1e-12,
        p_message=1e-8,
        p_false_positive=1e-12,
        hypotheses=40,
        seconds_used=12.0,
        start_s=1.0,
        end_s=6.0,
        speed=1.02,
        spans=(AudioSpan(0.0, 0.64, 3.5, True),),
    )
    unread = AudioDetection(None, "studio/1", 7.0, 1e-7, 1.0, 1e-7, 40, 2.0, 0.0, 2.0)
    assert sound_detections_from_wire(detections_to_wire([read, unread])) == (read, unread)
