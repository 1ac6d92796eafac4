"""Keeps the web server, a worker and the embedded database running until it is told to stop."""

import ctypes
import logging
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from django.conf import settings

from studio.errors import DatabaseUnavailable, PortTaken, SlateError

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
STOP_GRACE_S = 20.0
RESTART_PAUSE_S = 2.0
# A process that keeps dying this often within a minute will not get better by itself.
MAX_DEATHS_PER_MINUTE = 8


class KeepsDying(SlateError):
    code = "serve.keeps_dying"


def require_free_port(host: str, port: int) -> None:
    """Raise PortTaken, naming what to do, when something listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used: {error.strerror}.",
                f"Stop what listens there, or choose another port: make run PORT={port + 1}",
            ) from error


def _end_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Supervised:
    """One program that is started again whenever it ends."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        # Its own session: Ctrl-C reaches the supervisor alone, which then stops its programs in order.
        self.process = subprocess.Popen(
            self.command, cwd=settings.BASE_DIR, start_new_session=True, preexec_fn=_end_with_parent
        )

    def check(self) -> None:
        if self.process is None or self.process.poll() is None:
            return
        now = time.monotonic()
        self.deaths = [moment for moment in self.deaths if now - moment < 60] + [now]
        if len(self.deaths) > MAX_DEATHS_PER_MINUTE:
            raise KeepsDying(
                f"The {self.name} ended {len(self.deaths)} times within a minute.",
                "Its last lines above say why; correct that and start again.",
            )
        logger.warning("the %s ended with status %s; starting it again", self.name, self.process.returncode)
        time.sleep(RESTART_PAUSE_S if len(self.deaths) > 1 else 0)
        self.start()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    def __init__(self, host: str, port: int) -> None:
        self.address = f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}"
        self._probe = f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"
        self._stopping = False
        manage = str(settings.BASE_DIR / "manage.py")
        self.programs = [
            Supervised("web server", [sys.executable, manage, "web", "--host", host, "--port", str(port)]),
            Supervised("worker", [sys.executable, manage, "worker"]),
        ]

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Start everything, call `on_ready` once pages are served, and return after SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        try:
            for program in self.programs:
                program.start()
            ready = False
            while not self._stopping:
                if not ready and self._answers():
                    ready = True
                    on_ready(self.address)
                self._check_database()
                for program in self.programs:
                    program.check()
                time.sleep(0.3)
        finally:
            for program in reversed(self.programs):
                program.stop()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._probe, timeout=2) as answer:  # noqa: S310 (our own address)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _check_database(self) -> None:
        server = settings.EMBEDDED_SERVER
        if server is None or server.is_alive():
            return
        logger.warning("the embedded database ended; starting it again")
        try:
            server.ensure_running()
        except DatabaseUnavailable as error:
            logger.exception("%s", error.render())
            time.sleep(RESTART_PAUSE_S)
