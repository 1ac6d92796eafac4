"""Kernels are compiled once into a folder that others only read, and work where there is no such folder."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provenance.compiled import FOLDER_VARIABLE, KERNEL_MODULES, Kernel, fill, prepared_folder
from provenance.inspect.sandbox import child_command, child_environment, sandbox_kind

ROOT = Path(__file__).resolve().parents[2]
USE = """
import sys, time
from provenance.compiled import prepared_folder
from provenance.fingerprint.pdq256 import hash_picture
from provenance.fingerprint.phash64 import phash
assert "numba" not in sys.modules, "importing costs nothing"
import numpy as np
rgb = np.random.default_rng(0).integers(0, 255, (72, 128, 3)).astype(np.uint8)
import numba.core.compiler
compiled = []
before = numba.core.compiler.compile_extra
def counted(*given, **named):
    compiled.append(given)
    return before(*given, **named)
numba.core.compiler.compile_extra = counted
print(hash_picture(rgb).packed.hex(), phash(rgb).hex(), len(compiled), prepared_folder())
"""


def use(environment: dict[str, str], command: tuple[str, ...] = (sys.executable, "-B", "-P")) -> list[str]:
    result = subprocess.run(
        [*command, "-c", USE],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def plain_environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="module")
def folder() -> Path:
    found = prepared_folder()
    assert found is not None, "beside the sources or in the user's cache one can be written"
    return found


def kernels() -> list[Kernel]:
    modules = [importlib.import_module(name) for name in KERNEL_MODULES]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Kernel)]


def test_the_folder_holds_every_kernel_and_is_not_filled_again(folder: Path) -> None:
    names = {kernel.file_name for kernel in kernels()}
    assert len(names) >= 3
    assert {path.name for path in folder.iterdir()} == names
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    use(plain_environment(HOME="/nonexistent"))
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_process_with_the_folder_compiles_nothing(folder: Path) -> None:
    *_, compiled, used = use(plain_environment(**{FOLDER_VARIABLE: str(folder)}))
    assert (compiled, used) == ("0", str(folder))


@pytest.mark.skipif(sandbox_kind() != "bubblewrap", reason="bubblewrap is not installed, or may not be used")
def test_a_sandboxed_child_finds_compiled_code_it_cannot_change(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"the clip")
    command, _ = child_command(tmp_path / "clip.mp4")
    python = tuple(command[: command.index("-m")])
    *_, compiled, used = use(child_environment(), python)
    assert (compiled, used) == ("0", str(folder))
    attempt = f"open({str(folder / 'planted')!r}, 'w')"
    result = subprocess.run(
        [*python, "-c", attempt], env=child_environment(), cwd="/", capture_output=True, check=False
    )
    assert b"Read-only file system" in result.stderr
    assert not (folder / "planted").exists()


@pytest.mark.parametrize("given", ["", "/nonexistent"])
def test_a_confined_process_without_a_folder_compiles_for_itself_and_writes_nothing(
    folder: Path, given: str
) -> None:
    with_folder = use(plain_environment(**{FOLDER_VARIABLE: str(folder)}))
    without = use(plain_environment(**{FOLDER_VARIABLE: given}))
    assert without[:2] == with_folder[:2]
    assert int(without[2]) > 0
    assert without[3] == "None"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    fill(tmp_path / "kernels-1")
    names = {path.name for path in (tmp_path / "kernels-1").iterdir()}
    assert names == {kernel.file_name for kernel in kernels()}
    fill(tmp_path / "kernels-1")
    assert [path.name for path in tmp_path.iterdir()] == ["kernels-1"]
    # What a folder lacks is compiled.
    shutil.rmtree(tmp_path / "kernels-1")
    (tmp_path / "kernels-1").mkdir()
    assert int(use(plain_environment(**{FOLDER_VARIABLE: str(tmp_path / "kernels-1")}))[2]) > 0
