from fractions import Fraction
from pathlib import Path

import pytest

from provenance.errors import MediaTooLarge
from provenance.fingerprint import Fingerprinter, Sampler, fingerprint_file, hash_frame
from provenance.media import Limits, read_frames


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_four_frames_a_second_at_every_frame_rate(fps: Fraction) -> None:
    sampler = Sampler(rate_hz=4)
    taken = [float(n / fps) for n in range(int(10 * fps)) if sampler.wants(float(n / fps))]
    assert len(taken) == 40
    assert all(n / 4 - 0.002 <= time_s < n / 4 + float(1 / fps) for n, time_s in enumerate(taken))


def test_slow_clips_give_every_frame_once() -> None:
    sampler = Sampler(rate_hz=4)
    assert [sampler.wants(n / 2) for n in range(6)] == [True] * 6


def test_repeated_time_is_taken_once() -> None:
    sampler = Sampler()
    assert [sampler.wants(1.0), sampler.wants(1.0), sampler.wants(1.1), sampler.wants(1.25)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_file_and_its_stream_have_the_same_fingerprints(real_media: Path) -> None:
    path = real_media / "imageio" / "realshort.mp4"
    progress: list[tuple[float, float]] = []
    of_file = fingerprint_file(path, on_progress=lambda done_s, all_s: progress.append((done_s, all_s)))
    fingerprinter = Fingerprinter()
    for frame in read_frames(path, threads=1):
        if fingerprinter.wants(frame.time_s):
            fingerprinter.add(frame.index, frame.time_s, frame.rgb)
    assert fingerprinter.fingerprints == of_file
    assert [f.frame_index for f in of_file] == [0, 8, 15, 23, 30]
    assert [done_s for done_s, _ in progress] == [f.time_s for f in of_file]
    assert [all_s for _, all_s in progress] == pytest.approx([1.1992] * 5)


def test_a_still_has_one_fingerprint(real_media: Path) -> None:
    path = real_media / "imageio" / "coins.png"
    rgb = next(read_frames(path, threads=1)).rgb
    assert fingerprint_file(path) == [hash_frame(0, 0.0, rgb)]


def test_limits_are_kept(real_media: Path) -> None:
    with pytest.raises(MediaTooLarge):
        fingerprint_file(real_media / "imageio" / "realshort.mp4", Limits(max_seconds=1.0))
