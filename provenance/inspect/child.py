"""The process that touches the untrusted file: takes one request on stdin, answers in JSON lines, and ends.

Before anything is imported that could print, the answer's pipe is moved away from stdout, so that noise of
native libraries ends up on stderr and never in the answer.
"""

import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

from provenance.errors import ProvenanceError
from provenance.inspect import protocol
from provenance.inspect.confinement import confine
from provenance.inspect.errors import InspectionTooLarge, to_wire


def main() -> int:
    """Answers one request; the exit status is 0 whenever an answer (a refusal included) was written whole."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        request = protocol.parse(sys.stdin.buffer.read())
        confine(request.limits)
        try:
            _answer(request, answer)
        except ProvenanceError as error:
            answer.write(protocol.encode_part(protocol.FATAL, to_wire(error)))
        except MemoryError:
            refusal = InspectionTooLarge(
                "The file needs more memory than an inspection may use.", "Send a smaller version of it."
            )
            answer.write(protocol.encode_part(protocol.FATAL, to_wire(refusal)))
    return 0


def _answer(request: protocol.AnyRequest, answer: BinaryIO) -> None:
    for part, value in _parts(request):
        answer.write(protocol.encode_part(part, value))
        answer.flush()
    answer.write(protocol.encode_part(protocol.END, True))


def _parts(request: protocol.AnyRequest) -> Iterator[tuple[str, Any]]:
    # Imported only now: everything native is loaded under the limits.
    if isinstance(request, protocol.ComparisonRequest):
        from provenance.inspect.laying import lay_over

        yield protocol.COMPARISON, lay_over(request)
    elif isinstance(request, protocol.LettersRequest):
        from provenance.inspect.spelling import spell_out

        yield protocol.LETTERS, spell_out(request)
    elif isinstance(request, protocol.ProxyRequest):
        from provenance.inspect.shrinking import shrink

        yield protocol.PROXY, shrink(request)
    elif isinstance(request, protocol.PartsRequest):
        from provenance.inspect.looking import look_for_parts

        yield protocol.PARTS, look_for_parts(request)
    else:
        from provenance.inspect.layers import inspect_layers

        yield from inspect_layers(request)


if __name__ == "__main__":
    try:
        status = main()
    except Exception:
        traceback.print_exc()
        status = 1
    sys.exit(status)
