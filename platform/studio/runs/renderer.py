"""Talks to the child process that owns a model; keeps it warm between runs, and kills it when it must."""

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings

from generation.errors import GenerationStopped
from studio.errors import SlateError
from studio.runs.errors import RendererDied, RunCancelled
from studio.runs.rendering import RenderJob, RenderResult

logger = logging.getLogger(__name__)

POLL_S = 0.25
# How long a child may take to act on a cancel before it is killed: one denoising step and a bit.
CANCEL_GRACE_S = 15.0


class RenderFailed(SlateError):
    """What the child reported about a job: bad input, out of memory, a broken checkpoint."""

    code = "render.failed"


class Renderer:
    """One child process with one model loaded. Not thread-safe: one job at a time."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        # stderr goes to a file so that a talkative library can never fill a pipe and stop the child.
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the child)
        environment = {
            # Waiting threads sleep instead of spinning: on a busy machine spinning starves the ones that work.
            "OMP_WAIT_POLICY": "PASSIVE",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [
                    str(settings.BASE_DIR),
                    str(settings.BASE_DIR / "platform"),
                    os.environ.get("PYTHONPATH", ""),
                ]
            ),
        }
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "studio.runs.child"),
                *("--model", model, "--device", settings.SLATE_DEVICE),
                *("--threads", str(settings.SLATE_TORCH_THREADS or 0)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env=environment,
            cwd=settings.BASE_DIR,
        )
        threading.Thread(target=self._read, daemon=True).start()
        self._ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def render(
        self, job: RenderJob, *, on_progress: Callable[[str, float], None], should_stop: Callable[[], bool]
    ) -> RenderResult:
        """Run one job to its end. Raises RunCancelled, RenderFailed or RendererDied.

        What a callback raises passes through, and the child is killed: left alive, it would go on with this
        job and answer the next one with this one's result.
        """
        try:
            return self._converse(job, on_progress, should_stop)
        except (RunCancelled, RenderFailed, RendererDied):
            raise
        except BaseException:
            self.kill()
            raise

    def _converse(
        self, job: RenderJob, on_progress: Callable[[str, float], None], should_stop: Callable[[], bool]
    ) -> RenderResult:
        if not self._ready:
            on_progress("loading model", 0.0)
        self._send({"job": asdict(job)})
        cancel_sent_at: float | None = None
        while True:
            if cancel_sent_at is None and should_stop():
                self._send({"cancel": True})
                cancel_sent_at = time.monotonic()
            if cancel_sent_at is not None and time.monotonic() - cancel_sent_at > CANCEL_GRACE_S:
                self.kill()
                raise RunCancelled("The run was cancelled.")
            try:
                message = self._messages.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message is None:
                raise self._death()
            if "ready" in message:
                self._ready = True
            elif "stage" in message:
                on_progress(message["stage"], message["progress"])
            elif "done" in message:
                return RenderResult.from_dict(message["done"])
            elif "error" in message:
                if message.get("fatal"):
                    self._process.wait()
                raise self._failure(message["error"], cancelled=cancel_sent_at is not None)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _failure(self, error: dict[str, str], *, cancelled: bool) -> SlateError:
        if cancelled and error["code"] == GenerationStopped.code:
            return RunCancelled("The run was cancelled.")
        return RenderFailed(error["message"], error["hint"], code=error["code"])

    def _death(self) -> RendererDied:
        status = self._process.wait()
        self._stderr.seek(0)
        tail = self._stderr.read()[-2000:].strip()
        logger.warning("renderer %s ended with status %s: %s", self.pid, status, tail)
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        last = tail.splitlines()[-1] if tail and status > 0 else ""
        return RendererDied(
            f"The process that renders {how}{': ' + last if last else ''}.",
            "Killed processes often ran out of memory: try a shorter or smaller take.",
        )

    def _send(self, message: dict[str, Any]) -> None:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._death() from error

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)


class RendererPool:
    """At most one warm child; asking for another model replaces it."""

    def __init__(self) -> None:
        self._current: Renderer | None = None

    def get(self, model: str) -> Renderer:
        current = self._current
        if current is not None and current.is_alive() and current.model == model:
            return current
        self.close()
        self._current = Renderer(model)
        return self._current

    def close(self) -> None:
        if self._current is not None:
            self._current.kill()
            self._current = None
