"""Whatever is killed in mid-run, the run ends once, with one take, and nothing unsigned is ever served."""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialState
from provenance.manifest.trust import TrustAnchors
from tests.processes import RunningSlate, running_slate, wait_for

pytestmark = pytest.mark.chaos


class Downloader(threading.Thread):
    """A logged-in artist who fetches every rendition there is a row for, all the time."""

    def __init__(self, slate: RunningSlate, directory: Path) -> None:
        super().__init__(daemon=True)
        self.slate = slate
        self.directory = directory
        self.over = threading.Event()
        self.served: list[Path] = []
        self.refused = 0
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def log_in(self) -> None:
        email, password = self.slate.passwords["Artist"]
        page = self.opener.open(f"{self.slate.address}/accounts/login/", timeout=10).read().decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = urlencode({"login": email, "password": password, "csrfmiddlewaretoken": token}).encode()
        request = urllib.request.Request(
            f"{self.slate.address}/accounts/login/", form, {"Referer": self.slate.address}
        )
        self.opener.open(request, timeout=10)

    def run(self) -> None:
        self.log_in()
        while not self.over.is_set():
            for row in self.slate.query("SELECT id FROM takes_rendition") or []:
                self.fetch(str(row["id"]))
            time.sleep(0.2)

    def fetch(self, rendition_id: str) -> None:
        try:
            with self.opener.open(
                f"{self.slate.address}/renditions/{rendition_id}/content", timeout=30
            ) as answer:
                path = self.directory / f"{len(self.served)}.mp4"
                path.write_bytes(answer.read())
                self.served.append(path)
        except (urllib.error.HTTPError, urllib.error.URLError, OSError):
            self.refused += 1


@pytest.fixture
def slate(tmp_path: Path) -> Iterator[RunningSlate]:
    with running_slate(tmp_path / "var", SLATE_STALLED_AFTER_S="6", SLATE_HEARTBEAT_S="0.5") as slate:
        yield slate


def kill_child(slate: RunningSlate) -> None:
    pid = slate.child_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_worker(slate: RunningSlate) -> None:
    pid = slate.worker_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_database(slate: RunningSlate) -> None:
    os.kill(slate.database_pid(), signal.SIGKILL)


# The child that owns the model is idle once a take is rendered, so it is killed before that only.
@pytest.mark.parametrize(
    ("kill", "stage"),
    [
        (kill_child, "denoising"),
        (kill_child, "rendering"),
        (kill_worker, "denoising"),
        (kill_worker, "checking"),
        (kill_database, "denoising"),
        (kill_database, "checking"),
    ],
)
def test_the_run_ends_once_with_one_take(
    slate: RunningSlate, tmp_path: Path, kill: Callable[[RunningSlate], None], stage: str
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    downloader = Downloader(slate, downloads)
    downloader.start()

    def run_row() -> dict[str, object] | None:
        rows = slate.query("SELECT id, state, stage, attempts_started, error_message FROM runs_run")
        return rows[0] if rows else None

    def at_stage() -> bool:
        row = run_row()
        assert row is None or row["state"] in ("queued", "running"), (
            f"the run was over before the kill: {row}"
        )
        return bool(row and row["stage"] == stage)

    wait_for(f"the stage {stage}", at_stage, pause_s=0.02)
    kill(slate)

    def ended() -> dict[str, object] | None:
        row = run_row()
        return row if row and row["state"] in ("succeeded", "failed", "cancelled") else None

    row = wait_for("the run to end", ended, timeout_s=240)
    assert row["state"] == "succeeded", row["error_message"]
    time.sleep(3)  # a zombie attempt would publish its second take now
    assert [r["n"] for r in slate.query("SELECT count(*) AS n FROM takes_take") or []] == [1]
    assert [r["n"] for r in slate.query("SELECT count(*) AS n FROM runs_run") or []] == [1]
    wait_for("a download", lambda: downloader.served, timeout_s=30)
    downloader.over.set()
    downloader.join(timeout=30)
    assert_everything_served_was_signed(slate, downloader)
    assert_no_leftovers(slate)


def test_a_worker_that_wakes_after_it_was_given_up_publishes_nothing(slate: RunningSlate) -> None:
    def stage() -> str | None:
        rows = slate.query("SELECT stage FROM runs_run WHERE state = 'running'")
        return str(rows[0]["stage"]) if rows else None

    wait_for("denoising", lambda: stage() == "denoising", pause_s=0.02)
    sleeper, child = slate.worker_pid(), slate.child_pid()
    assert sleeper is not None
    assert child is not None
    os.kill(sleeper, signal.SIGSTOP)
    os.kill(child, signal.SIGSTOP)
    second = slate.start("worker")
    try:
        wait_for(
            "the second worker to take over",
            lambda: slate.query("SELECT 1 FROM runs_run WHERE attempts_started = 2 AND state = 'running'"),
            timeout_s=150,
        )
        os.kill(child, signal.SIGCONT)
        os.kill(sleeper, signal.SIGCONT)
        wait_for(
            "the run to end",
            lambda: slate.query("SELECT 1 FROM runs_run WHERE state = 'succeeded'"),
            timeout_s=240,
        )
        time.sleep(5)  # time for the sleeper to finish what it was at
        outcomes = slate.query("SELECT number, outcome FROM runs_attempt ORDER BY number") or []
        assert [(row["number"], row["outcome"]) for row in outcomes] == [(1, "lost"), (2, "published")]
        assert slate.query("SELECT count(*) AS n FROM takes_take") == [{"n": 1}]
    finally:
        second.terminate()
        second.wait(timeout=60)


def test_ctrl_c_gives_the_run_back_and_the_next_start_finishes_it(tmp_path: Path) -> None:
    with running_slate(tmp_path / "var") as slate:
        wait_for(
            "denoising",
            lambda: slate.query("SELECT 1 FROM runs_run WHERE stage = 'denoising'"),
            pause_s=0.05,
        )
        assert slate.stop() == 0
        assert "its data is kept" in slate.output()
        assert not slate.pids("manage.py")
        assert not slate.pids("studio.runs.child")
        assert list((slate.var / "attempts").iterdir()) == []
    with running_slate(tmp_path / "var") as again:
        wait_for(
            "the run to succeed",
            lambda: again.query("SELECT 1 FROM runs_run WHERE state = 'succeeded'"),
            timeout_s=240,
        )
        assert "demo.example" not in again.output(), "people and passwords are shown on the first start only"
        assert again.query("SELECT count(*) AS n FROM takes_take") == [{"n": 1}]


def assert_everything_served_was_signed(slate: RunningSlate, downloader: Downloader) -> None:
    trust = TrustAnchors(pem=slate.manage("trust").stdout)
    for path in downloader.served:
        assert read_credential(path, trust).state is CredentialState.TRUSTED


def assert_no_leftovers(slate: RunningSlate) -> None:
    stored = [path for path in (slate.var / "media").rglob("*") if path.is_file()]
    assert len(stored) == 1, stored
    running = [path for path in (slate.var / "attempts").iterdir() if any(path.glob("signed.mp4"))]
    assert not running, "a signed file of a lost attempt was left behind"
