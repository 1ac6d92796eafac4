"""A statement says enough to be checked and nothing private; commitments open to one value only."""

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

import pytest

from provenance.manifest.commitment import commit, commit_all, new_salt, opens
from provenance.manifest.errors import StatementInvalid
from provenance.manifest.statement import (
    Commitments,
    FingerprintBinding,
    FrameHash,
    Generator,
    Model,
    TakeStatement,
    WatermarkBinding,
)

HASH = "0" * 64


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "line\nbreak"},
        {"title": "x" * 201},
        {"title": "/home/ada/shots/v003.mp4"},
        {"title": "C:\\shots\\v003.mp4"},
        {"take_id": ""},
        {"created_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - a time without a zone is the point
        {"width": 0},
        {"duration_ms": 0},
        {"fps": Fraction(0)},
        {"generator": Generator("Slate", "0.1.0", "2.4")},
        {"model": Model("/models/ltx", HASH, "LTXPipeline")},
        {"model": Model("ltx", "sha256:abc", "LTXPipeline")},
        {"watermark": WatermarkBinding("tilemark", bytes(9), 1000)},
        {"watermark": WatermarkBinding("org.slate.tilemark.1", bytes(8), 1000)},
        {"watermark": WatermarkBinding("org.slate.tilemark.1", bytes(9), 0)},
        {"watermark": WatermarkBinding("org.slate.tilemark.1", bytes(9), 1000, profile="Very strong")},
        {"watermark": WatermarkBinding("org.slate.tilemark.1", bytes(9), 1000, profile="clean;key=1")},
        {"watermark": WatermarkBinding("org.slate.tilemark.1", bytes(9), 1000, layout=-1)},
        {"fingerprint": FingerprintBinding("pdq", (FrameHash(0, 1000, bytes(32)),))},
        {"fingerprint": FingerprintBinding("org.slate.pdq-256.1", ())},
        {"fingerprint": FingerprintBinding("org.slate.pdq-256.1", (FrameHash(0, 1000, b""),))},
        {"fingerprint": FingerprintBinding("org.slate.pdq-256.1", (FrameHash(1000, 1000, bytes(32)),))},
        {"commitments": Commitments(recipe=HASH, prompt="a lighthouse at dawn", seed=HASH)},
        {"commitments": Commitments(recipe=HASH, prompt=HASH, seed="1234")},
        {"commitments": Commitments(recipe=HASH, prompt=HASH, seed=HASH, inputs={"face": "ada.png"})},
        {"commitments": Commitments(recipe=HASH, prompt=HASH, seed=HASH, inputs={"../ada.png": HASH})},
    ],
)
def test_a_statement_that_must_not_be_published_is_refused(
    changed: Callable[..., TakeStatement], fields: dict[str, object]
) -> None:
    with pytest.raises(StatementInvalid) as caught:
        changed(**fields)
    assert caught.value.hint


def test_hub_names_are_not_mistaken_for_paths(changed: Callable[..., TakeStatement]) -> None:
    assert changed(model=Model("Lightricks/LTX-Video-0.9.7", HASH, "LTXPipeline")).model.name.startswith(
        "Light"
    )


def test_a_commitment_opens_to_its_value_and_salt_only() -> None:
    salt = new_salt()
    made = commit(salt, "prompt", b"a lighthouse")
    assert opens(made, salt, "prompt", b"a lighthouse")
    assert not opens(made, salt, "prompt", b"a lighthouse.")
    assert not opens(made, salt, "seed", b"a lighthouse")
    assert not opens(made, new_salt(), "prompt", b"a lighthouse")


def test_the_same_prompt_commits_differently_in_every_take() -> None:
    first, second = (commit_all(new_salt(), recipe=b"{}", prompt="same", seed=1) for _ in range(2))
    assert first.prompt != second.prompt
    assert first.seed != second.seed


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(StatementInvalid):
        commit(b"salt", "prompt", b"a lighthouse")
