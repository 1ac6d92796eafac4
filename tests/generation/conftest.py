"""What the tests of generation share: the shipped model's capabilities, a plain shot, and the loaded engine."""

import os
from dataclasses import replace
from fractions import Fraction

import pytest

from generation.capabilities import Capabilities, find_capabilities
from generation.engines import Engine, open_engine
from generation.models import describe_model
from generation.shots import Shot

THREADS = int(os.environ.get("SLATE_TORCH_THREADS", "1"))


@pytest.fixture(scope="session")
def draft_capabilities() -> Capabilities:
    return find_capabilities(describe_model("draft"))


@pytest.fixture(scope="session")
def draft_engine() -> Engine:
    return open_engine("draft", device="cpu", threads=THREADS)


@pytest.fixture
def shot() -> Shot:
    return Shot("A red car in the desert", 17, Fraction(24), 320, 180, seed=7, steps=2)


@pytest.fixture
def long_shot(shot: Shot) -> Shot:
    return replace(shot, duration_frames=73)
