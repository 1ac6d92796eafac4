"""Where matches are drawn under the player."""

from studio.credentials.strips import MIN_WIDTH, WIDTH, Stretch, lanes


def stretch(name: str, start_s: float, end_s: float, kind: str = "work") -> Stretch:
    return Stretch(name, kind, start_s, end_s, 0.0, end_s - start_s, 9.5)


def test_a_stretch_is_drawn_at_its_share_of_the_clip() -> None:
    (lane,) = lanes([stretch("film", 2.5, 5.0)], duration_s=10.0)
    assert (lane.bars[0].x, lane.bars[0].width) == (250.0, 250.0)


def test_everything_found_of_one_thing_shares_a_lane_in_order_of_time() -> None:
    (lane,) = lanes([stretch("film", 6, 7), stretch("film", 1, 2)], duration_s=10.0)
    assert [bar.stretch.start_s for bar in lane.bars] == [1, 6]


def test_reference_works_stand_above_takes() -> None:
    found = lanes([stretch("take", 0, 1, kind="take"), stretch("film", 5, 6)], duration_s=10.0)
    assert [lane.name for lane in found] == ["film", "take"]


def test_a_blink_is_still_visible_and_nothing_is_drawn_outside() -> None:
    (lane,) = lanes([stretch("film", 9.999, 10.0), stretch("film", 9.0, 12.0)], duration_s=10.0)
    for bar in lane.bars:
        assert bar.width >= MIN_WIDTH
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH


def test_a_clip_without_length_breaks_nothing() -> None:
    (lane,) = lanes([stretch("still", 0.0, 0.0)], duration_s=0.0)
    assert lane.bars[0].width >= MIN_WIDTH
    assert lanes([], 10.0) == []
