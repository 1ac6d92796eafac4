"""Fingerprints of real clips, made once per run, and edited excerpts of them."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from provenance.fingerprint import FrameFingerprint, Hit, fingerprint_file, hamming
from provenance.media import VideoWriter, read_frames

REFERENCES = {
    "bunny": "bigbuckbunny/bbb-480p-30s-video.mp4",
    "chair": "threatexchange/videos/chair-orig-22-sd-bar.mp4",
    "sepia": "threatexchange/videos/chair-22-sd-sepia-bar.mp4",
    "doorknob": "threatexchange/videos/doorknob-hd-no-bar.mp4",
    "bottles": "intel-sample-videos/bottle-detection.mp4",
}
GESTURES = ("again", "brother", "eat", "help", "night", "no", "sister", "student", "yes")
Fingerprints = list[FrameFingerprint]


@pytest.fixture(scope="session")
def references(real_media: Path) -> dict[str, Fingerprints]:
    return {name: fingerprint_file(real_media / path) for name, path in REFERENCES.items()}


@pytest.fixture(scope="session")
def gestures(real_media: Path) -> dict[str, Fingerprints]:
    """Different clips of the same room, camera and signers."""
    return {name: fingerprint_file(real_media / "intel-sample-videos" / f"{name}.mkv") for name in GESTURES}


@pytest.fixture
def excerpt(real_media: Path, tmp_path: Path) -> Callable[..., Fingerprints]:
    """excerpt(name, start_s, end_s, crf, edit, fps) re-encodes a stretch of a reference and fingerprints that."""

    def make(
        name: str,
        start_s: float,
        end_s: float,
        crf: int = 35,
        edit: Callable[[np.ndarray], np.ndarray] = lambda rgb: rgb,
        fps: Fraction = Fraction(24),
    ) -> Fingerprints:
        source = real_media / REFERENCES[name]
        frames = read_frames(source, start_s=start_s, end_s=end_s, threads=1)
        pictures = (np.ascontiguousarray(edit(frame.rgb)) for frame in frames)
        first = next(pictures)
        height, width = first.shape[:2]
        with VideoWriter(tmp_path / "excerpt.mp4", width, height, fps, crf=crf, threads=1) as writer:
            writer.write(first)
            for rgb in pictures:
                writer.write(rgb)
        return fingerprint_file(tmp_path / "excerpt.mp4")

    return make


@pytest.fixture(scope="session")
def hits_between() -> Callable[[Fingerprints, Fingerprints], list[Hit]]:
    """All searchable pairs within 31 bits, by brute force."""

    def search(query: Fingerprints, reference: Fingerprints) -> list[Hit]:
        searchable = [frame for frame in reference if frame.is_searchable]
        return [
            Hit(asked.frame_index, asked.time_s, known.time_s, distance)
            for asked in query
            if asked.is_searchable
            for known in searchable
            if (distance := hamming(asked.pdq, known.pdq)) <= 31
        ]

    return search
