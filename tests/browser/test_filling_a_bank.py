"""A production manager fills a bank in a browser: drops files, watches the report, looks at a work and withdraws it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.processes import RunningSlate, wait_for

pytestmark = pytest.mark.browser


def test_files_are_sent_read_and_shown(
    page: Page, slate: RunningSlate, real_media: Path, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    words = tmp_path / "words.mp4"
    words.write_text("no film at all\n" * 20)
    width = (page.viewport_size or {"width": 0})["width"]
    log_in(page, slate, "Production manager")
    page.goto("/references/new")
    page.get_by_label("Name").fill(f"Films seen at {width}")
    page.get_by_role("button", name="Make the bank").click()
    expect(page.get_by_role("heading", name="The bank is empty")).to_be_visible()
    picture("bank-empty")

    page.set_input_files("#files", [real_media / "imageio" / "realshort.mp4", words])
    page.wait_for_url("**/ingests/*")
    report = page.locator("#report")
    expect(report.get_by_text("Finished")).to_be_visible(timeout=120_000)
    expect(report.locator(".file-added")).to_contain_text("realshort.mp4")
    expect(report.locator(".file-failed")).to_contain_text("does not begin like any media file")
    picture("ingest")

    report.get_by_role("link", name="realshort.mp4").click()
    video = page.locator("video")
    expect(video).to_be_visible()
    wait_for("the proxy", lambda: video.evaluate("one => one.readyState >= 2"), timeout_s=20)
    page.get_by_role("button", name="One frame forward").click()
    expect(page.locator("[data-frame]")).to_have_text("1")
    page.locator(".coverage-hit").nth(3).click(force=True)
    wait_for("the place", lambda: video.evaluate("one => one.currentTime > 0.1"), timeout_s=20)
    picture("work")

    page.get_by_label("Why").fill("Its licence ended.")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text(re.compile("it matches nothing"))).to_be_visible()
    picture("work-withdrawn")
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("Searched")).to_be_visible()


def test_a_bad_list_is_explained_line_by_line(
    page: Page, slate: RunningSlate, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{'0f' * 32}\nno hash\n{'0f' * 31}\n")
    width = (page.viewport_size or {"width": 0})["width"]
    log_in(page, slate, "Supervisor")
    page.goto("/references/new")
    page.get_by_label("Name").fill(f"Lists seen at {width}")
    page.get_by_role("button", name="Make the bank").click()
    page.get_by_role("link", name=re.compile("Thresholds")).click()
    page.get_by_label(re.compile("Import a list")).set_input_files(listed)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("2 lines cannot be read")).to_be_visible()
    expect(page.get_by_text("line 2")).to_be_visible()
    page.get_by_label("Short name").fill("nowhere")
    picture("bank-settings")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_text("There is no studio 'nowhere'")).to_be_visible()
    picture("bank-share-refused")
