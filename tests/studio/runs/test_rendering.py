"""The one pass over the frames: marked as strongly as the shot needs, measured on the way, and all or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from generation.errors import GenerationStopped
from provenance.media import probe, read_frames
from provenance.watermark import detect
from studio.runs.rendering import RenderJob, Stopwatch, encode_frames
from tests.studio.finished_take import make_job


def ignore(_stage: str, _share: float) -> None:
    pass


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def film(real_media: Path) -> list[np.ndarray]:
    path = real_media / "bigbuckbunny" / "bigbuckbunny.mp4"
    return [frame.rgb for frame in read_frames(path, end_s=0.7, threads=1)]


@pytest.fixture
def job(tmp_path: Path) -> RenderJob:
    return make_job(tmp_path / "take.mp4", width=320, height=180, duration_frames=6)


def frames_of(film: list[np.ndarray], job: RenderJob) -> Iterator[np.ndarray]:
    return islice(cycle(film), job.duration_frames)


def test_every_frame_is_marked_encoded_and_measured(film: list[np.ndarray], job: RenderJob) -> None:
    watch, job = Stopwatch(), replace(job, width=1280, height=720, duration_frames=16)
    encoded = encode_frames(frames_of(film, job), job, watch, ignore, never)
    assert probe(Path(job.output)).duration_frames == 16
    found = detect((frame.luma for frame in read_frames(job.output, threads=1)), [job.key()], fps=24)[0]
    assert found.payload == job.payload()
    assert encoded.certificate.is_read
    assert encoded.certificate.measured_frames == 16
    assert {"decode", "strength", "watermark", "certificate", "encode", "fingerprint"} <= set(watch.seconds)


def test_the_profile_asked_for_is_the_one_used(film: list[np.ndarray], job: RenderJob) -> None:
    clean = encode_frames(frames_of(film, job), job, Stopwatch(), ignore, never).certificate
    job = replace(job, mark_profile="archive")
    archive = encode_frames(frames_of(film, job), job, Stopwatch(), ignore, never).certificate
    assert (clean.profile, archive.profile) == ("clean", "archive")
    assert [proxy.kind.crf for proxy in archive.proxies] == [45, 28]
    assert archive.psnr_db < clean.psnr_db - 1


def test_a_second_pass_takes_the_strength_it_is_given(film: list[np.ndarray], job: RenderJob) -> None:
    first = encode_frames(frames_of(film, job), job, Stopwatch(), ignore, never)
    given = replace(first.strength, factor=0.5 * first.strength.factor)
    watch = Stopwatch()
    second = encode_frames(frames_of(film, job), job, watch, ignore, never, strength=given)
    assert "strength" not in watch.seconds
    assert second.certificate.strength == given.factor
    assert second.certificate.psnr_db > first.certificate.psnr_db + 4


@pytest.mark.parametrize("stopped_after", [0, 2, 5])
def test_a_stopped_pass_leaves_no_file(
    film: list[np.ndarray], job: RenderJob, tmp_path: Path, stopped_after: int
) -> None:
    asked = iter(range(1000))
    with pytest.raises(GenerationStopped):
        encode_frames(frames_of(film, job), job, Stopwatch(), ignore, lambda: next(asked) >= stopped_after)
    assert list(tmp_path.iterdir()) == []


def test_no_more_is_held_back_than_the_limit(job: RenderJob) -> None:
    assert replace(job, width=1280, height=720).probe_frames == 36
    assert replace(job, width=3840, height=2160).probe_frames == 5
    assert replace(job, width=7680, height=4320).probe_frames == 2
    assert replace(job, fps="1/1").probe_frames == 2


def test_progress_never_goes_back(film: list[np.ndarray], job: RenderJob) -> None:
    shares: list[float] = []
    encode_frames(frames_of(film, job), job, Stopwatch(), lambda _stage, share: shares.append(share), never)
    assert shares == sorted(shares)
    assert len(shares) == job.duration_frames + 1
