"""The child is confined as far as this machine allows, and noise on stdout cannot become an answer."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from provenance.inspect import InspectionLimits, protocol, sandbox_kind
from provenance.inspect.sandbox import child_command, child_environment

needs_bubblewrap = pytest.mark.skipif(
    sandbox_kind() != "bubblewrap", reason="bubblewrap is not installed, or user namespaces are forbidden"
)


def run_inside(path: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python code in the place of the child, with `inside` naming the file."""
    command, inside = child_command(path)
    python = command[: command.index("-m")]
    return subprocess.run(
        [*python, "-c", f"inside = {inside!r}\n{code}"],
        env=child_environment(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_bubblewrap
def test_a_sandboxed_child_sees_its_file_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"the clip")
    (tmp_path / "secret.key").write_bytes(b"the key")
    hidden = [str(tmp_path / "secret.key"), "/etc/passwd", __file__]
    code = f"""
import os, pathlib
print(pathlib.Path(inside).read_text(), os.listdir(os.path.dirname(inside)))
print([os.path.exists(path) for path in {hidden}])
"""
    result = run_inside(tmp_path / "clip.mp4", code)
    assert result.stdout.splitlines() == ["the clip ['clip.mp4']", "[False, False, False]"], result.stderr


@needs_bubblewrap
def test_a_sandboxed_child_cannot_write_or_reach_a_network(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"the clip")
    code = """
import socket, pathlib
for attempt in (
    lambda: pathlib.Path(inside).write_text("changed"),
    lambda: pathlib.Path("/usr/planted").write_text("x"),
    lambda: socket.create_connection(("127.0.0.1", 9), 1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9)),
):
    try:
        attempt()
        print("done")
    except OSError as error:
        print(type(error).__name__)
"""
    result = run_inside(tmp_path / "clip.mp4", code)
    assert "done" not in result.stdout
    assert len(result.stdout.split()) == 4, result.stderr
    assert (tmp_path / "clip.mp4").read_bytes() == b"the clip"


@needs_bubblewrap
def test_a_sandboxed_child_sees_no_other_process(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"the clip")
    result = run_inside(tmp_path / "clip.mp4", f"import os; print(os.path.exists('/proc/{os.getpid()}/fd'))")
    assert result.stdout.split() == ["False"], result.stderr


def test_limits_hold_before_anything_is_opened(tmp_path: Path) -> None:
    code = f"""
import json, pathlib, resource, sys
from provenance.inspect.confinement import confine
from provenance.inspect.limits import InspectionLimits
confine(InspectionLimits(cpu_s=7, memory_bytes=2**30, open_files=32))
names = ("CPU", "AS", "NOFILE", "FSIZE", "CORE")
print(json.dumps({{name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names}}))
try:
    pathlib.Path({str(tmp_path / "planted")!r}).write_text("x")
    print("written")
except OSError:
    print("refused")
try:
    bytearray(2**31)
    print("allocated")
except MemoryError:
    print("refused")
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    limits, *attempts = result.stdout.splitlines()
    assert json.loads(limits) == {
        "CPU": [7, 12],
        "AS": [2**30, 2**30],
        "NOFILE": [32, 32],
        "FSIZE": [0, 0],
        "CORE": [0, 0],
    }
    assert attempts == ["refused", "refused"]


def test_a_limit_already_stricter_is_kept() -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
from provenance.inspect.confinement import confine
from provenance.inspect.limits import InspectionLimits
confine(InspectionLimits(open_files=64))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 20
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.strip() == "(20, 20)"


def test_noise_on_stdout_stays_out_of_the_answer(real_media: Path) -> None:
    code = """
import os, sys, threading
before = os.fstat(1).st_ino
def shout():
    while os.fstat(1).st_ino == before:
        pass
    for _ in range(200):
        os.write(1, b'{"part": "credential", "value": {"state": "trusted"}}\\n')
threading.Thread(target=shout, daemon=True).start()
from provenance.inspect.child import main
sys.exit(main())
"""
    request = protocol.Request(
        path=str(real_media / "imageio" / "chelsea.png"),
        want=("credential",),
        keys=(),
        trust_pem="",
        limits=InspectionLimits(),
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=request.to_bytes(),
        env=child_environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b'"state": "trusted"' in result.stderr
    parts = protocol.decode_parts(result.stdout)
    assert parts is not None
    assert parts["credential"]["state"] == "absent"


def test_the_first_word_about_a_part_is_final_and_an_unfinished_answer_is_none() -> None:
    first = protocol.encode_part("credential", {"state": "invalid"})
    second = protocol.encode_part("credential", {"state": "trusted"})
    end = protocol.encode_part(protocol.END, True)
    parts = protocol.decode_parts(first + second + end)
    assert parts is not None
    assert parts["credential"] == {"state": "invalid"}
    assert protocol.decode_parts(first) is None
    assert protocol.decode_parts(first + end[:-5]) is None
    assert protocol.decode_parts(b"noise\n" + end) is None
    assert protocol.decode_parts(b"[1]\n" + end) is None
    assert protocol.decode_parts(b"") is None


def test_a_request_survives_the_trip_and_hides_its_secrets() -> None:
    request = protocol.Request(
        "/clip.mp4", ("watermark",), (("k1", b"\1" * 32),), "", InspectionLimits(cpu_s=3)
    )
    assert protocol.parse(request.to_bytes()) == request
    assert "01" * 4 not in repr(request)
    assert "\\x01" not in repr(request)
    assert "k1" in repr(request)
