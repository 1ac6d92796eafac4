"""How templates spell numbers."""

import pytest
from django.template import Context, Template

from studio.web.icons import DRAWINGS
from studio.web.templatetags.slate import clock, icon, one_in, rate, timecode


@pytest.mark.parametrize(
    ("seconds", "fps", "expected"),
    [
        (0, 24, "00:00:00:00"),
        (1, 24, "00:00:01:00"),
        (2.5, 24, "00:00:02:12"),
        (47 / 24, 24, "00:00:01:23"),
        (3661, 25, "01:01:01:00"),
        (24 * 1001 / 24000, 24000 / 1001, "00:00:01:00"),
    ],
)
def test_time_code_counts_frames_without_dropping_any(seconds: float, fps: float, expected: str) -> None:
    assert timecode(seconds, fps) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00.0"), (59.95, "1:00.0"), (61.24, "1:01.2"), (4.9999, "0:05.0")]
)
def test_a_clock_time_is_rounded_as_a_whole(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1, "1 in 1"),
        (0.01, "1 in 100"),
        (1e-6, "1 in 1 million"),
        (2.5e-7, "1 in 4 million"),
        (1e-12, "1 in 1 trillion"),
        (1e-18, "1 in 1 quintillion"),
        (1e-90, "less than 1 in a quintillion"),
        (0, "less than 1 in a quintillion"),
    ],
)
def test_small_probabilities_are_said_in_words(probability: float, expected: str) -> None:
    assert one_in(probability) == expected


def test_frame_rates_are_spoken_as_people_know_them() -> None:
    assert [rate(24), rate(24000 / 1001), rate(29.97)] == ["24", "23.976", "29.97"]


def test_a_drawing_is_silent_unless_it_has_a_name() -> None:
    assert 'aria-hidden="true"' in icon("play")
    assert 'aria-label="&lt;b&gt;"' in icon("play", "<b>")
    page = Template("{% load slate %}{% icon 'cr' 'Content Credentials' %}").render(Context())
    assert 'role="img" aria-label="Content Credentials"' in page
    assert all("<script" not in drawing and "style=" not in drawing for drawing in DRAWINGS.values())
