"""Small clips made for the media tests."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from provenance.media import VideoWriter, read_frames

Cut = Callable[..., Path]


@pytest.fixture
def cut(tmp_path: Path) -> Cut:
    """cut(source, seconds, name) encodes the beginning of a real clip to tmp_path/name."""

    def make(source: Path, seconds: float, name: str = "cut.mp4") -> Path:
        frames = read_frames(source, end_s=seconds, threads=1)
        first = next(frames)
        height, width = first.luma.shape
        with VideoWriter(tmp_path / name, width, height, Fraction(25), crf=23, threads=1) as writer:
            writer.write(first.rgb)
            for frame in frames:
                writer.write(frame.rgb)
        return tmp_path / name

    return make
