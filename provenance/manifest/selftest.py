"""Proves on files with known answers that signing and trust work here, before anything depends on them.

The C2PA library accepts misspelt settings silently, so a wrong configuration looks like a file nobody trusts,
or worse, like one everybody does. Only files whose answer is known can tell.
"""

import tempfile
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from provenance.manifest.boxes import top_level_boxes
from provenance.manifest.commitment import commit_all, new_salt
from provenance.manifest.errors import TrustSelfTestFailed
from provenance.manifest.pki import Authority, create_authority
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialState
from provenance.manifest.signing import ClaimSigner, sign_file
from provenance.manifest.statement import Generator, Model, TakeStatement
from provenance.manifest.trust import TrustAnchors

_SIDE_PIXELS = 64
_FRAMES = 4
_FPS = Fraction(24)


def self_test(authority: ClaimSigner) -> None:
    """Sign a tiny film under `authority` and read it back three ways; raises TrustSelfTestFailed if any is
    wrong.

    As signed it must be trusted, with one bit of its picture flipped it must be invalid, and signed under a
    root made up on the spot it must not be trusted. Errors of signing itself pass through.
    """
    trust = TrustAnchors(authority.root_pem)
    with tempfile.TemporaryDirectory(prefix="slate-self-test-") as name:
        folder = Path(name)
        film = folder / "film.mp4"
        _write_film(film)
        signed, flipped, foreign = folder / "signed.mp4", folder / "flipped.mp4", folder / "foreign.mp4"
        sign_file(film, signed, _statement(), authority)
        _expect(signed, trust, CredentialState.TRUSTED, "a file this authority just signed")
        _flip_one_bit(signed, flipped)
        _expect(flipped, trust, CredentialState.INVALID, "a signed file with one bit of its picture flipped")
        stranger: Authority = create_authority(folder / "stranger", "Self-test stranger")
        sign_file(film, foreign, _statement(), stranger)
        _expect(foreign, trust, CredentialState.VALID_UNTRUSTED, "a file signed under an unknown root")


def _expect(path: Path, trust: TrustAnchors, expected: CredentialState, what: str) -> None:
    report = read_credential(path, trust)
    if report.state is not expected:
        raise TrustSelfTestFailed(
            f"Trust self-test: {what} reads as {report.state}, not {expected}. {report.note}".strip(),
            "Do not sign or verify anything until the signing authority and the C2PA library agree.",
        )


def _write_film(path: Path) -> None:
    ramp = np.linspace(0, 255, _SIDE_PIXELS, dtype=np.uint8)
    picture = np.repeat(np.tile(ramp, (_SIDE_PIXELS, 1))[:, :, None], 3, axis=2)
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=_FPS)
        stream.width = stream.height = _SIDE_PIXELS
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for index in range(_FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, index, axis=1), format="rgb24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def _flip_one_bit(source: Path, dest: Path) -> None:
    content = bytearray(source.read_bytes())
    samples = next(box for box in top_level_boxes(source) if box.kind == b"mdat")
    content[(samples.start + samples.end) // 2] ^= 1
    dest.write_bytes(content)


def _statement() -> TakeStatement:
    return TakeStatement(
        title="Trust self-test",
        take_id="self-test",
        created_at=datetime.now(UTC),
        generator=Generator("Slate", "self-test", "2.4.0"),
        model=Model("no model", "0" * 64, "none"),
        commitments=commit_all(new_salt(), recipe=b"self-test", prompt="", seed=0),
        width=_SIDE_PIXELS,
        height=_SIDE_PIXELS,
        fps=_FPS,
        duration_ms=int(_FRAMES * 1000 / _FPS),
    )
