"""Makes the proxy of a file in this very process; runs in the child only."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from provenance.inspect.protocol import ProxyRequest
from provenance.inspect.proxies import FILM_NAME, POSTER_NAME
from provenance.media.proxy import make_proxy


def shrink(request: ProxyRequest) -> dict[str, Any]:
    """What was made, as JSON-able values (see `Proxy`). Raises what `make_proxy` raises."""
    limits = request.limits
    cv2.setNumThreads(limits.threads)
    outbox = Path(request.outbox)
    made = make_proxy(
        request.path,
        outbox / FILM_NAME,
        outbox / POSTER_NAME,
        limits=limits.media,
        threads=limits.threads,
    )
    return {**asdict(made), "fps": str(made.fps)}
