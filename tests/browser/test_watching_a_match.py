"""A supervisor looks at a match in a browser: take and work loop side by side, and all of it by keyboard too."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import log_in
from tests.processes import RunningSlate, last_json_line, wait_for

pytestmark = pytest.mark.browser

# What a frame, and the work's way back to its place, may add to a range.
SLACK_S = 0.15


@pytest.fixture(scope="module")
def matched(
    slate: RunningSlate, real_media: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A take of two seconds: 0.4 to 1.4 s show 3.0 to 4.25 s of a film, and a part of it shows a mirrored part."""
    out = tmp_path_factory.mktemp("matched") / "take.mp4"
    made = slate.manage("generate", "a white boat at sea", "--seconds", "2", "--out", str(out))
    assert made.returncode == 0, made.stderr
    film = json.dumps(str(real_media / "imageio" / "cockatoo.mp4"))
    told = slate.manage(
        "shell", "-v", "0", "-c", f"from tests.browser.matched_take import furnish; furnish({film})"
    )
    assert told.returncode == 0, told.stderr
    return last_json_line(told.stdout)


def state_of(video: Locator) -> tuple[float, bool]:
    seconds, is_paused = video.evaluate("one => [one.currentTime, one.paused]")
    return float(seconds), bool(is_paused)


def loops(video: Locator, start_s: float, end_s: float) -> None:
    """Watches for three seconds: the video stays in its range, moves, and comes back to the beginning."""
    seen: list[float] = []

    def has_come_back() -> bool:
        seconds, _ = state_of(video)
        assert start_s - SLACK_S <= seconds <= end_s + SLACK_S, seconds
        seen.append(seconds)
        return any(after < before - (end_s - start_s) / 2 for before, after in itertools.pairwise(seen))

    wait_for("the loop", has_come_back, timeout_s=20, pause_s=0.05)


def test_a_segment_plays_beside_the_work_and_by_keyboard(
    page: Page, slate: RunningSlate, matched: dict[str, Any], picture: Callable[[str], None]
) -> None:
    log_in(page, slate, "Supervisor")
    page.goto(f"/takes/{matched['take']}")
    segments = page.locator("a[data-match]")
    expect(segments).to_have_count(2)
    picture("matches")
    first = page.locator(f"#segment-{matched['first']}")
    first.click()
    take, work = page.locator("#viewing [data-player] video"), page.locator("[data-work]")
    expect(work).to_be_visible()
    wait_for("both to play", lambda: not state_of(take)[1] and not state_of(work)[1], timeout_s=20)
    loops(take, 0.4, 1.4)
    loops(work, 3.0, 4.25)
    assert work.evaluate("one => one.playbackRate") == pytest.approx(1.25, rel=0.25)
    expect(page.get_by_text("0.4 to 1.4 s of this take show 3.0 to 4.2 s of")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture("match-open")

    page.keyboard.press("Space")
    wait_for("both to stand", lambda: state_of(take)[1] and state_of(work)[1], timeout_s=10)
    before, _ = state_of(take)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    wait_for("a step", lambda: state_of(take)[0] != before, timeout_s=10)
    wait_for(
        "the work to follow",
        lambda: 3.0 - SLACK_S <= state_of(work)[0] <= 4.25 and not work.evaluate("one => one.seeking"),
        timeout_s=10,
    )
    flipped = page.locator("[data-screen].is-flipped")
    expect(flipped).to_have_count(0)
    page.keyboard.press("x")
    expect(flipped).to_have_count(1)
    page.keyboard.press("m")
    expect(page.locator("[data-sound]")).to_have_text("take")
    page.keyboard.press("Escape")
    expect(work).to_have_count(0)
    expect(first).to_be_focused()
    assert "match=" not in page.url

    page.keyboard.press("ArrowRight")
    expect(page.locator(f"#segment-{matched['second']}")).to_be_focused()
    expect(page.locator("[data-segment-said]")).to_contain_text("mirrored, found later")
    page.keyboard.press("Enter")
    expect(flipped).to_have_count(1)
    expect(page.locator(".match-box")).to_have_count(2)
    wait_for("both to play", lambda: not state_of(take)[1] and not state_of(work)[1], timeout_s=20)
    loops(take, 0.2, 0.9)
    loops(work, 3.0, 3.875)
    picture("match-part")
    page.locator("summary", has_text="How sure").click()
    page.get_by_role("button", name="Work it out again").click()
    expect(page.get_by_text(re.compile("The same again|Not the same"))).to_be_visible()


def test_an_address_opens_its_match_and_a_work_leads_to_it(
    page: Page, slate: RunningSlate, matched: dict[str, Any], picture: Callable[[str], None]
) -> None:
    log_in(page, slate, "Supervisor")
    page.goto(f"/matches/{matched['first']}")
    page.wait_for_url(f"**/takes/{matched['take']}?match={matched['first']}")
    page.locator(".beside-name a").click()
    page.wait_for_url("**/works/*")
    picture("work-matches")
    page.locator(".match-take a").first.click()
    page.wait_for_url("**/takes/*match=*")
    expect(page.locator("[data-work]")).to_be_visible()
