"""Makes a small film and a still of an untrusted file in a confined child."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import FileMissing
from provenance.inspect import protocol
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.run import DEFAULT_TIMEOUT_S, converse, parts_of
from provenance.inspect.sandbox import child_command_for

if TYPE_CHECKING:
    from provenance.media.proxy import Proxy

FILM_NAME, POSTER_NAME = "proxy.mp4", "poster.jpg"
MAX_WRITTEN_BYTES = 4 << 30


def make_proxy_of(
    path: Path | str,
    folder: Path,
    *,
    limits: InspectionLimits | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> "Proxy":
    """Writes FILM_NAME (unless the file is a still) and POSTER_NAME into `folder`, which the child may write to.

    Raises FileMissing, what `make_proxy` raises, InspectionTimedOut after `timeout_s`, and InspectionCrashed when the
    child ends without an answer.
    """
    from provenance.media.proxy import Proxy

    path, folder = Path(path).resolve(), folder.resolve()
    if not path.is_file():
        raise FileMissing(f"There is no file called {path.name}.", "Give the path of an ordinary file.")
    limits = replace(limits or InspectionLimits(), written_bytes=MAX_WRITTEN_BYTES)
    command, (inside, outbox) = child_command_for([path], folder)
    request = protocol.ProxyRequest(inside, outbox, limits)
    made = parts_of(converse(command, request.to_bytes(), limits, timeout_s))[protocol.PROXY]
    return Proxy(**{**made, "fps": Fraction(made["fps"])})
