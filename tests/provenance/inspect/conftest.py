"""A short marked and signed take made of real footage, and the authority and key it was made with."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from provenance.manifest.commitment import commit_all, new_salt
from provenance.manifest.pki import create_authority
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import (
    TILEMARK_ALGORITHM,
    Generator,
    Model,
    TakeStatement,
    WatermarkBinding,
)
from provenance.media import Picture, VideoWriter, read_frames
from provenance.watermark import Embedder, Payload, WatermarkKey
from tests.provenance.inspect.signed_take import SignedTake

SECONDS = 2.0
WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="session")
def take(real_media: Path, tmp_path_factory: pytest.TempPathFactory) -> SignedTake:
    cv2.setNumThreads(1)
    folder = tmp_path_factory.mktemp("take")
    key, payload = WatermarkKey("studio-2026", bytes(range(32))), Payload(asset_id=0x5EED_CAFE)
    unsigned, signed = folder / "unsigned.mp4", folder / "take.mp4"
    source = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    embedder = Embedder(key, payload, WIDTH, HEIGHT)
    with VideoWriter(unsigned, WIDTH, HEIGHT, Fraction(25), threads=1) as writer:
        for frame in read_frames(source, end_s=SECONDS, threads=1):
            small = cv2.resize(frame.rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            picture = Picture.from_rgb(small)
            picture.luma = embedder.mark(picture.luma)
            writer.write(picture)
    authority = create_authority(folder / "authority", "Test Studio")
    duration_ms = int(SECONDS * 1000)
    statement = TakeStatement(
        title="LH_010 v003",
        take_id="take-3",
        created_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        generator=Generator("Slate", "0.1.0", "2.4.0"),
        model=Model("slate/draft-ltx", "ab" * 32, "LTXPipeline"),
        commitments=commit_all(new_salt(), recipe=b"{}", prompt="a rabbit", seed=1),
        width=WIDTH,
        height=HEIGHT,
        fps=Fraction(25),
        duration_ms=duration_ms,
        watermark=WatermarkBinding(TILEMARK_ALGORITHM, payload.to_bytes(), duration_ms),
    )
    sign_file(unsigned, signed, statement, authority)
    return SignedTake(unsigned, signed, payload, key, authority, statement.take_id)
