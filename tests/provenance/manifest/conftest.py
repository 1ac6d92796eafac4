"""A signing authority, a statement and signed real media for the tests of credentials."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from provenance.manifest.commitment import commit_all, new_salt
from provenance.manifest.pki import Authority, create_authority
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import (
    PDQ_ALGORITHM,
    TILEMARK_ALGORITHM,
    FingerprintBinding,
    FrameHash,
    Generator,
    Model,
    TakeStatement,
    WatermarkBinding,
)
from provenance.manifest.trust import TrustAnchors


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("pki") / "authority", "Test Studio")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("pki") / "stranger", "Somebody Else")


@pytest.fixture
def trust(authority: Authority) -> TrustAnchors:
    return TrustAnchors(authority.root_pem)


@pytest.fixture(scope="session")
def prompt() -> str:
    return "a lighthouse keeper named Ada waves at a passing ferry"


@pytest.fixture(scope="session")
def statement(prompt: str) -> TakeStatement:
    return TakeStatement(
        title="LH_010 v003",
        take_id="0b6e7f3a-7d0e-4a53-9a39-000000000003",
        created_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        generator=Generator("Slate", "0.1.0", "2.4.0"),
        model=Model("slate/draft-ltx", "ab" * 32, "LTXPipeline"),
        commitments=commit_all(
            new_salt(), recipe=b"{}", prompt=prompt, seed=918_273_645_546, inputs={"start_image": b"\1" * 32}
        ),
        width=1280,
        height=720,
        fps=Fraction(25),
        duration_ms=5280,
        watermark=WatermarkBinding(TILEMARK_ALGORITHM, bytes(range(9)), 5280, profile="robust", layout=1),
        fingerprint=FingerprintBinding(
            PDQ_ALGORITHM, (FrameHash(0, 2640, b"\1" * 32), FrameHash(2640, 5280, b"\2" * 32))
        ),
    )


@pytest.fixture(scope="session")
def film(real_media: Path) -> Path:
    return real_media / "bigbuckbunny" / "bigbuckbunny.mp4"


@pytest.fixture(scope="session")
def still(real_media: Path) -> Path:
    return real_media / "imageio" / "chelsea.png"


@pytest.fixture(scope="session")
def signed_film(
    film: Path, statement: TakeStatement, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    dest = tmp_path_factory.mktemp("signed") / "take.mp4"
    sign_file(film, dest, statement, authority)
    return dest


@pytest.fixture
def changed(statement: TakeStatement) -> Callable[..., TakeStatement]:
    """The statement with some fields replaced, checked again."""
    return lambda **fields: dataclasses.replace(statement, **fields)
