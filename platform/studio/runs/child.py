"""The child process that owns a model: takes jobs as JSON lines on stdin, answers with JSON lines.

It knows neither the database nor Django. It ends when its parent does (stdin closes), so a killed worker
leaves nothing running.
"""

import argparse
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO


class Wire:
    """The private output channel; stdout itself is handed to the libraries' noise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out: TextIO = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()


class Inbox(threading.Thread):
    """Reads stdin all the time, so that a cancel is seen while a job runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.cancelled = threading.Event()

    def run(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("cancel"):
                self.cancelled.set()
            else:
                with self.changed:
                    # Cleared on arrival, not at the start: a cancel sent while the model loads must hold.
                    self.cancelled.clear()
                    self.jobs.append(message["job"])
                    self.changed.notify()
        os._exit(0)

    def next_job(self) -> dict[str, Any]:
        with self.changed:
            while not self.jobs:
                self.changed.wait()
            return self.jobs.pop(0)


def describe(error: Exception) -> dict[str, str]:
    """The error as the parent passes it on: our own errors as they are, others with their last line."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and hasattr(error, "hint"):
        return {"code": code, "message": str(getattr(error, "message", error)), "hint": str(error.hint)}
    if isinstance(error, OSError):
        hint = "Free some space, or correct the permissions, then try again."
        return {"code": "storage.failed", "message": f"Writing the file failed: {error}", "hint": hint}
    traceback.print_exc()
    return {
        "code": "render.failed",
        "message": f"Rendering failed: {type(error).__name__}: {error}",
        "hint": "The worker's log has the details.",
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--threads", type=int, default=0)
    options = arguments.parse_args()
    wire, inbox = Wire(), Inbox()
    inbox.start()
    try:
        from generation.engines import open_engine

        engine = open_engine(options.model, device=options.device, threads=options.threads or None)
    except Exception as error:  # the parent gets every reason, whatever a checkpoint's code may raise
        wire.send({"error": describe(error), "fatal": True})
        sys.exit(1)
    wire.send({"ready": {"digest": engine.description.digest}})
    while True:
        serve_one(engine, inbox.next_job(), wire, inbox.cancelled)


def serve_one(engine: Any, request: dict[str, Any], wire: Wire, cancelled: threading.Event) -> None:
    from studio.runs.rendering import RenderJob, render

    job = RenderJob(**request)
    try:
        result = render(
            engine,
            job,
            report=lambda stage, share: wire.send({"stage": stage, "progress": share}),
            should_stop=cancelled.is_set,
        )
    except Exception as error:  # one failed job must not take the loaded model with it
        Path(job.output).unlink(missing_ok=True)
        wire.send({"error": describe(error)})
    else:
        wire.send({"done": result.as_dict()})


if __name__ == "__main__":
    main()
