"""A real Chromium against a real Slate; one of each for the whole session."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.processes import RunningSlate, running_slate

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def slate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSlate]:
    with running_slate(tmp_path_factory.mktemp("browser") / "var") as slate:
        yield slate


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("SLATE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium; .ci/run installs it")
        pytest.skip("no Chromium here: apt install chromium, or set SLATE_CHROMIUM")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def context(
    browser: Browser, slate: RunningSlate, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=slate.address.replace("127.0.0.1", "localhost"),
        viewport=request.param,
        accept_downloads=True,
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which any script error, and anything the content security policy stops, fails the test."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    # An answer of 4xx is logged as an error by browser and htmx alike; tests look at what the page then says.
    expected = ("Failed to load resource", "Response Status Error Code")
    blocked = [text for text in problems if not text.startswith(expected)]
    assert not blocked, blocked


@pytest.fixture
def picture(page: Page) -> Callable[[str], None]:
    """Keeps a screenshot under SLATE_SCREENSHOTS where that is set, for people to look at."""
    folder = os.environ.get("SLATE_SCREENSHOTS")

    def keep(name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            width = (page.viewport_size or DESK)["width"]
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)

    return keep


def log_in(page: Page, slate: RunningSlate, role: str) -> None:
    email, password = slate.passwords[role]
    page.goto("/accounts/login/")
    page.get_by_label(re.compile("e-?mail", re.IGNORECASE)).fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/productions")
