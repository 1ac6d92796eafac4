"""Stand-in models on disk with their declarations, and two seconds of a real clip."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from provenance.media import read_frames
from provenance.watermark.engines import EmbedJob
from provenance.watermark.engines.weights import Weights
from provenance.watermark.keys import Payload, WatermarkKey

Declare = Callable[..., Weights]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def stand_ins() -> ModuleType:
    """The module with the stand-in models."""
    spec = importlib.util.spec_from_file_location("stand_ins", Path(__file__).with_name("stand_ins.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stand_ins"] = module  # TorchScript looks its classes up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory, stand_ins: ModuleType) -> Declare:
    """declared(model) saves a stand-in, scripted or traced, and declares it as an operator would."""

    def declare(model: torch.nn.Module, *, traced: bool = False) -> Weights:
        save = stand_ins.save_traced if traced else stand_ins.save
        path = save(model, tmp_path_factory.mktemp("weights") / "stand-in.jit")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Weights(path, digest, "MIT", "made in this test", "the test")

    return declare


@pytest.fixture(scope="session")
def film(real_media: Path) -> list[np.ndarray]:
    """The first two seconds of a real clip at 640x360, RGB, 25 frames a second."""
    source = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    return [
        cv2.resize(frame.rgb, (640, 360), interpolation=cv2.INTER_AREA)
        for frame in read_frames(source, end_s=2.0, threads=1)
    ]


@pytest.fixture(scope="session")
def job(key: WatermarkKey, payload: Payload) -> EmbedJob:
    return EmbedJob(key, payload, Fraction(25))
