"""Whatever is done to a file, looking at it ends in an answer or in an error with a sentence and a way out."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from provenance.errors import ProvenanceError
from provenance.inspect import Inspection, inspect_file
from provenance.manifest.commitment import commit_all
from provenance.manifest.report import CredentialState
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import Generator, Model, TakeStatement
from provenance.media import VideoWriter, read_frames
from provenance.watermark import WatermarkKey
from studio.credentials.services import ensure_authority, root_certificate_pem
from studio.credentials.verification import verify_file
from studio.errors import InputRefused

pytestmark = pytest.mark.fuzz

KEY = WatermarkKey("fuzz", bytes(range(32)))
Damage = Callable[[random.Random, bytearray], None]


@pytest.fixture(scope="module")
def signed(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small signed film: one second of real footage at a quarter of its size."""
    folder = tmp_path_factory.mktemp("signed")
    with VideoWriter(folder / "film.mp4", 320, 180, Fraction(25), crf=28, threads=1) as writer:
        for frame in read_frames(real_media / "bigbuckbunny" / "bigbuckbunny.mp4", end_s=1.0, threads=1):
            writer.write(frame.rgb[::4, ::4].copy())
    statement = TakeStatement(
        title="Take",
        take_id="take",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        generator=Generator("Slate", "0.1.0", "2.4.0"),
        model=Model("draft", "ab" * 32, "LTXPipeline"),
        commitments=commit_all(bytes(32), recipe=b"{}", prompt="a rabbit", seed=1),
        width=320,
        height=180,
        fps=Fraction(25),
        duration_ms=1000,
    )
    sign_file(folder / "film.mp4", folder / "signed.mp4", statement, ensure_authority())
    return (folder / "signed.mp4").read_bytes()


def truncate(rng: random.Random, content: bytearray) -> None:
    del content[rng.randrange(1, len(content)) :]


def flip_one_bit(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def flip_many_bits(rng: random.Random, content: bytearray) -> None:
    for _ in range(rng.randrange(10, 2000)):
        flip_one_bit(rng, content)


def flip_in_the_index(rng: random.Random, content: bytearray) -> None:
    """The boxes before the pictures are what parsers trust."""
    end = content.index(b"mdat")
    for _ in range(rng.randrange(1, 20)):
        content[rng.randrange(end)] ^= 1 << rng.randrange(8)


def overwrite_lengths(rng: random.Random, content: bytearray) -> None:
    """Box lengths of nothing, of everything and of more than that."""
    for name in rng.sample([b"moov", b"trak", b"stsz", b"stco", b"stsc", b"uuid", b"avcC"], 2):
        position = content.find(name)
        if position >= 4:
            content[position - 4 : position] = rng.choice(
                [bytes(4), b"\xff" * 4, b"\0\0\0\7", b"\x7f\xff\xff\xff"]
            )


def drop_a_piece(rng: random.Random, content: bytearray) -> None:
    start = rng.randrange(len(content))
    del content[start : start + rng.randrange(1, 5000)]


def put_noise_in_the_middle(rng: random.Random, content: bytearray) -> None:
    start = rng.randrange(len(content))
    content[start : start + 2000] = rng.randbytes(2000)


def nothing_but_noise(rng: random.Random, content: bytearray) -> None:
    content[:] = rng.randbytes(rng.randrange(1, 20_000))


def noise_behind_a_true_beginning(rng: random.Random, content: bytearray) -> None:
    head = rng.choice(
        [
            content[:32],
            b"\x1aE\xdf\xa3",
            b"RIFF\0\1\0\0AVI LIST",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0",
            b"GIF89a",
            b"OggS",
            b"#EXTM3U\n",
            b"\0\0\1\xba",
        ]
    )
    content[:] = bytes(head) + rng.randbytes(8000)


DAMAGES: list[Damage] = [
    truncate,
    flip_one_bit,
    flip_many_bits,
    flip_in_the_index,
    overwrite_lengths,
    drop_a_piece,
    put_noise_in_the_middle,
    nothing_but_noise,
    noise_behind_a_true_beginning,
]


def look(path: Path) -> Inspection | ProvenanceError:
    try:
        return inspect_file(path, keys=[KEY], trust_pem=root_certificate_pem(), timeout_s=120)
    except ProvenanceError as error:
        return error


@pytest.fixture(scope="module")
def undamaged(signed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    path = tmp_path_factory.mktemp("undamaged") / "whole.mp4"
    path.write_bytes(signed)
    seen = look(path)
    assert isinstance(seen, Inspection)
    return seen


def test_the_undamaged_file_is_trusted(undamaged: Inspection) -> None:
    """Otherwise nothing below would show anything."""
    assert undamaged.credential is not None
    assert undamaged.credential.state is CredentialState.TRUSTED
    assert undamaged.errors == {}


def after_the_credential(content: bytes) -> bytes:
    """The film itself: what follows the file type box and the box that holds the credential."""
    position = int.from_bytes(content[:4], "big")
    return content[position + int.from_bytes(content[position : position + 4], "big") :]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_gets_an_answer(
    signed: bytes, undamaged: Inspection, tmp_path: Path, damage: Damage, seed: int
) -> None:
    content = bytearray(signed)
    damage(random.Random(f"{damage.__name__} {seed}"), content)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    seen = look(path)
    if isinstance(seen, ProvenanceError):
        assert seen.message
        assert "Traceback" not in seen.message
        assert seen.code != "inspection_timed_out"
        return
    assert all(error.message for error in seen.errors.values())
    assert seen.credential is not None
    assert undamaged.credential is not None
    if seen.credential.state is CredentialState.TRUSTED:
        # No signature covers the file type, the labels of boxes and a signature's own padding: only those changed.
        assert after_the_credential(content) == after_the_credential(signed)
        said = (seen.credential.manifest_id, seen.credential.generation, seen.credential.signer_serial)
        meant = undamaged.credential
        assert said == (meant.manifest_id, meant.generation, meant.signer_serial)


@pytest.mark.django_db
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_verifying_a_damaged_file_ends_in_a_verdict_or_a_refusal(
    signed: bytes, tmp_path: Path, damage: Damage
) -> None:
    content = bytearray(signed)
    damage(random.Random(f"verify {damage.__name__}"), content)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    answer, refusal = verdict_or_refusal(path)
    if refusal is not None:
        assert refusal.message
        assert refusal.code != InputRefused.code, "the reader's own code is kept"
    else:
        assert answer["exit_status"] in (1, 2, 3)
        assert answer["headline"]
        json.dumps(answer).encode()


def verdict_or_refusal(path: Path) -> tuple[dict[str, Any], InputRefused | None]:
    try:
        return verify_file(path, file_name=path.name).as_dict(), None
    except InputRefused as error:
        return {}, error
