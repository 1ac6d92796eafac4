"""Compiles the numeric kernels once per machine and version; afterwards every process only loads them.

The machine code lies in one folder per combination of sources, numba, Python and processor, so that a folder is never
changed after it was filled and never fits something else. A process that is confined (`SLATE_KERNELS` names the folder
its parent uses, or nothing) reads it and writes nowhere: what a file may have taken over cannot plant code in its
parent. Without the folder everything works, but each process spends seconds on compiling what it calls.

Kernels load when first called: importing a module that has some costs nothing.
"""

import functools
import hashlib
import importlib
import os
import pickle
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "SLATE_KERNELS"
KERNEL_MODULES = (
    "provenance.fingerprint.pdq256",
    "provenance.fingerprint.phash64",
    "provenance.fingerprint.index.kernels",
)

_PACKAGE = Path(__file__).resolve().parent
_BUILD_TIMEOUT_S = 300.0
_LOCK = threading.Lock()
_REGISTERED: "list[Kernel]" = []


class Kernel:
    """A compiled function; calling it loads it first. Made by `kernel`."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[str], is_fast: bool) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.arguments = tuple(arguments)
        self.is_fast = is_fast
        self._compiled: Callable[..., Any] | None = None
        _REGISTERED.append(self)

    @property
    def file_name(self) -> str:
        """Under which name its machine code is kept."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def __call__(self, *arguments: Any) -> Any:
        compiled = self._compiled
        if compiled is None:
            with _LOCK:
                compiled = self._compiled = self._compiled or _compile(self, _Shelf(self, prepared_folder()))
        return compiled(*arguments)


def kernel(*arguments: str, fast: bool = False) -> Callable[[Callable[..., Any]], Kernel]:
    """Makes a kernel of a function that uses only NumPy arrays, numbers and loops, and calls no other kernel.

    arguments: the type of each, such as "int64", "float32[2]" (a C-contiguous array of two dimensions) or
    "const uint8[2]" (one that is only read, and may be read-only). fast: sums of floats may be reordered, which lets
    them be vectorised. The module must be named in KERNEL_MODULES, else its kernels are compiled by each process.
    """
    return lambda function: Kernel(function, arguments, fast)


@functools.cache
def prepared_folder() -> Path | None:
    """The folder with the machine code, filled by now; None where there is none and none can be made.

    Filling it takes some seconds, once per machine and version, in a process of its own; a confined process never does.
    """
    if FOLDER_VARIABLE in os.environ:
        given = Path(os.environ[FOLDER_VARIABLE])
        return given if os.environ[FOLDER_VARIABLE] and given.is_dir() else None
    name = f"kernels-{_fit()}"
    places = _places()
    for place in places:
        if (place / name).is_dir():
            return place / name
    return next((place / name for place in places if _is_built(place / name)), None)


def fill(folder: Path) -> None:
    """Compiles every kernel of KERNEL_MODULES into `folder`, which appears under its name only when it is whole."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for module in KERNEL_MODULES:
            importlib.import_module(module)
        for one in _REGISTERED:
            _compile(one, _Shelf(one, unfinished, is_writable=True))
        unfinished.chmod(0o755)
        with suppress(OSError):  # another process was faster; its folder is as good
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class _Shelf:
    """One kernel's machine code in a folder, as numba's dispatcher asks for it."""

    def __init__(self, one: Kernel, folder: Path | None, *, is_writable: bool = False) -> None:
        self.cache_path = None if folder is None else str(folder)
        self._file = None if folder is None else folder / one.file_name
        self._is_writable = is_writable

    def load_overload(self, _signature: object, target: Any) -> Any:
        if self._file is None or not self._file.is_file():
            return None
        target.refresh()
        result = importlib.import_module("numba.core.compiler").CompileResult
        return result._rebuild(target, *pickle.loads(self._file.read_bytes()))  # noqa: S301 (we wrote it)

    def save_overload(self, _signature: object, compiled: Any) -> None:
        if self._file is not None and self._is_writable:
            dumps = importlib.import_module("numba.core.serialize").dumps
            self._file.write_bytes(dumps(compiled._reduce()))


def _compile(one: Kernel, shelf: _Shelf) -> Callable[..., Any]:
    numba = importlib.import_module("numba")
    dispatcher = numba.njit(nogil=True, fastmath=one.is_fast, error_model="numpy")(one.function)
    dispatcher._cache = shelf
    dispatcher.compile(tuple(_type_of(text, numba.types) for text in one.arguments))
    dispatcher.disable_compile()
    compiled: Callable[..., Any] = dispatcher
    return compiled


def _type_of(text: str, types: Any) -> Any:
    word = text.removeprefix("const ")
    name, _, dimensions = word.partition("[")
    scalar = getattr(types, name)
    if not dimensions:
        return scalar
    return types.Array(scalar, int(dimensions.removesuffix("]")), "C", readonly=word != text)


def _places() -> list[Path]:
    """Where machine code may be kept: beside the sources like other compiled code, else in the user's own cache."""
    places = [_PACKAGE / "__pycache__"]
    with suppress(RuntimeError):
        own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slate"
        if not own.exists() or _is_private(own):
            places.append(own)
    return places


def _is_private(place: Path) -> bool:
    """Whether nobody else can put code there."""
    status = place.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _is_built(folder: Path) -> bool:
    """Fills `folder` in a process of its own, so that this one need not hold a compiler; False where that fails."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder.parent, os.W_OK):
            return False
        code = "import sys; from pathlib import Path; from provenance.compiled import fill; fill(Path(sys.argv[1]))"
        subprocess.run(
            [sys.executable, "-P", "-c", code, str(folder)],
            env={**os.environ, "PYTHONPATH": str(_PACKAGE.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_BUILD_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return folder.is_dir()


def _fit() -> str:
    """What machine code depends on, as a short digest."""
    digest = hashlib.sha256()
    for name in ("numba", "llvmlite", "numpy"):
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    digest.update(f"{sys.version}\n{platform.machine()}\n{_processor()}\n".encode())
    for module in (__name__, *KERNEL_MODULES):
        digest.update(_PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py").read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """The processor's model and abilities."""
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0]
    except OSError:
        return platform.processor()
    lines = (line for line in text.splitlines() if line.startswith(("model name", "flags", "Features")))
    return "\n".join(lines)
