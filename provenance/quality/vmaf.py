"""VMAF by the libvmaf of an ffmpeg binary where one is at hand; says why where none is."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import PictureShape

_TIMEOUT_S = 120.0
_NEUTRAL = 128  # chroma without colour; VMAF looks at luma only

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class VmafResult:
    """score: mean VMAF (0 to 100, model vmaf_v0.6.1) or None, and then `reason` says why in a sentence."""

    score: float | None
    reason: str = ""


@cache
def ffmpeg_with_vmaf() -> tuple[str | None, str]:
    """(path of an ffmpeg that has libvmaf, "") or (None, why there is none)."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return None, "VMAF was not measured: the package imageio-ffmpeg is not installed."
    try:
        path = get_ffmpeg_exe()
        listed = subprocess.run(
            [path, "-hide_banner", "-filters"], capture_output=True, text=True, timeout=30
        )
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        return None, f"VMAF was not measured: no ffmpeg can be run ({error})."
    if " libvmaf " not in listed.stdout:
        return None, "VMAF was not measured: the ffmpeg at hand was built without libvmaf."
    return path, ""


def vmaf(pairs: Iterable[Pair], *, every: int = 1, threads: int = 1) -> VmafResult:
    """The mean VMAF of (reference, other) pairs of (H, W) uint8 luma, streamed, none held.

    Frames should be neighbours in time, because VMAF also looks at motion; every: compare only every n-th.
    Sides must be even. Raises PictureShape; a missing or failing ffmpeg is an answer, not an error.
    """
    program, reason = ffmpeg_with_vmaf()
    if program is None:
        return VmafResult(None, reason)
    stream = iter(pairs)
    first = next(stream, None)
    if first is None:
        return VmafResult(None, "VMAF was not measured: there were no frames.")
    height, width = first[0].shape
    if height % 2 or width % 2:
        raise PictureShape(
            f"A plane of {first[0].shape} cannot be piped as yuv420p.", "Both sides must be even."
        )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        command = _command(program, width, height, every, threads)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder
        )
        try:
            problem = _feed(process, first, stream)
        finally:
            # Also where a caller's frames raise: a waiting child must not outlive them.
            if process.poll() is None:
                process.kill()
                process.wait()
        if problem or not log.exists():
            return VmafResult(None, f"VMAF was not measured: {problem or 'ffmpeg wrote no result.'}")
        pooled = json.loads(log.read_text())["pooled_metrics"]
    return VmafResult(float(pooled["vmaf"]["mean"]))


def _command(program: str, width: int, height: int, every: int, threads: int) -> list[str]:
    """Both planes travel in one picture, one above the other, so that one pipe is enough."""
    graph = (
        f"split[a][b];[a]crop={width}:{height}:0:{height}[other];[b]crop={width}:{height}:0:0[reference];"
        f"[other][reference]libvmaf=n_threads={threads}:n_subsample={every}:log_fmt=json:log_path=vmaf.json"
    )
    layout = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{2 * height}", "-r", "25"]
    return [
        *(program, "-hide_banner", "-loglevel", "error", "-threads", str(threads), "-nostats"),
        *(
            *layout,
            "-i",
            "pipe:0",
            "-filter_threads",
            str(threads),
            "-lavfi",
            graph,
            "-f",
            "null",
            os.devnull,
        ),
    ]


def _feed(process: "subprocess.Popen[bytes]", first: Pair, rest: Iterable[Pair]) -> str:
    """Pipes all pairs and waits. Returns what went wrong, or nothing."""
    height, width = first[0].shape
    chroma = np.full(2 * (height // 2) * width, _NEUTRAL, np.uint8).tobytes()
    assert process.stdin is not None
    is_broken = False
    try:
        for reference, other in _with(first, rest):
            if reference.shape != (height, width) or other.shape != (height, width):
                raise PictureShape(
                    f"A pair of {reference.shape} and {other.shape} follows {(height, width)}.",
                    "Use one size per clip.",
                )
            process.stdin.write(np.ascontiguousarray(reference).tobytes())
            process.stdin.write(np.ascontiguousarray(other).tobytes())
            process.stdin.write(chroma)
    except BrokenPipeError:
        is_broken = True
    try:
        _, errors = process.communicate(timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"ffmpeg did not answer within {_TIMEOUT_S:g} s."
    if process.returncode or is_broken:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        return f"ffmpeg ended with status {process.returncode}: {last[0]}"
    return ""


def _with(first: Pair, rest: Iterable[Pair]) -> Iterable[Pair]:
    yield first
    yield from rest
