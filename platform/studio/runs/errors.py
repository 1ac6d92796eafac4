"""What can go wrong with a run, in words for the person who asked for it."""

from studio.errors import SlateError


class AttemptStale(SlateError):
    """Another attempt owns the run now; everything this one made is thrown away."""

    code = "run.attempt_stale"


class RunCancelled(SlateError):
    code = "run.cancelled"


class RendererDied(SlateError):
    """The child process that owns the model ended without an answer; worth another attempt."""

    code = "run.renderer_died"


class GateFailed(SlateError):
    """The finished file, read back, did not prove what it must; it is not published."""

    code = "run.gate_failed"


class RunEnded(SlateError):
    code = "run.ended"
    status = 409
