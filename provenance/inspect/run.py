"""Runs one inspection: starts the child, feeds it the request, and turns its answer or its end into a result."""

import hashlib
import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from provenance.errors import FileEmpty, FileMissing, MediaTooLarge
from provenance.inspect import protocol
from provenance.inspect.errors import InspectionCrashed, InspectionTimedOut, from_wire
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.result import (
    CREDENTIAL,
    FINGERPRINT,
    LAYERS,
    MEDIA,
    SOUND,
    WATERMARK,
    Inspection,
    LayerError,
    detections_from_wire,
    sound_detections_from_wire,
)
from provenance.inspect.sandbox import child_command, child_environment
from provenance.manifest.report import CredentialReport
from provenance.manifest.trust import TrustAnchors

if TYPE_CHECKING:
    from provenance.fingerprint import ClipFingerprint
    from provenance.watermark import Payload, WatermarkKey

DEFAULT_TIMEOUT_S = 600.0
_CHUNK_BYTES = 1 << 16
_HASH_CHUNK_BYTES = 1 << 20
_STDERR_TAIL_BYTES = 4000


def inspect_file(
    path: Path | str,
    *,
    keys: Sequence["WatermarkKey"] = (),
    trust_pem: str = "",
    limits: InspectionLimits | None = None,
    want: Sequence[str] = LAYERS,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    issued: Mapping[str, Sequence["Payload"]] | None = None,
    query: bool = False,
) -> Inspection:
    """Asks the layers in `want` about the untrusted file at `path`, decoding it once, in a child process.

    `trust_pem` holds the roots under which a credential is trusted. `issued` holds, by key id, the payloads known to
    have been marked with a key: one of these is recognised where a mark is too faint to be decoded. `query`: the
    file's fingerprint is to be looked up rather than kept, see `Fingerprinter`.

    Raises FileMissing, FileEmpty, MediaTooLarge, TrustAnchorsInvalid, any error of `provenance.media` where no layer
    could answer, InspectionTimedOut after `timeout_s`, and InspectionCrashed when the child ends without an answer.
    """
    unknown = set(want) - set(LAYERS)
    if unknown or not want:
        raise ValueError(f"want must name some of {LAYERS}, not {tuple(want)}")
    path, limits = Path(path).resolve(), limits or InspectionLimits()
    TrustAnchors(trust_pem)
    # The parent takes these itself: a child that a file has taken over could claim any identity for it.
    sha256, size_bytes = _identity(path, limits)
    command, inside = child_command(path)
    request = protocol.Request(
        path=inside,
        want=tuple(want),
        keys=tuple((key.key_id, key.secret) for key in keys),
        trust_pem=trust_pem,
        limits=limits,
        issued=tuple(
            (key_id, tuple(payload.to_bytes().hex() for payload in payloads))
            for key_id, payloads in (issued or {}).items()
        ),
        query=query,
    )
    output = converse(command, request.to_bytes(), limits, timeout_s)
    return _inspection(parts_of(output), sha256, size_bytes)


def parts_of(output: bytes) -> Mapping[str, Any]:
    """What the child said, part by part. Raises what it refused the file with, or InspectionCrashed."""
    parts = protocol.decode_parts(output)
    if parts is None:
        raise InspectionCrashed("The inspection of the file gave no complete answer.", _CRASH_HINT)
    if protocol.FATAL in parts:
        raise from_wire(parts[protocol.FATAL])
    return parts


_CRASH_HINT = "The file may be damaged or made to break readers; export it again from its source."


def _inspection(parts: Mapping[str, Any], sha256: str, size_bytes: int) -> Inspection:
    credential = parts.get(CREDENTIAL)
    errors = parts.get(protocol.ERRORS, {})
    return Inspection(
        sha256=sha256,
        size_bytes=size_bytes,
        media=parts.get(MEDIA),
        credential=CredentialReport.from_dict(credential) if credential else None,
        watermarks=detections_from_wire(parts.get(WATERMARK, ())),
        sound_watermarks=sound_detections_from_wire(parts[SOUND]) if SOUND in parts else None,
        fingerprint=_fingerprint(parts.get(FINGERPRINT)),
        errors={layer: LayerError(e["code"], e["message"], e["hint"]) for layer, e in errors.items()},
    )


def _fingerprint(wire: Mapping[str, Any] | None) -> "ClipFingerprint | None":
    if wire is None:
        return None
    from provenance.fingerprint.wire import clip_from_wire

    return clip_from_wire(wire)


def _identity(path: Path, limits: InspectionLimits) -> tuple[str, int]:
    if not path.is_file():
        raise FileMissing(f"There is no file called {path.name}.", "Give the path of an ordinary file.")
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise FileEmpty(f"{path.name} is empty: it has 0 bytes.", "Upload or export the file again.")
    if size_bytes > limits.media.max_bytes:
        raise MediaTooLarge(
            f"{path.name} has {size_bytes} bytes; at most {limits.media.max_bytes} are read.",
            "Send a shorter excerpt.",
        )
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest(), size_bytes


def converse(command: list[str], request: bytes, limits: InspectionLimits, timeout_s: float) -> bytes:
    """What the child wrote to stdout, once it has ended well."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=child_environment(),
        cwd="/",
        start_new_session=True,
    ) as process:
        conversation = _Conversation(process, request, limits.result_bytes)
        try:
            conversation.run(timeout_s)
        except BaseException:
            # Whatever went wrong, an interrupt included: the child and all it started must not outlive it.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    _require_success(process.returncode, bytes(conversation.noise))
    return bytes(conversation.output)


class _Conversation:
    """Feeds one child and drains it at the same time, so that neither side can wait for the other for ever."""

    def __init__(self, process: "subprocess.Popen[bytes]", request: bytes, cap_bytes: int) -> None:
        self.output = bytearray()
        self.noise = bytearray()
        self._process = process
        self._unsent = request
        self._cap_bytes = cap_bytes

    def run(self, timeout_s: float) -> None:
        """Returns when the child has closed its outputs and ended; raises InspectionTimedOut if it has not by then."""
        deadline = time.monotonic() + timeout_s
        process = self._process
        with selectors.DefaultSelector() as selector:
            selector.register(_open(process.stdin), selectors.EVENT_WRITE, self._send)
            selector.register(_open(process.stdout), selectors.EVENT_READ, self._receive_output)
            selector.register(_open(process.stderr), selectors.EVENT_READ, self._receive_noise)
            while selector.get_map():
                events = selector.select(max(0.0, deadline - time.monotonic()))
                if time.monotonic() >= deadline:
                    raise _timed_out()
                for key, _ in events:
                    if not key.data(key.fd):
                        selector.unregister(key.fileobj)
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise _timed_out() from error

    def _send(self, pipe: int) -> bool:
        try:
            sent = os.write(pipe, self._unsent[: select.PIPE_BUF])
        except BrokenPipeError:
            sent = len(self._unsent)  # the child has ended, and its exit status says why
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            _open(self._process.stdin).close()
        return bool(self._unsent)

    def _receive_output(self, pipe: int) -> bool:
        chunk = os.read(pipe, _CHUNK_BYTES)
        self.output += chunk
        if len(self.output) > self._cap_bytes:
            raise InspectionCrashed(
                f"The inspection answered with more than {self._cap_bytes} bytes.", "Send a shorter excerpt."
            )
        return bool(chunk)

    def _receive_noise(self, pipe: int) -> bool:
        chunk = os.read(pipe, _CHUNK_BYTES)
        self.noise = (self.noise + chunk)[-_STDERR_TAIL_BYTES:]
        return bool(chunk)


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("the child was started without pipes")
    return pipe


def _timed_out() -> InspectionTimedOut:
    return InspectionTimedOut(
        "The inspection of the file took too long and was ended.",
        "Send a shorter excerpt, or allow more time.",
    )


def _require_success(status: int, noise: bytes) -> None:
    if status == 0:
        return
    # A sandbox reports a child that died by a signal as 128 plus its number.
    number = -status if status < 0 else status - 128
    if number == signal.SIGXCPU:
        raise _timed_out()
    known = {entry.value: entry.name for entry in signal.Signals}
    how = f"was ended by {known[number]}" if number in known else f"ended with status {status}"
    raise InspectionCrashed(
        f"The process that inspected the file {how}.", _CRASH_HINT, detail=noise.decode(errors="replace")
    )
