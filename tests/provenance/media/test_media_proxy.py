"""A proxy shows the same at the same times as its source, small, upright and with its sound."""

from pathlib import Path

import numpy as np
import pytest

from provenance.errors import MediaUnreadable
from provenance.media import probe, read_audio, read_frames
from provenance.media.proxy import PROXY_HEIGHT, _in_stereo, make_proxy, proxy_size
from tests.provenance.fingerprint.clips_for_tests import turn_by_header, write_frames


@pytest.fixture(scope="module")
def pictures(real_media: Path) -> list[np.ndarray]:
    frames = read_frames(real_media / "imageio" / "cockatoo.mp4", end_s=1.5)
    return [np.ascontiguousarray(frame.rgb[::8, ::8]) for frame in frames]


def test_a_film_gets_a_small_copy_with_sound_and_a_poster(real_media: Path, tmp_path: Path) -> None:
    source, film, poster = (
        real_media / "imageio" / "realshort.mp4",
        tmp_path / "film.mp4",
        tmp_path / "poster.jpg",
    )
    made = make_proxy(source, film, poster, threads=1)
    seen = probe(film)
    assert (seen.width, seen.height, seen.duration_frames) == (made.width, made.height, made.duration_frames)
    assert seen.duration_s == pytest.approx(probe(source).duration_s, abs=0.05)
    assert made.has_sound
    assert seen.has_audio
    heard, own = (np.concatenate([block.samples for block in read_audio(one)]) for one in (film, source))
    assert heard.shape[1] == 2
    assert len(heard) / 48_000 == pytest.approx(
        len(own) / next(read_audio(source)).format.sample_rate, abs=0.1
    )
    assert (probe(poster).width, probe(poster).height) == (made.poster_width, made.poster_height)


def test_a_still_gets_a_poster_alone(real_media: Path, tmp_path: Path) -> None:
    made = make_proxy(
        real_media / "imageio" / "astronaut.png", tmp_path / "film.mp4", tmp_path / "poster.jpg"
    )
    assert not made.has_film
    assert [path.name for path in tmp_path.iterdir()] == ["poster.jpg"]


def test_frames_that_come_unevenly_are_shown_at_their_own_times(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    source, film = tmp_path / "uneven.mp4", tmp_path / "film.mp4"
    times = [0.0, 0.04, 0.08, 0.6, 0.64, 1.0, 1.04]
    shown = [np.full_like(pictures[0], 20 + 30 * number) for number in range(len(times))]
    write_frames(source, shown, times)
    made = make_proxy(source, film, tmp_path / "poster.jpg", threads=1)
    tick_s = float(1 / made.fps)
    for frame in read_frames(film):
        level = float(frame.rgb.mean())
        number = round((level - 20) / 30)
        lasts_until_s = times[number + 1] if number + 1 < len(times) else np.inf
        assert times[number] - tick_s <= frame.time_s < lasts_until_s + tick_s


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_film_turned_by_its_header_stands_upright(
    pictures: list[np.ndarray], tmp_path: Path, quarter_turns: int
) -> None:
    source, film = tmp_path / "turned.mp4", tmp_path / "film.mp4"
    lying = [np.ascontiguousarray(np.rot90(rgb, quarter_turns)) for rgb in pictures]
    write_frames(source, lying, [n / 20 for n in range(len(lying))])
    turn_by_header(source, quarter_turns)
    made = make_proxy(source, film, tmp_path / "poster.jpg", threads=1)
    assert (made.width, made.height, made.quarter_turns) == (160, 90, quarter_turns)
    first = next(read_frames(film)).rgb.astype(int)
    assert np.abs(first - pictures[0]).mean() < 8


def test_nothing_is_left_of_a_film_that_breaks_off(pictures: list[np.ndarray], tmp_path: Path) -> None:
    source = tmp_path / "whole.mkv"
    write_frames(source, pictures, [n / 20 for n in range(len(pictures))])
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(MediaUnreadable):
        make_proxy(source, tmp_path / "film.mp4", tmp_path / "poster.jpg", threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mkv"]


@pytest.mark.parametrize(
    ("size", "quarter_turns", "expected"),
    [
        ((1920, 1080), 0, (854, 480)),
        ((1080, 1920), 0, (270, 480)),
        ((1920, 1080), 1, (270, 480)),
        ((131, 77), 0, (132, 76)),
        ((1, 1), 0, (2, 2)),
    ],
)
def test_proxies_have_even_sides_and_480_lines_at_most(
    size: tuple[int, int], quarter_turns: int, expected: tuple[int, int]
) -> None:
    assert proxy_size(*size, quarter_turns) == expected
    assert expected[1] <= PROXY_HEIGHT


@pytest.mark.parametrize(
    ("channels", "centre"), [(1, None), (2, None), (3, None), (6, 0.5**0.5), (8, 0.5**0.5)]
)
def test_any_number_of_channels_becomes_two(channels: int, centre: float | None) -> None:
    samples = np.zeros((4, channels), np.float32)
    samples[:, 0] = 0.25
    if centre is not None:
        samples[:, 2] = 0.5
    mixed = _in_stereo(samples)
    assert mixed.shape == (4, 2)
    assert mixed[:, 0] == pytest.approx(0.25 + 0.5 * (centre or 0.0))
