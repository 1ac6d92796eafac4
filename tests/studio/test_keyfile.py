"""Secrets in files: made once, whole, for their owner only; anything else is refused with a way out."""

import subprocess
import sys
from pathlib import Path

import pytest

from studio.keyfile import KeyFileUnsafe, read_or_create_secret

ROOT = Path(__file__).resolve().parents[2]


def test_a_new_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "root-secret"
    secret = read_or_create_secret(path)
    assert len(secret) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["root-secret"], "no scratch file may stay"


def test_the_secret_is_the_same_at_the_second_start_and_another_elsewhere(tmp_path: Path) -> None:
    first = read_or_create_secret(tmp_path / "one")
    assert read_or_create_secret(tmp_path / "one") == first
    assert read_or_create_secret(tmp_path / "two") != first


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "root-secret"
    # Each waits for the same line on stdin, so that they race for the file and not for the interpreter.
    code = (
        "import sys; from pathlib import Path; from studio.keyfile import read_or_create_secret;"
        "print('ready', flush=True); sys.stdin.readline();"
        f"print(read_or_create_secret(Path({str(path)!r})).hex())"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT / "platform",
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    answers = set()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        answers.add(racer.communicate(timeout=60)[0].strip())
        assert racer.returncode == 0
    assert answers == {path.read_text()}
    assert [entry.name for entry in path.parent.iterdir()] == ["root-secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused_with_the_command_that_helps(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "root-secret"
    read_or_create_secret(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnsafe) as refusal:
        read_or_create_secret(path)
    assert f"{mode:o}" in refusal.value.message
    assert f"chmod 600 '{path}'" in refusal.value.hint
    path.chmod(0o600)
    assert len(read_or_create_secret(path)) == 32


@pytest.mark.parametrize(
    "content", [b"", b"not hexadecimal", b"ab" * 16, b"ab" * 33, bytes(range(256)), b"zz" * 32]
)
def test_a_secret_that_is_garbage_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root-secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnsafe, match="32 bytes") as refusal:
        read_or_create_secret(path)
    assert "backup" in refusal.value.hint
    assert path.read_bytes() == content, "a damaged secret is never replaced: it may be restored"
