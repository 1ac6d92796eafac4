"""Builds the command that starts a child with as little around it as this machine allows.

With bubblewrap the child has no network, no other processes, a read-only system, and of all media only the
one file. Without it (or where user namespaces are forbidden) only the resource limits hold, which the child
sets for itself.
"""

import functools
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from provenance.compiled import FOLDER_VARIABLE, prepared_folder

_CHILD_MODULE = "provenance.inspect.child"
_NEEDED_MODULE = "provenance.inspect.layers"
# Nothing is written beside sources, and the working folder is no place to import from.
_PYTHON = (sys.executable, "-B", "-P")
_PROBE_TIMEOUT_S = 20
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
_INBOX = "/inbox"
_OUTBOX = "/outbox"


@functools.cache
def sandbox_kind() -> str:
    """Which confinement children get: "bubblewrap" where it was seen to work in this process, else "rlimits".

    It works when everything a child needs can be imported inside it.
    """
    program = shutil.which("bwrap")
    if program is None:
        return "rlimits"
    probe = [program, *_confinement(), "--chdir", "/", "--", *_PYTHON, "-c", f"import {_NEEDED_MODULE}"]
    try:
        result = subprocess.run(
            probe, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False, env=child_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return "rlimits"
    return "bubblewrap" if result.returncode == 0 else "rlimits"


def child_command(path: Path) -> tuple[list[str], str]:
    """The command that starts a child allowed to see `path`, and the path under which the child finds it."""
    command, (inside,) = child_command_for([path])
    return command, inside


def child_command_for(paths: Sequence[Path], outbox: Path | None = None) -> tuple[list[str], list[str]]:
    """The command that starts a child allowed to see `paths`, and the paths under which the child finds them.

    outbox: a folder the child may write to; its path comes last.
    """
    python = [*_PYTHON, "-m", _CHILD_MODULE]
    program = shutil.which("bwrap")
    if program is None or sandbox_kind() != "bubblewrap":
        return python, [str(path) for path in (*paths, *([outbox] if outbox else []))]
    bound, insides = [], []
    for number, path in enumerate(paths):
        folder = f"{_INBOX}/{number}"
        insides.append(f"{folder}/{path.name}")
        bound += ["--dir", folder, "--ro-bind", str(path), insides[-1]]
    if outbox is not None:
        insides.append(_OUTBOX)
        bound += ["--bind", str(outbox), _OUTBOX]
    return [program, *_confinement(), *bound, "--chdir", "/", "--", *python], insides


def child_environment() -> dict[str, str]:
    """What a child needs to start; nothing else of this process's environment, which holds secrets, reaches it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        # Where the compiled kernels lie: the child may not write, and compiling them anew would take it seconds.
        FOLDER_VARIABLE: str(prepared_folder() or ""),
        "PYTHONPATH": str(_source_root()),
        "PYTHONUTF8": "1",
        # The products here are small: a search of one clip takes 2.5 s with one thread and 7 s with two that wait for
        # each other. Decoding and OpenCV take their threads from the limits.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def _confinement() -> list[str]:
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", _INBOX]  # noqa: S108
    for place in _SYSTEM:
        arguments += ["--ro-bind-try", place, place]
    for place in _python_places():
        arguments += ["--ro-bind", place, place]
    return arguments


def _python_places() -> list[str]:
    """The interpreter, its libraries, this package and what was compiled of it.

    Not the folder around it, where keys and media may lie.
    """
    package = _source_root() / "provenance"
    places = {
        sys.prefix,
        sys.base_prefix,
        str(package),
        *site.getsitepackages(),
        str(prepared_folder() or ""),
    } - {""}
    if site.ENABLE_USER_SITE:
        places.add(site.getusersitepackages())
    return _outermost(sorted(place for place in places if Path(place).is_dir()))


def _outermost(places: Sequence[str]) -> list[str]:
    """`places` without those inside another, or inside the system folders that are bound anyway."""
    system = [Path(place) for place in _SYSTEM]
    return [
        place
        for place in places
        if not any(Path(place) != outer and outer in Path(place).parents for outer in map(Path, places))
        and not any(outer == Path(place) or outer in Path(place).parents for outer in system)
    ]


def _source_root() -> Path:
    return Path(__file__).resolve().parents[2]
