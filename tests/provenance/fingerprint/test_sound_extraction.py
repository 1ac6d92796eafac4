"""Sound is fingerprinted as it streams by; what is silent, absent or too short is said to be so."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import MediaUnreadable
from provenance.fingerprint.sound import SoundFingerprinter, SoundUnavailable, extraction, sound_of, sounds_of
from provenance.fingerprint.sound.codes import RATE_HZ, SILENT_CODE
from provenance.inspect import sandbox
from tests.provenance.fingerprint.sounds_for_tests import (
    heard_in,
    needs_chromaprint,
    silence,
    sound_in,
    write_sound,
)

pytestmark = needs_chromaprint

BUNNY = "bigbuckbunny/bbb-480p-30s-video.mp4"
CHAIR = "threatexchange/videos/chair-orig-22-sd-bar.mp4"
INTERVAL_S = 0.12381


def test_a_film_gives_a_code_every_eighth_of_a_second(real_media: Path) -> None:
    track = sound_of(real_media / BUNNY)
    assert track is not None
    assert track.codes.dtype == np.uint32
    assert track.interval_s == pytest.approx(INTERVAL_S, rel=1e-4)
    assert len(track.codes) == pytest.approx((30.0 - 2.7) / INTERVAL_S, abs=2)
    assert not np.any(track.codes == SILENT_CODE)


def test_the_same_sound_has_the_same_codes_however_it_is_cut_into_blocks() -> None:
    sound = np.random.default_rng(1).standard_normal((12 * RATE_HZ, 2)).astype(np.float32) * 0.1
    sound[4 * RATE_HZ : 8 * RATE_HZ] = 0.0
    tracks = []
    for size in (777, 1365, 5000, len(sound)):
        fingerprinter = SoundFingerprinter()
        for start in range(0, len(sound), size):
            fingerprinter.add(sound[start : start + size])
        tracks.append(fingerprinter.finish()[0])
    for track in tracks[1:]:
        np.testing.assert_array_equal(track.codes, tracks[0].codes)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("intel-sample-videos/again.mkv", "no sound track"),
        ("imageio/astronaut.png", "a still"),
        ("intel-sample-videos/car-detection.mp4", "digital silence"),
        ("imageio/cockatoo.mp4", "digital silence"),
        ("augly-audio-mono/vad-go-mono-32000.wav", "shorter than one code"),
    ],
)
def test_what_cannot_be_recognised_by_its_sound_has_no_fingerprint(
    real_media: Path, path: str, why: str
) -> None:
    assert sound_of(real_media / path) is None, why
    assert sounds_of(real_media / path) == ()


def test_a_pause_is_marked_as_silence_and_nothing_else_is(real_media: Path, tmp_path: Path) -> None:
    said = sound_in(real_media / BUNNY, 10, 20)
    hiss = np.random.default_rng(2).standard_normal((8 * 48_000, 2)).astype(np.float32) * 1e-5
    (track,) = heard_in(tmp_path / "pause.wav", np.concatenate([said, hiss, said]))
    times_s = track.start_s + np.arange(len(track.codes)) * track.interval_s
    is_silent = track.codes == SILENT_CODE
    assert is_silent[(times_s > 11) & (times_s < 16)].all()
    assert not is_silent[(times_s < 9) | (times_s > 18)].any()


def test_a_quiet_room_is_not_silence(real_media: Path) -> None:
    track = sound_of(real_media / CHAIR)  # -53 dBFS in the median
    assert track is not None
    assert not np.any(track.codes == SILENT_CODE)


def test_each_supposed_speed_has_a_track_in_the_time_of_the_clip(real_media: Path) -> None:
    speeds = (1.0, 25 / 24, 24 / 25)
    tracks = sounds_of(real_media / BUNNY, speeds=speeds)
    assert [track.interval_s for track in tracks] == pytest.approx(
        [INTERVAL_S / speed for speed in speeds], rel=1e-3
    )
    ends_s = [track.start_s + len(track.codes) * track.interval_s for track in tracks]
    assert ends_s == pytest.approx([ends_s[0]] * 3, abs=0.3)


def test_sound_that_is_not_a_number_is_taken_for_none() -> None:
    fingerprinter = SoundFingerprinter()
    fingerprinter.add(np.full((10 * RATE_HZ, 1), np.nan, np.float32))
    assert fingerprinter.finish() == ()


def test_memory_does_not_grow_with_the_sound() -> None:
    block = np.random.default_rng(3).standard_normal((RATE_HZ, 2)).astype(np.float32) * 0.1
    fingerprinter = SoundFingerprinter()
    tracemalloc.start()
    for _ in range(600):
        fingerprinter.add(block)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2e6, "ten minutes of samples would be 26 MB"


def test_sound_that_breaks_off_is_refused(real_media: Path, tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "whole.mka", sound_in(real_media / BUNNY, 0, 10), "flac").read_bytes()
    broken = tmp_path / "broken.mka"
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaUnreadable):
        sound_of(broken)


def test_without_the_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, real_media: Path
) -> None:
    monkeypatch.setitem(sys.modules, "chromaprint", None)
    extraction._chromaprint.cache_clear()
    try:
        with pytest.raises(SoundUnavailable) as refused:
            sound_of(real_media / BUNNY)
    finally:
        extraction._chromaprint.cache_clear()
    assert "libchromaprint1" in refused.value.hint


def test_it_works_in_a_confined_child(real_media: Path) -> None:
    code = (
        "import sys; from provenance.inspect.confinement import confine; "
        "from provenance.inspect.limits import InspectionLimits; confine(InspectionLimits()); "
        "from provenance.fingerprint.sound import sound_of; print(len(sound_of(sys.argv[1]).codes))"
    )
    command, inside = sandbox.child_command(real_media / BUNNY)
    python = [*command[: command.index("-m")], "-c", code, inside]
    child = subprocess.run(
        python, env=sandbox.child_environment(), capture_output=True, text=True, check=False
    )
    assert child.stdout.strip() == "221", child.stderr


def test_silence_is_no_fingerprint(tmp_path: Path) -> None:
    assert heard_in(tmp_path / "silence.wav", silence(10)) == ()
