"""A fingerprint crosses from one process to another unchanged, and what is garbled is refused."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance.errors import FingerprintInvalid
from provenance.fingerprint import ClipFingerprint, SoundTrack, fingerprint_file
from provenance.fingerprint.wire import clip_from_wire, clip_to_wire


@pytest.fixture(scope="module")
def clip(real_media: Path) -> ClipFingerprint:
    made = fingerprint_file(real_media / "imageio" / "realshort.mp4", query=True)
    return replace(made, sound=SoundTrack(0.5, 0.124, np.arange(5, dtype=np.uint32) + 2**31))


def assert_same(one: ClipFingerprint, other: ClipFingerprint) -> None:
    assert (one.algorithms, one.duration_s, one.frames) == (other.algorithms, other.duration_s, other.frames)
    for ours, theirs in zip(one.keyframes, other.keyframes, strict=True):
        assert replace(ours, points=0, descriptors=0) == replace(theirs, points=0, descriptors=0)
        np.testing.assert_array_equal(ours.points, theirs.points)
        np.testing.assert_array_equal(ours.descriptors, theirs.descriptors)
    for part in ("times_s", "hashes", "qualities", "mirrored"):
        np.testing.assert_array_equal(getattr(one.track, part), getattr(other.track, part))
    assert (one.sound is None) == (other.sound is None)
    if one.sound is not None and other.sound is not None:
        assert (one.sound.start_s, one.sound.interval_s) == (other.sound.start_s, other.sound.interval_s)
        np.testing.assert_array_equal(one.sound.codes, other.sound.codes)


def test_a_query_and_a_reference_come_back_as_they_were(clip: ClipFingerprint, real_media: Path) -> None:
    assert clip.frames[0].mirrored_pdq
    assert clip.track.mirrored is not None
    assert clip.keyframes
    reference = fingerprint_file(real_media / "imageio" / "coins.png")
    for one in (clip, reference, ClipFingerprint()):
        assert_same(clip_from_wire(json.loads(json.dumps(clip_to_wire(one), allow_nan=False))), one)


def _without(wire: Any, part: str) -> None:
    del wire[part]


def _half(wire: Any, part: str, name: str) -> None:
    wire[part][name] = wire[part][name][: len(wire[part][name]) // 8 * 4]


@pytest.mark.parametrize(
    "garble",
    [
        lambda wire: _without(wire, "track"),
        lambda wire: _without(wire, "frames"),
        lambda wire: _half(wire, "frames", "pdq"),
        lambda wire: _half(wire, "frames", "qualities"),
        lambda wire: _half(wire, "track", "hashes"),
        lambda wire: _half(wire, "track", "mirrored"),
        lambda wire: _half(wire, "keyframes", "descriptors"),
        lambda wire: _half(wire, "keyframes", "previews"),
        lambda wire: wire["keyframes"].update(counts=[-5, *wire["keyframes"]["counts"]]),
        lambda wire: wire["keyframes"].update(frames=[[1]]),
        lambda wire: wire["track"].update(times_s="not base64!"),
        lambda wire: wire["frames"].update(times_s=base64.b64encode(np.full(5, np.nan).tobytes()).decode()),
        lambda wire: wire.update(sound={"start_s": 0}),
        lambda wire: wire.update(duration_s="long"),
        lambda wire: wire.update(frames=[1, 2]),
        lambda wire: wire.update(keyframes=None),
    ],
)
def test_what_is_garbled_is_refused(clip: ClipFingerprint, garble: Any) -> None:
    wire = json.loads(json.dumps(clip_to_wire(clip)))
    garble(wire)
    with pytest.raises(FingerprintInvalid):
        clip_from_wire(wire)


def test_an_hour_of_moving_film_stays_below_thirty_megabytes(clip: ClipFingerprint) -> None:
    from provenance.fingerprint.keyframes import MAX_KEYFRAMES

    wire = clip_to_wire(replace(clip, keyframes=clip.keyframes[:1] * 40, sound=None))
    # A reference's key frame has a quarter of the features of this query's; a preview is 9 kB at most in the fixtures.
    per_keyframe = (128 * 36 + 9_500) * 4 / 3
    per_row = len(json.dumps(wire["frames"])) / len(clip.frames)
    per_frame = (32 + 1 + 8) * 4 / 3
    assert MAX_KEYFRAMES * per_keyframe + 7320 * per_row + 86_400 * per_frame < 30e6
