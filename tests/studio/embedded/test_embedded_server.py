"""The embedded PostgreSQL: two roles, a Unix socket only, nothing loosened, alive again after a kill."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from studio.embedded import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    private = tmp_path / "a private place"
    private.mkdir(mode=0o700)
    server = EmbeddedServer(private / "var", durable=False)
    server.ensure_running()
    yield server
    server.stop()


def connect(server: EmbeddedServer, role: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=str(server.socket_directory), user=role, dbname=DATABASE, autocommit=True)


def test_it_runs_below_a_private_directory_and_loosens_no_permission(server: EmbeddedServer) -> None:
    parent = server.directory.parent
    assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert server.data.stat().st_uid == os.geteuid()


def test_the_app_role_is_no_superuser_and_alters_nothing(server: EmbeddedServer) -> None:
    with connect(server, OWNER_ROLE) as owner:
        owner.execute("CREATE TABLE note (text text)")
    with connect(server, APP_ROLE) as app:
        app.execute("INSERT INTO note VALUES ('kept')")
        assert app.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
            False,
        )
        for statement in ("ALTER TABLE note ADD more text", "DROP TABLE note", "CREATE TABLE mine (n int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_no_network_port_is_opened(server: EmbeddedServer) -> None:
    with connect(server, APP_ROLE) as app:
        assert app.execute("SHOW listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE((server.socket_directory / ".s.PGSQL.5432").stat().st_mode) & 0o077 == 0


def test_after_a_kill_it_comes_back_with_its_data(server: EmbeddedServer) -> None:
    with connect(server, OWNER_ROLE) as owner:
        owner.execute("CREATE TABLE note (text text)")
        owner.execute("INSERT INTO note VALUES ('kept')")
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    server.ensure_running()
    with connect(server, APP_ROLE) as app:
        assert app.execute("SELECT text FROM note").fetchall() == [("kept",)]


def test_the_last_process_that_holds_it_stops_it(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "var", durable=False)
    hold = (
        "import sys, pathlib; sys.path.insert(0, 'platform');"
        "from studio.embedded import EmbeddedServer;"
        f"s = EmbeddedServer(pathlib.Path({str(tmp_path / 'var')!r}), durable=False);"
        "s.ensure_running(); s.hold(); print('held', flush=True); sys.stdin.readline()"
    )
    root = Path(__file__).resolve().parents[3]
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", hold], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
    holders[0].communicate("\n")
    assert server.is_alive(), "one holder is left"
    holders[1].communicate("\n")
    assert not server.is_alive()
