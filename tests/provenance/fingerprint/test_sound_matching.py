"""A stretch of a sound is found again after the edits sound goes through, at its time, and nothing else is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from provenance.fingerprint.contents import SoundTrack
from provenance.fingerprint.sound import sound_of, sounds_of
from provenance.fingerprint.sound.codes import SILENT_CODE, query_keys, reference_keys, shared_places
from provenance.fingerprint.sound.matching import align_sound
from tests.provenance.fingerprint.sounds_for_tests import (
    RATE_HZ,
    Sound,
    heard_in,
    needs_chromaprint,
    rain,
    silence,
    sound_in,
    stretched,
    tone,
    write_sound,
)

pytestmark = needs_chromaprint

SOURCES = {
    "bunny": "bigbuckbunny/bbb-480p-30s-video.mp4",
    "chair": "threatexchange/videos/chair-orig-22-sd-bar.mp4",
    "doorknob": "threatexchange/videos/doorknob-hd-no-bar.mp4",
}
START_S, END_S = 9.3, 15.3
# Ends within other sound are blurred: a code looks at 2.7 s.
BLUR_S = 1.0


@pytest.fixture(scope="session")
def tracks(real_media: Path) -> dict[str, SoundTrack]:
    found = {name: sound_of(real_media / path) for name, path in SOURCES.items()}
    return {name: track for name, track in found.items() if track is not None}


def aac(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.m4a", sound, "aac", 96_000)


def mp3(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.mp3", sound, "libmp3lame", 128_000)


def opus(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.ogg", sound, "libopus", 24_000)


def quieter(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.wav", sound / 4)


def one_channel(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.wav", sound[:, :1])


def telephone(folder: Path, sound: Sound) -> Path:
    """Every sixth sample of what is left below 4 kHz."""
    smooth = np.stack([np.convolve(channel, np.ones(6) / 6, "same") for channel in sound.T], axis=1)
    return write_sound(folder / "copy.wav", np.repeat(smooth[::6], 6, axis=0).astype(np.float32))


def noisy(folder: Path, sound: Sound) -> Path:
    noise = np.random.default_rng(1).standard_normal(sound.shape) * np.std(sound) / 10
    return write_sound(folder / "copy.wav", (sound + noise).astype(np.float32))


def cut_at_an_odd_place(folder: Path, sound: Sound) -> Path:
    return write_sound(folder / "copy.wav", sound[3001:])


@pytest.mark.parametrize(
    "edit",
    [aac, mp3, opus, quieter, one_channel, telephone, noisy, cut_at_an_odd_place],
    ids=lambda edit: edit.__name__,
)
@pytest.mark.parametrize("name", ["bunny", "chair"])
def test_six_seconds_are_found_again_at_their_time(
    real_media: Path,
    tmp_path: Path,
    tracks: dict[str, SoundTrack],
    name: str,
    edit: Callable[[Path, Sound], Path],
) -> None:
    copy = sound_of(edit(tmp_path, sound_in(real_media / SOURCES[name], START_S, END_S)))
    assert copy is not None
    (segment,) = align_sound(copy, tracks[name])
    assert segment.probability < 1e-6
    assert segment.bit_error_rate < 0.25
    assert segment.speed == pytest.approx(1.0, abs=0.03)
    assert segment.reference_start_s - segment.query_start_s == pytest.approx(START_S, abs=0.2)
    assert segment.query_end_s == pytest.approx(END_S - START_S, abs=BLUR_S)
    for other in tracks.keys() - {name}:
        assert align_sound(copy, tracks[other]) == []


@pytest.mark.parametrize("speed", [25 / 24, 24 / 25])
def test_film_transferred_to_another_frame_rate_is_found_with_its_speed(
    real_media: Path, tmp_path: Path, tracks: dict[str, SoundTrack], speed: float
) -> None:
    original = sound_in(real_media / SOURCES["bunny"], 5, 17)
    copy = write_sound(tmp_path / "copy.wav", original, played_at_hz=round(RATE_HZ * speed))
    (segment,) = align_sound(sounds_of(copy), tracks["bunny"])
    assert segment.speed == pytest.approx(speed, rel=0.01)
    assert segment.probability < 1e-9


@pytest.mark.parametrize("speed", [25 / 24, 24 / 25])
def test_a_transfer_that_keeps_the_pitch_is_found_with_its_speed(
    real_media: Path, tmp_path: Path, tracks: dict[str, SoundTrack], speed: float
) -> None:
    copy = heard_in(tmp_path / "copy.wav", stretched(sound_in(real_media / SOURCES["bunny"], 5, 17), speed))
    (segment,) = align_sound(copy, tracks["bunny"])
    assert segment.speed == pytest.approx(speed, rel=0.02)
    assert segment.probability < 1e-9


def test_five_seconds_within_another_sound_are_found_where_they_are(
    real_media: Path, tmp_path: Path, tracks: dict[str, SoundTrack]
) -> None:
    chair = sound_in(real_media / SOURCES["chair"])
    stolen = sound_in(real_media / SOURCES["bunny"], 18, 23)
    around = [chair[: 7 * RATE_HZ], stolen, chair[7 * RATE_HZ : 14 * RATE_HZ]]
    (copy,) = heard_in(tmp_path / "spliced.wav", np.concatenate(around))
    (segment,) = align_sound(copy, tracks["bunny"])
    assert segment.query_start_s == pytest.approx(7, abs=BLUR_S)
    assert segment.query_end_s == pytest.approx(12, abs=BLUR_S)
    assert segment.reference_start_s - segment.query_start_s == pytest.approx(11, abs=0.2)
    before, after = align_sound(copy, tracks["chair"])
    assert before.query_end_s == pytest.approx(7, abs=BLUR_S)
    assert after.query_start_s == pytest.approx(12, abs=BLUR_S)


def test_stretches_in_another_order_are_found_each(
    real_media: Path, tmp_path: Path, tracks: dict[str, SoundTrack]
) -> None:
    bunny = real_media / SOURCES["bunny"]
    (copy,) = heard_in(tmp_path / "c.wav", np.concatenate([sound_in(bunny, 20, 26), sound_in(bunny, 3, 9)]))
    first, second = align_sound(copy, tracks["bunny"])
    assert first.reference_start_s == pytest.approx(20, abs=BLUR_S)
    assert second.reference_end_s == pytest.approx(9, abs=BLUR_S)
    assert first.query_end_s <= second.query_start_s


def test_unrelated_films_do_not_sound_alike(tracks: dict[str, SoundTrack]) -> None:
    names = sorted(tracks)
    for name in names:
        for other in names:
            if name != other:
                assert align_sound(tracks[name], tracks[other]) == [], (name, other)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (lambda: rain(20, 1), lambda: rain(20, 2)),
        (lambda: tone(20, 50, 100, 150), lambda: tone(20, 50, 100, 150)),
        (lambda: tone(20, 1000), lambda: tone(25, 1000)),
    ],
    ids=["rain", "mains hum", "test tone"],
)
def test_what_sounds_alike_everywhere_is_no_copy(
    tmp_path: Path, one: Callable[[], Sound], another: Callable[[], Sound]
) -> None:
    (query,) = heard_in(tmp_path / "one.wav", one())
    (reference,) = heard_in(tmp_path / "another.wav", another())
    assert align_sound(query, reference) == []


def test_the_same_rain_is_a_copy(tmp_path: Path) -> None:
    (reference,) = heard_in(tmp_path / "reference.wav", rain(20, 1))
    (query,) = heard_in(tmp_path / "query.wav", rain(20, 1)[4 * RATE_HZ : 14 * RATE_HZ])
    (segment,) = align_sound(query, reference)
    assert segment.reference_start_s == pytest.approx(4, abs=0.2)


def test_silence_matches_no_silence(real_media: Path, tmp_path: Path) -> None:
    bunny, chair = (sound_in(real_media / SOURCES[name], 3, 8) for name in ("bunny", "chair"))
    (query,) = heard_in(tmp_path / "query.wav", np.concatenate([bunny, silence(12), bunny]))
    (reference,) = heard_in(tmp_path / "reference.wav", np.concatenate([chair, silence(12), chair]))
    assert np.sum(query.codes == SILENT_CODE) > 50
    assert align_sound(query, reference) == []
    assert SILENT_CODE >> 8 not in [*query_keys(query.codes), *reference_keys(query.codes)]


def test_the_more_was_searched_the_less_a_stretch_says(tracks: dict[str, SoundTrack]) -> None:
    (alone,) = align_sound(tracks["doorknob"], tracks["doorknob"])
    (among_many,) = align_sound(
        tracks["doorknob"], tracks["doorknob"], searched_codes=10**7, max_probability=1.0
    )
    assert alone.probability < 1e-6 < among_many.probability * 1e6
    assert among_many.probability > 1e3 * alone.probability


def test_a_long_reference_gives_the_answer_a_short_one_gives(
    real_media: Path, tmp_path: Path, tracks: dict[str, SoundTrack]
) -> None:
    """Of long ones only the neighbourhood of agreeing keys is compared."""
    copy = sound_of(aac(tmp_path, sound_in(real_media / SOURCES["bunny"], START_S, END_S)))
    assert copy is not None
    bunny = tracks["bunny"]
    rng = np.random.default_rng(1)
    before, after = (rng.integers(0, 2**32, 20_000, dtype=np.uint32) for _ in range(2))
    film = SoundTrack(bunny.start_s, bunny.interval_s, np.concatenate([before, bunny.codes, after]))
    (alone,), (within,) = align_sound(copy, bunny), align_sound(copy, film)
    shift_s = 20_000 * bunny.interval_s
    assert within.reference_start_s - shift_s == pytest.approx(alone.reference_start_s, abs=0.2)
    assert within.query_end_s == pytest.approx(alone.query_end_s, abs=0.2)


def test_places_are_shared_where_keys_differ_in_no_more_than_one_bit() -> None:
    codes = np.random.default_rng(2).integers(0, 2**32, 60, dtype=np.uint32)
    near = codes.copy()
    near[10] ^= 1 << 31
    near[20] ^= 0b11 << 30
    near[30] ^= 0xFF
    on_query, on_reference = shared_places(codes, near)
    assert set(zip(on_query.tolist(), on_reference.tolist(), strict=True)) == {
        (n, n) for n in range(60) if n != 20
    }
    assert set(reference_keys(near)) - set(query_keys(codes)) == {int(near[20]) >> 8}
