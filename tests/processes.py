"""Starts a whole Slate (database, web server, worker) in a directory of its own, and looks inside it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from studio.embedded import APP_ROLE, DATABASE, EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, probe: Callable[[], T | None], timeout_s: float = 180.0, pause_s: float = 0.1) -> T:
    """The first answer of `probe` that is true; fails, naming `what`, after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(pause_s)
    raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")


@dataclass
class RunningSlate:
    """`manage.py serve` with its data in `var`; passwords by role, as it printed them."""

    var: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[str]
    log: Path
    passwords: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def pids(self, *words: str) -> list[int]:
        """Processes of this installation whose command line holds all the words."""
        marker = f"SLATE_VAR={self.var}".encode()
        found = []
        for directory in Path("/proc").iterdir():
            if not directory.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if all(word in command for word in words) and marker in (directory / "environ").read_bytes():
                    found.append(int(directory.name))
        return found

    def child_pid(self) -> int | None:
        return next(iter(self.pids("studio.runs.child")), None)

    def worker_pid(self) -> int | None:
        return next(iter(self.pids("manage.py", "worker")), None)

    def database_pid(self) -> int:
        return int((self.var / "postgres" / "postmaster.pid").read_text().split()[0])

    def query(self, sql: str, *parameters: Any) -> list[dict[str, Any]] | None:
        """Rows as the app role sees them; None while the database is away."""
        server = EmbeddedServer(self.var)
        try:
            with psycopg.connect(
                host=str(server.socket_directory),
                user=APP_ROLE,
                dbname=DATABASE,
                connect_timeout=3,
                row_factory=dict_row,
            ) as connection:
                return connection.execute(sql, parameters).fetchall()
        except psycopg.OperationalError:
            return None

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Another process of this installation, such as a second worker."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments], cwd=ROOT, env=self.environment
        )

    def manage(self, *arguments: str, timeout_s: float = 240.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@contextlib.contextmanager
def running_slate(var: Path, **settings: str) -> Iterator[RunningSlate]:
    """A Slate that serves pages; stopped, and checked to have left no process, at the end."""
    var.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = var / "serve.log"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("SLATE_", "DJANGO_"))},
        "SLATE_VAR": str(var),
        "SLATE_DATABASE_DURABLE": "false",
        "SLATE_TORCH_THREADS": "2",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    slate = RunningSlate(var, port, environment, process, log)
    try:

        def ready() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"serve ended with {process.returncode}:\n{slate.output()}")
            return "Slate is ready" in slate.output()

        wait_for("Slate to be ready", ready, timeout_s=120)
        people = re.findall(r"^  (.+?)  +(\S+@demo\.example) +(\S+)$", slate.output(), re.MULTILINE)
        slate.passwords = {role.strip(): (email, password) for role, email, password in people}
        yield slate
    finally:
        slate.stop()


def last_json_line(text: str) -> dict[str, Any]:
    """The JSON object a command printed."""
    value = json.loads(text[text.index("{") :])
    assert isinstance(value, dict)
    return value
