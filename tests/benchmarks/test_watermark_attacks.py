"""The attacks of the watermark benchmark do what their names say, so that its table means what it says."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import watermark_attacks as attacks
from benchmarks.watermark_attacks import Video
from benchmarks.watermark_rows import QUICK_ROWS, ROW_BY_NAME, ROWS

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def quarters() -> NDArray[np.uint8]:
    """160x90: red upper left, green upper right, blue lower left, white lower right."""
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:45, :80], picture[:45, 80:], picture[45:, :80], picture[45:, 80:] = RED, GREEN, BLUE, WHITE
    return picture


def counting(frames: int, fps: int = 25) -> Video:
    """Frames whose grey level is their number."""
    return Video(Fraction(fps), (np.full((8, 8, 3), number, np.uint8) for number in range(frames)))


def numbers(video: Video) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in video.frames]


def corners(picture: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """Upper left, upper right, lower left, lower right, a little inside."""
    height, width = picture.shape[:2]
    return [
        tuple(picture[y, x].tolist())
        for y in (height // 8, height - height // 8)
        for x in (width // 8, width - width // 8)
    ]


def test_resize_keeps_both_sides_even(quarters: NDArray[np.uint8]) -> None:
    assert attacks.resize(quarters, factor=0.33).shape == (30, 52, 3)
    assert attacks.resize_to(quarters, short_side=45 * 2).shape == (90, 160, 3)


def test_crop_keeps_a_share_of_each_side_and_zooming_brings_the_size_back(
    quarters: NDArray[np.uint8],
) -> None:
    assert attacks.crop(quarters, share=0.5).shape == (44, 80, 3)
    zoomed = attacks.crop(quarters, share=0.5, is_zoomed=True)
    assert zoomed.shape == quarters.shape
    assert not np.array_equal(zoomed, quarters)


def test_crop_starts_at_an_odd_pixel_off_the_centre() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    assert attacks.crop(ramp, share=0.5)[0, 0, 0] == 61


def test_mirror_exchanges_left_and_right(quarters: NDArray[np.uint8]) -> None:
    assert corners(attacks.mirror(quarters)) == [GREEN, RED, WHITE, BLUE]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [(1, [GREEN, WHITE, RED, BLUE]), (2, [WHITE, BLUE, GREEN, RED]), (3, [BLUE, RED, WHITE, GREEN])],
)
def test_quarter_turns_go_counter_clockwise(quarters: NDArray[np.uint8], turns: int, expected: list) -> None:
    assert corners(attacks.quarter_turn(quarters, turns=turns)) == expected


def test_rotation_goes_the_same_way_as_quarter_turns(quarters: NDArray[np.uint8]) -> None:
    square = np.ascontiguousarray(quarters[:, 35:125])
    assert corners(attacks.rotate(square, degrees=90.0)) == corners(attacks.quarter_turn(square, turns=1))


def test_squeeze_shortens_the_longer_side_to_three_quarters(quarters: NDArray[np.uint8]) -> None:
    assert attacks.squeeze(quarters).shape == (90, 120, 3)
    assert attacks.squeeze(attacks.quarter_turn(quarters, turns=1)).shape == (120, 90, 3)


def test_repost_holds_the_whole_picture_in_the_middle(quarters: NDArray[np.uint8]) -> None:
    posted = attacks.repost(quarters)
    assert posted.shape == (1920, 1080, 3)
    inner = posted[656:1264]
    assert corners(inner) == corners(quarters)
    assert posted[:600].max() < 255, "what surrounds it is darkened"


def test_repost_cut_fills_the_frame_without_distortion(quarters: NDArray[np.uint8]) -> None:
    cut = attacks.repost_cut(quarters)
    assert cut.shape == (1920, 1080, 3)
    assert corners(cut) == corners(quarters)


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        (lambda grey: attacks.brighten(grey, levels=30), 130),
        (lambda grey: attacks.contrast(grey, factor=1.5), 86),
        (lambda grey: attacks.gamma(grey, exponent=0.5), 160),
    ],
)
def test_tone_edits_move_grey_100_to_the_level_of_their_formula(changed, level: int) -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    assert np.unique(changed(grey)).tolist() == [level]


def test_tones_are_limited_not_wrapped() -> None:
    assert attacks.brighten(np.full((2, 2, 3), 250, np.uint8), levels=30).min() == 255


def test_logo_covers_a_ninth_and_the_lower_third_a_fifth_of_the_height() -> None:
    black = np.zeros((720, 1280, 3), np.uint8)
    assert (attacks.logo(black) > 0).any(axis=2).mean() == pytest.approx(1 / 9, abs=0.002)
    assert (attacks.lower_third(black) > 0).any(axis=2).mean() == pytest.approx(0.2, abs=0.002)


def test_noise_has_the_stated_deviation_and_differs_between_frames() -> None:
    greys = Video(Fraction(25), [np.full((90, 160, 3), 128, np.uint8)] * 2)
    first, second = attacks.add_noise(greys, sigma=20.0).frames
    assert first.astype(float).std() == pytest.approx(20, rel=0.03)
    assert not np.array_equal(first, second)


def test_denoise_takes_away_most_of_the_noise() -> None:
    greys = Video(Fraction(25), [np.full((90, 160, 3), 128, np.uint8)] * 6)
    *_, last = attacks.denoise(attacks.add_noise(greys, sigma=4.0)).frames
    assert last.astype(float).std() < 2.0


def test_dropping_every_second_frame_halves_the_rate() -> None:
    dropped = attacks.drop_every_second(counting(7, fps=24))
    assert dropped.fps == 12
    assert numbers(dropped) == [0, 2, 4, 6]


def test_dropping_at_random_keeps_order_and_about_the_share() -> None:
    left = numbers(attacks.drop_at_random(counting(200), share=0.2))
    assert left == sorted(set(left))
    assert 140 <= len(left) <= 180


def test_changing_the_rate_keeps_the_duration() -> None:
    slower = attacks.change_rate(counting(25), fps=10)
    assert slower.fps == 10
    assert numbers(slower) == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]


def test_blending_mixes_neighbours_by_their_distance() -> None:
    blended = attacks.blend_rate(
        Video(Fraction(1), [np.full((2, 2, 3), v, np.uint8) for v in (0, 100, 200)]), fps=2
    )
    assert numbers(blended) == [0, 50, 100, 150, 200]


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.25, [0, 1, 2, 3, 5, 6, 7, 8]), (0.8, [0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9])]
)
def test_speed_shows_the_frame_of_the_moment(factor: float, expected: list[int]) -> None:
    assert numbers(attacks.speed(counting(10), factor=factor)) == expected


def test_trim_keeps_the_stated_stretch() -> None:
    assert numbers(attacks.trim(counting(100), start_s=2.0, seconds=1.0)) == list(range(50, 75))


def test_row_names_are_unique_and_the_quick_rows_are_among_them() -> None:
    assert len(ROW_BY_NAME) == len(ROWS)
    assert set(QUICK_ROWS) <= set(ROW_BY_NAME)


def test_every_row_says_how_many_must_come_back_as_the_issue_has_it() -> None:
    promised = {row.name: row.target_percent for row in ROWS}
    assert promised["h264-28"] == 100
    assert promised["h264-40-robust"] == 90
    assert promised["crop-30"] == promised["crop-30-zoom"] == 95
    assert promised["chain"] == 98
