"""Whatever is killed while a bank is filled, every file becomes a work exactly once and nothing is left lying about."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psycopg
import pytest
from psycopg.rows import dict_row

from provenance.media import read_frames
from studio.embedded import APP_ROLE, DATABASE, EmbeddedServer
from tests.processes import ROOT, RunningSlate, running_slate, wait_for
from tests.provenance.fingerprint.clips_for_tests import write_frames

pytestmark = pytest.mark.chaos

FILES = 12


@pytest.fixture
def shelf(real_media: Path, tmp_path: Path) -> Path:
    """Small films, all different: stretches of one clip, each longer than the one before."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    frames = read_frames(real_media / "imageio" / "cockatoo.mp4", end_s=3.0)
    pictures = [np.ascontiguousarray(frame.rgb[::6, ::6]) for frame in frames]
    for number in range(FILES):
        shown = pictures[number : number + 20 + 2 * number]
        write_frames(shelf / f"film {number:02d}.mp4", shown, [n / 20 for n in range(len(shown))])
    return shelf


class Installation:
    """Commands of one Slate without a web server, and what its database says."""

    def __init__(self, var: Path) -> None:
        self.var = var
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLATE_", "DJANGO_"))}
        settings = {"SLATE_VAR": str(var), "SLATE_DATABASE_DURABLE": "false", "SLATE_STALLED_AFTER_S": "6"}
        self.environment = {**kept, **settings, "PYTHONUNBUFFERED": "1"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def query(self, sql: str) -> list[dict[str, object]]:
        server = EmbeddedServer(self.var)
        try:
            with psycopg.connect(
                host=str(server.socket_directory),
                user=APP_ROLE,
                dbname=DATABASE,
                connect_timeout=3,
                row_factory=dict_row,
            ) as connection:
                return connection.execute(sql).fetchall()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            return []


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "var")
    yield installation
    EmbeddedServer(installation.var).stop()


def test_an_ingest_killed_in_the_middle_goes_on_where_it_was(installation: Installation, shelf: Path) -> None:
    command = ("references", "add", str(shelf), "--bank", "Films", "--jobs", "2")
    killed = installation.start(*command)

    def in_the_middle() -> bool:
        assert killed.poll() is None, f"it ended before it could be killed: {killed.communicate()[0]}"
        counts = installation.query("SELECT state, count(*) AS n FROM references_ingestfile GROUP BY state")
        states = {row["state"]: row["n"] for row in counts}
        return int(str(states.get("added", 0))) >= 3 and "working" in states

    wait_for("some files added and one in work", in_the_middle, timeout_s=240, pause_s=0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = installation.query("SELECT id, created_at FROM references_work")
    assert 3 <= len(before) < FILES

    again = installation.start(*command)
    output, _ = again.communicate(timeout=400)
    assert again.returncode == 0, output
    assert re.search(
        rf"Bank Films: {FILES} added \(\d+ frames, .*\), 0 known already, 0 not added\.", output
    ), output
    # The server stops with the last command; the next one finds everything again.
    server = EmbeddedServer(installation.var, durable=False)
    server.ensure_running()
    assert_every_film_is_a_work_once(installation.query)
    kept = {
        (row["id"], row["created_at"])
        for row in installation.query("SELECT id, created_at FROM references_work")
    }
    assert {(row["id"], row["created_at"]) for row in before} <= kept, "what was done was not done again"
    assert [row["state"] for row in installation.query("SELECT state FROM references_ingest")] == ["finished"]


def assert_every_film_is_a_work_once(query: Callable[[str], Any]) -> None:
    works = query("SELECT title FROM references_work ORDER BY title")
    assert [row["title"] for row in works] == [f"film {number:02d}.mp4" for number in range(FILES)]
    whole = query(
        "SELECT w.title, f.frames AS told, "
        "(SELECT count(*) FROM references_fingerprint p WHERE p.work_id = w.id) AS n, "
        "(SELECT count(*) FROM references_workfile s WHERE s.work_id = w.id) AS shown, "
        "(SELECT count(*) FROM references_cliptrack t WHERE t.work_id = w.id) AS tracks "
        "FROM references_work w JOIN references_ingestfile f ON f.work_id = w.id"
    )
    assert len(whole) == FILES
    for row in whole:
        assert row["told"] == row["n"] > 0, row
        assert (row["shown"], row["tracks"]) == (2, 1), row
    entries = query("SELECT count(*) AS n FROM ledger_entry WHERE event = 'work.added'")
    assert entries == [{"n": FILES}]


def test_uploads_outlive_the_worker_that_reads_them(shelf: Path, tmp_path: Path) -> None:
    with running_slate(tmp_path / "var", SLATE_STALLED_AFTER_S="6") as slate:
        send(slate, sorted(shelf.iterdir()))

        def state() -> dict[str, int]:
            rows = slate.query("SELECT state, count(*) AS n FROM references_ingestfile GROUP BY state") or []
            return {str(row["state"]): int(row["n"]) for row in rows}

        for done in (2, 5):
            wait_for(f"{done} films", lambda done=done: state().get("added", 0) >= done, timeout_s=240)
            pid = slate.worker_pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            time.sleep(1)
        wait_for("all films", lambda: state() == {"added": FILES}, timeout_s=400)
        assert_every_film_is_a_work_once(slate.query)
        incoming = slate.var / "media" / "references" / "incoming"
        assert not any(path.is_file() for path in incoming.rglob("*")), "no upload outlives its work"


def send(slate: RunningSlate, paths: list[Path]) -> None:
    """Log in as the manager, make a bank and put the files into the form, as a browser without scripts does."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def token_of(address: str) -> str:
        page = opener.open(f"{slate.address}{address}", timeout=20).read().decode()
        return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

    def post(address: str, fields: dict[str, str]) -> str:
        request = urllib.request.Request(
            f"{slate.address}{address}", urlencode(fields).encode(), {"Referer": slate.address}
        )
        return str(opener.open(request, timeout=30).url)

    email, password = slate.passwords["Production manager"]
    login = "/accounts/login/"
    post(login, {"login": email, "password": password, "csrfmiddlewaretoken": token_of(login)})
    studio = (slate.query("SELECT id FROM tenancy_studio") or [{}])[0]["id"]
    fields = {"name": "Films", "kind": "protected", "studio": str(studio)}
    bank = post("/references/new", {**fields, "csrfmiddlewaretoken": token_of("/references/new")})
    address = bank.removeprefix(slate.address)
    border = "border-of-a-form"

    def part(name: str, content: bytes) -> bytes:
        head = f"--{border}\r\nContent-Disposition: form-data; name={name}\r\n\r\n"
        return head.encode() + content + b"\r\n"

    parts = [part('"csrfmiddlewaretoken"', token_of(address).encode())]
    parts += [part(f'"files"; filename="{path.name}"', path.read_bytes()) for path in paths]
    request = urllib.request.Request(
        f"{bank}/uploads",
        b"".join(parts) + f"--{border}--\r\n".encode(),
        {"Referer": slate.address, "Content-Type": f"multipart/form-data; boundary={border}"},
    )
    assert "/ingests/" in opener.open(request, timeout=60).url
