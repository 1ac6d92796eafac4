from fractions import Fraction
from math import exp

import numpy as np
import pytest
from scipy.signal import resample_poly

from provenance.watermark import Payload, WatermarkKey
from provenance.watermark.audio import AudioDetector, mark_sound
from provenance.watermark.audio.listening import COLUMN_S, MAX_UNITS, UNIT_COLUMNS, Listener
from provenance.watermark.audio.search import SHIFTS, Folded
from provenance.watermark.audio.whitening import cells

RATE = 48_000


def _excerpt(sound: np.ndarray, start_s: float, seconds: float = 5.0) -> np.ndarray:
    return sound[int(start_s * RATE) : int((start_s + seconds) * RATE)]


@pytest.mark.parametrize("start_s", [0.0, 1.003, 3.777, 4.9])
def test_five_seconds_from_anywhere_tell_the_whole_payload(
    marked_film: np.ndarray, marked_room: np.ndarray, payload: Payload, hear, start_s: float
) -> None:
    for sound in (marked_film, marked_room):
        found = hear(_excerpt(sound, start_s))
        assert [one.payload for one in found] == [payload]
        assert found[0].p_presence < 1e-6
        assert found[0].p_false_positive < 1e-6


@pytest.mark.parametrize(
    ("codec", "bit_rate", "container"),
    [("aac", 96_000, "mp4"), ("libmp3lame", 128_000, "mp3"), ("libopus", 64_000, "ogg")],
)
def test_codecs_leave_it_readable(
    marked_film: np.ndarray, payload: Payload, hear, through, codec: str, bit_rate: int, container: str
) -> None:
    heard, rate = through(_excerpt(marked_film, 2.345), codec, bit_rate, container)
    assert [found.payload for found in hear(heard, rate)] == [payload]


def test_a_repost_at_another_rate_is_recognised(
    marked_room: np.ndarray, payload: Payload, hear, through
) -> None:
    quieter = 0.5 * resample_poly(marked_room[12_345:], 147, 160, axis=0).astype(np.float32)
    heard, rate = through(quieter, "aac", 64_000, "mp4", 44_100)
    assert [found.payload for found in hear(heard, rate)] == [payload]


def test_volume_and_noise_do_not_hide_it(marked_film: np.ndarray, payload: Payload, hear) -> None:
    noise = np.random.default_rng(5).standard_normal(marked_film.shape) * np.sqrt(np.mean(marked_film**2))
    for heard in (0.1 * marked_film, marked_film + 10 ** (-30 / 20) * noise):
        assert [found.payload for found in hear(heard)] == [payload]


@pytest.mark.parametrize("speed", [Fraction(98, 100), Fraction(102, 100), Fraction(25, 24)])
def test_a_change_of_speed_is_found_and_told(
    marked_film: np.ndarray, payload: Payload, hear, speed: Fraction
) -> None:
    heard = resample_poly(_excerpt(marked_film, 1.5, 6.0), speed.denominator, speed.numerator, axis=0)
    found = hear(heard, speeds=True)
    assert [one.payload for one in found] == [payload]
    assert found[0].speed == found[0].pitch == pytest.approx(float(speed), abs=1.1e-3)


def test_another_key_and_unmarked_sound_find_nothing(
    film: np.ndarray,
    room: np.ndarray,
    marked_film: np.ndarray,
    key: WatermarkKey,
    other_key: WatermarkKey,
    hear,
) -> None:
    assert hear(marked_film, keys=[other_key]) == []
    assert hear(_excerpt(film, 0), keys=[key, other_key], speeds=True) == []
    assert hear(room, keys=[key, other_key]) == []


def test_among_many_keys_the_right_one_is_named(
    marked_film: np.ndarray, key: WatermarkKey, payload: Payload, hear
) -> None:
    random = np.random.default_rng(1)
    others = [WatermarkKey(f"other-{number}", random.bytes(32)) for number in range(15)]
    found = hear(_excerpt(marked_film, 2), keys=[*others, key])
    assert [(one.key_id, one.payload) for one in found] == [("studio-1", payload)]


def test_chance_stays_below_its_bound(film: np.ndarray, room: np.ndarray) -> None:
    random = np.random.default_rng(9)
    folds = []
    for sound in (film, room):
        listener = Listener(RATE)
        listener.add(sound)
        folds += [Folded(found.fold()) for unit in listener.units() if (found := cells(unit)) is not None]
    keys = [WatermarkKey("random", random.bytes(32)) for _ in range(150)]
    highest = np.array([fold.find_pilot(key).z for key in keys for fold in folds])
    for level in (4.0, 4.5, 5.0):
        bound = SHIFTS * exp(-(level**2) / 2)
        assert np.mean(highest > level) <= bound + 3 * np.sqrt(bound / len(highest))
    assert np.mean(highest) > 2.5  # the maximum of 640 looks: were it lower, the statistic would be broken


def test_the_marked_stretch_of_a_longer_clip_is_told(
    film: np.ndarray, marked_film: np.ndarray, payload: Payload, hear
) -> None:
    clip = np.concatenate([film[: 7 * RATE], marked_film[2 * RATE : 9 * RATE], film[: 6 * RATE]])
    found = hear(clip)
    assert [one.payload for one in found] == [payload]
    assert found[0].start_s == pytest.approx(7, abs=1.5)
    assert found[0].end_s == pytest.approx(14, abs=1.5)
    inside = [span.z for span in found[0].spans if span.start_s > 7.7 and span.end_s < 13.3]
    outside = [span.z for span in found[0].spans if span.end_s < 6.3 or span.start_s > 14.7]
    assert np.mean(inside) > 3 > 1 > abs(np.mean(outside))


def test_two_takes_cut_together_are_both_found(
    film: np.ndarray, room: np.ndarray, marked_film: np.ndarray, key: WatermarkKey, payload: Payload, hear
) -> None:
    second = Payload(77)
    clip = np.concatenate([marked_film, mark_sound(room, RATE, key, second)])
    found = {one.payload: one for one in hear(clip)}
    assert found.keys() == {payload, second}
    assert found[payload].end_s == pytest.approx(12, abs=1.5)
    assert found[second].start_s == pytest.approx(12, abs=1.5)


def test_a_take_shown_twice_is_told_twice(marked_film: np.ndarray, payload: Payload, hear) -> None:
    once = _excerpt(marked_film, 1.0, 8.0)
    found = sorted(hear(np.concatenate([once, once])), key=lambda one: one.start_s)
    assert [one.payload for one in found] == [payload, payload]
    assert (found[0].end_s, found[1].start_s) == (pytest.approx(8, abs=1.5), pytest.approx(8, abs=1.5))


def test_blocks_of_any_length_are_heard_alike(marked_film: np.ndarray, key: WatermarkKey) -> None:
    whole, pieces = AudioDetector(RATE, 0.0), AudioDetector(RATE, 0.0)
    whole.add(marked_film)
    for start in range(0, len(marked_film), 997):
        pieces.add(marked_film[start : start + 997])
    assert pieces.detect([key]) == whole.detect([key])


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3, 1.0])
def test_too_little_sound_is_no_reason_to_fail(marked_film: np.ndarray, hear, seconds: float) -> None:
    with np.errstate(all="raise"):
        assert hear(_excerpt(marked_film, 3, seconds), speeds=True) == []


def test_memory_does_not_grow_with_the_length() -> None:
    listener = Listener(8000)
    noise = np.random.default_rng(2).standard_normal((8000 * 60, 1)).astype(np.float32) / 10
    for _ in range(24):
        listener.add(noise)
    units = listener.units()
    assert len(units) <= MAX_UNITS + 1
    assert (units[0].first, units[-1].end) == (0, pytest.approx(24 * 60 / COLUMN_S, abs=2 * UNIT_COLUMNS))
    steps = np.diff([unit.first for unit in units[:-1]])
    assert set(steps.tolist()) == {2 * UNIT_COLUMNS}
